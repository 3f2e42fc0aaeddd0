"""Joining tensors: concat along an existing dimension, stack along a new one."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import dtypes, raw
from tfmini.autodiff import gradient, not_differentiable
from tfmini.constant_value import constant_value
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = ["concat", "concat_v2", "pack", "parallel_stack", "stack"]

not_differentiable("ConcatOffset")


def concat(values: Any = None, axis: Any = None, name: str = "concat", concat_dim: Any = None) -> Tensor:
    """Joins tensors of equal rank along dimension `axis`, where their sizes may differ.

    Both argument orders work: `concat([a, b], 1)`, and `concat(1, [a, b])` as before TensorFlow 1.0,
    when `axis` was called `concat_dim`.
    """
    axis = axis if concat_dim is None else concat_dim
    if values is None or axis is None:
        raise TypeError("concat() needs values and an axis")
    if isinstance(axis, (list, tuple)) and not isinstance(values, (list, tuple)):
        values, axis = axis, values
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        with name_scope(name):
            convert_to_tensor(axis, dtypes.int32, name="concat_dim").shape.assert_has_rank(0)
            return raw.Identity(values[0], name="concat")
    return raw.ConcatV2(values, axis, name=name)


concat_v2 = concat


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Joins tensors of one shape along a new dimension `axis`, in [-rank - 1, rank]."""
    if axis == 0:
        try:
            # A list without tensors becomes a constant.
            return convert_to_tensor(values, name=name)
        except (TypeError, ValueError):
            pass
    dims = convert_to_tensor(values[0], name=name)._dims()
    if dims is not None and not -len(dims) - 1 <= axis <= len(dims):
        raise ValueError(f"axis = {axis} not in [{-len(dims) - 1}, {len(dims) + 1})")
    return raw.Pack(values, axis=axis, name=name)


pack = stack


def parallel_stack(values: Any, name: str = "parallel_stack") -> Tensor:
    """`stack(values)`, for tensors whose shapes are fully known."""
    values = [convert_to_tensor(v) for v in values]
    if not values[0].shape.is_fully_defined():
        raise ValueError(f"parallel_stack needs fully known shapes, got {values[0].shape}")
    return raw.Pack(values, name=name)


@gradient("ConcatV2")
def _concat_v2_grad(op: Operation, grad: Any) -> list[Any]:
    return [*_concat_grad(op.inputs[:-1], op.inputs[-1], grad), None]


@gradient("Concat")
def _concat_v1_grad(op: Operation, grad: Any) -> list[Any]:
    return [None, *_concat_grad(op.inputs[1:], op.inputs[0], grad)]


def _concat_grad(values: list[Tensor], axis: Tensor, grad: Any) -> list[Tensor]:
    """The parts of `grad` that belong to each of `values`."""
    known_axis = constant_value(axis)
    shapes = [v._dims() for v in values]
    if known_axis is not None and all(s is not None and s[int(known_axis)] is not None for s in shapes):
        sizes = np.array([s[int(known_axis)] for s in shapes])  # type: ignore[index]
        if np.all(sizes == sizes[0]):
            return raw.Split(
                axis if axis.dtype.base_dtype == dtypes.int32 else int(known_axis), grad, num_split=len(sizes)
            )
        return raw.SplitV(grad, sizes, int(known_axis), num_split=len(sizes))
    dims = raw.ShapeN(values)
    if axis.dtype.base_dtype != dtypes.int32:
        axis = raw.Cast(axis, DstT=dtypes.int32)
    return [raw.Slice(grad, offset, size) for offset, size in zip(raw.ConcatOffset(axis, dims), dims)]


@gradient("Pack")
def _pack_grad(op: Operation, grad: Any) -> list[Tensor]:
    return raw.Unpack(grad, num=len(op.inputs), axis=op.get_attr("axis"))
