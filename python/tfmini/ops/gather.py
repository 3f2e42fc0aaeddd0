"""Indexing with tensors: gather, gather_nd. Their gradients stay sparse where they can."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import IndexedSlices, gradient
from tfmini.constant_value import constant_value
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = ["batch_gather", "gather", "gather_nd"]


def gather(
    params: Any,
    indices: Any,
    validate_indices: bool | None = None,
    name: str | None = None,
    axis: Any = None,
    batch_dims: int = 0,
) -> Tensor:
    """The slices params[..., indices[i], ...] of dimension `axis`.

    Shape: params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:]. With
    `batch_dims` the leading dimensions of params and indices correspond to each other; `axis`
    defaults to `batch_dims`. Raises InvalidArgumentError for an index outside [0, params.shape[axis]);
    `validate_indices` is accepted and not used: indices are always checked.
    """
    del validate_indices
    if axis is None:
        axis = batch_dims
    # A resource variable reads just the rows wanted.
    if isinstance(axis, int) and axis == 0 and batch_dims == 0 and hasattr(params, "sparse_read"):
        return params.sparse_read(indices, name=name)
    return raw.GatherV2(params, indices, axis, batch_dims=batch_dims, name=name)


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """`gather` along the last dimension of `indices`, all dimensions before it being batch dimensions."""
    with name_scope(name, "BatchGather", [params, indices]):
        indices = convert_to_tensor(indices, name="indices")
        params = convert_to_tensor(params, name="params")
        ndims = indices.shape.ndims
        if ndims is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        return gather(params, indices, axis=ndims - 1, batch_dims=ndims - 1)


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0) -> Tensor:
    """The slices params[indices[..., :]]: the last dimension of `indices` indexes the first of `params`.

    Shape: indices.shape[:-1] + params.shape[indices.shape[-1]:]. Raises InvalidArgumentError for an
    index outside `params`.
    """
    if batch_dims == 0:
        return raw.GatherNd(params, indices, name=name)
    with name_scope(name, "GatherNd", [params, indices]):
        params, indices = convert_to_tensor(params), convert_to_tensor(indices)
        dtype = indices.dtype.base_dtype
        shape = raw.Shape(indices, out_type=dtype)
        coordinates = []
        for d in range(batch_dims):
            size = raw.StridedSlice(shape, [d], [d + 1], [1], shrink_axis_mask=1)
            one = convert_to_tensor(1, dtype)
            rank = indices.shape.ndims
            steps = raw.Reshape(raw.Range(raw.Sub(one, one), size, one), [-1 if i == d else 1 for i in range(rank)])
            outer = raw.ConcatV2([raw.Slice(shape, [0], [rank - 1]), raw.Reshape(one, [1])], 0)
            coordinates.append(raw.BroadcastTo(steps, outer))
        return raw.GatherNd(params, raw.ConcatV2([*coordinates, indices], -1))


def _dim(shape: Tensor, axis: Any) -> Tensor:
    """Elements `axis` (a vector of one or a slice) of a shape vector."""
    return raw.StridedSlice(shape, [axis], [axis + 1], [1], shrink_axis_mask=1)


def _row_slices(op: Operation, grad: Any) -> IndexedSlices:
    """Gradient of a gather along dimension 0: only the rows that were looked up."""
    params, indices = op.inputs[0], op.inputs[1]
    shape = raw.Shape(params)
    flat = raw.Reshape(indices, [-1])
    rows = raw.ConcatV2([raw.Shape(flat), raw.StridedSlice(shape, [1], [0], [1], end_mask=1)], 0)
    return IndexedSlices(raw.Reshape(grad, rows), flat, shape)


@gradient("Gather")
def _gather_grad(op: Operation, grad: Any) -> list[Any]:
    return [_row_slices(op, grad), None]


@gradient("GatherV2")
def _gather_v2_grad(op: Operation, grad: Any) -> list[Any]:
    params, indices, axis = op.inputs
    batch_dims = op.get_attr("batch_dims")
    known_axis = constant_value(axis)
    if known_axis is not None and known_axis == 0 and batch_dims == 0:
        return [_row_slices(op, grad), None, None]
    if known_axis is None:
        raise NotImplementedError("the gradient of tf.gather needs an axis that is known while the graph is built")
    rank, indices_rank = params.shape.ndims, indices.shape.ndims
    if rank is None or indices_rank is None:
        raise NotImplementedError(
            "the gradient of tf.gather along an axis other than 0 needs params and indices of known rank"
        )
    a = int(known_axis) % rank
    b = batch_dims % indices_rank if batch_dims < 0 else batch_dims

    # As [batch, outer, size, inner]: sum the rows of every index, batch by batch.
    shape = raw.Shape(params)

    def product(first: int, last: int) -> Tensor:
        return raw.Prod(raw.StridedSlice(shape, [first], [last], [1]), [0])

    batch, outer, size, inner = product(0, b), product(b, a), _dim(shape, a), product(a + 1, rank)
    flat = raw.Reshape(indices, raw.Pack([batch, -1]))
    index_type = indices.dtype.base_dtype
    starts = raw.Mul(raw.Range(0, batch, 1), size)
    if index_type != dtypes.int32:
        starts = raw.Cast(starts, DstT=index_type)
    segments = raw.AddV2(flat, raw.Reshape(starts, [-1, 1]))
    by_index = raw.Transpose(raw.Reshape(grad, raw.Pack([batch, outer, -1, inner])), [0, 2, 1, 3])
    rows = raw.Reshape(by_index, raw.ConcatV2([[-1], raw.Pack([outer, inner])], 0))
    sums = raw.UnsortedSegmentSum(rows, raw.Reshape(segments, [-1]), raw.Mul(batch, size))
    by_place = raw.Transpose(raw.Reshape(sums, raw.Pack([batch, size, outer, inner])), [0, 2, 1, 3])
    return [raw.Reshape(by_place, shape), None, None]


@gradient("GatherNd")
def _gather_nd_grad(op: Operation, grad: Any) -> list[Any]:
    params, indices = op.inputs
    shape = raw.Shape(params, out_type=indices.dtype.base_dtype)
    if indices.shape.ndims == 2 and indices.shape.as_list()[-1] == 1:
        return [IndexedSlices(grad, raw.Squeeze(indices, squeeze_dims=[1]), shape), None]
    return [raw.ScatterNd(indices, grad, shape), None]
