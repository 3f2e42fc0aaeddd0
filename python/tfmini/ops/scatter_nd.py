"""Dense tensors from indices and values: scatter_nd, sparse_to_dense."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor

__all__ = ["scatter_nd", "sparse_to_dense"]


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of shape `shape` to which updates[i] is added at position indices[i, :].

    `updates` has shape indices.shape[:-1] + shape[indices.shape[-1]:]. Slices named several times add
    up. Raises InvalidArgumentError for an index outside `shape`.
    """
    return raw.ScatterNd(indices, updates, shape, name=name)


def sparse_to_dense(
    sparse_indices: Any,
    output_shape: Any,
    sparse_values: Any,
    default_value: Any = 0,
    validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:
    """`default_value` everywhere but at `sparse_indices`, where `sparse_values` (or one value) stand.

    The indices are a scalar, a vector, or a matrix with one row per value; unless `validate_indices`
    is False they must be sorted and distinct.
    """
    return raw.SparseToDense(
        sparse_indices, output_shape, sparse_values, default_value, validate_indices=validate_indices, name=name
    )


@gradient("ScatterNd")
def _scatter_nd_grad(op: Operation, grad: Any) -> list[Any]:
    return [None, raw.GatherNd(grad, op.inputs[0]), None]


@gradient("SparseToDense")
def _sparse_to_dense_grad(op: Operation, grad: Any) -> list[Any]:
    indices, _, values, _ = op.inputs
    depth = raw.Size(op.inputs[1])
    at_values = raw.GatherNd(grad, raw.Reshape(indices, raw.Pack([-1, depth])))
    total = raw.Sum(grad, raw.Range(0, raw.Rank(grad), 1))
    values_grad = raw.Sum(at_values, [0]) if values.shape.ndims == 0 else at_values
    return [None, None, values_grad, raw.Sub(total, raw.Sum(at_values, [0]))]
