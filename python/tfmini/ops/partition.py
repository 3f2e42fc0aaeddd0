"""dynamic_partition deals slices out to several tensors, dynamic_stitch puts them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor

__all__ = ["dynamic_partition", "dynamic_stitch", "parallel_dynamic_stitch"]


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Tensor]:
    """Tensor p of `num_partitions` holds, in order, the slices data[i...] with partitions[i...] == p.

    The shape of `partitions` (int32) is a prefix of that of `data`. Raises InvalidArgumentError for
    a partition outside [0, num_partitions).
    """
    return raw.DynamicPartition(data, partitions, num_partitions=num_partitions, name=name)


def dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Tensor:
    """Row indices[m][i...] of the result is data[m][i...]; the last of several wins.

    The result has as many rows as the largest index says; rows that nobody names hold zeros.
    """
    return raw.DynamicStitch(indices, data, name=name)


def parallel_dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Tensor:
    """`dynamic_stitch`, for indices that do not repeat."""
    return raw.ParallelDynamicStitch(indices, data, name=name)


@gradient("DynamicPartition")
def _partition_grad(op: Operation, *grads: Any) -> list[Any]:
    data, partitions = op.inputs
    shape = raw.Shape(partitions)
    numbers = raw.Reshape(raw.Range(0, raw.Size(partitions), 1), shape)
    places = raw.DynamicPartition(numbers, partitions, num_partitions=op.get_attr("num_partitions"))
    return [raw.Reshape(raw.ParallelDynamicStitch(places, list(grads)), raw.Shape(data)), None]


@gradient("DynamicStitch", "ParallelDynamicStitch")
def _stitch_grad(op: Operation, grad: Any) -> list[Any]:
    indices = op.inputs[: len(op.inputs) // 2]
    return [*[None] * len(indices), *[raw.GatherV2(grad, i, 0) for i in indices]]
