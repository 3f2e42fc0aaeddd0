"""Segment reductions: rows of a tensor folded into the rows their segment ids name."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = [
    "segment_max",
    "segment_mean",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "unsorted_segment_max",
    "unsorted_segment_mean",
    "unsorted_segment_min",
    "unsorted_segment_prod",
    "unsorted_segment_sqrt_n",
    "unsorted_segment_sum",
]


def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """Row s: the sum of data[i] over all i with segment_ids[i] == s.

    `segment_ids`: a vector as long as the first dimension of `data`, not decreasing; the result has
    segment_ids[-1] + 1 rows. Segments without rows hold 0.
    """
    return raw.SegmentSum(data, segment_ids, name=name)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The means per segment (0 for a segment without rows); see `segment_sum`."""
    return raw.SegmentMean(data, segment_ids, name=name)


def segment_prod(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The products per segment (1 for a segment without rows); see `segment_sum`."""
    return raw.SegmentProd(data, segment_ids, name=name)


def segment_min(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The minima per segment (0 for a segment without rows); see `segment_sum`."""
    return raw.SegmentMin(data, segment_ids, name=name)


def segment_max(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The maxima per segment (0 for a segment without rows); see `segment_sum`."""
    return raw.SegmentMax(data, segment_ids, name=name)


def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """Row s of `num_segments`: the sum of data[i...] over all i... with segment_ids[i...] == s.

    The shape of `segment_ids` is a prefix of that of `data`; ids come in any order, negative ones
    drop their slice. Raises InvalidArgumentError for an id not below `num_segments`.
    """
    return raw.UnsortedSegmentSum(data, segment_ids, num_segments, name=name)


def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The products per segment (1 for an empty one); see `unsorted_segment_sum`."""
    return raw.UnsortedSegmentProd(data, segment_ids, num_segments, name=name)


def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The minima per segment (the largest finite value for an empty one); see `unsorted_segment_sum`."""
    return raw.UnsortedSegmentMin(data, segment_ids, num_segments, name=name)


def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The maxima per segment (the lowest finite value for an empty one); see `unsorted_segment_sum`."""
    return raw.UnsortedSegmentMax(data, segment_ids, num_segments, name=name)


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The means per segment (0 for an empty one); see `unsorted_segment_sum`."""
    with name_scope(name, "UnsortedSegmentMean"):
        data = convert_to_tensor(data)
        segment_ids = convert_to_tensor(segment_ids)
        count = _counts(data, segment_ids, num_segments)
        return raw.RealDiv(raw.UnsortedSegmentSum(data, segment_ids, num_segments), count, name="truediv")


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sums per segment divided by the square root of their number of slices."""
    with name_scope(name, "UnsortedSegmentSqrtN"):
        data = convert_to_tensor(data)
        segment_ids = convert_to_tensor(segment_ids)
        count = _counts(data, segment_ids, num_segments)
        return raw.RealDiv(raw.UnsortedSegmentSum(data, segment_ids, num_segments), raw.Sqrt(count), name="truediv")


def _counts(data: Tensor, ids: Tensor, num_segments: Any) -> Tensor:
    """Slices per segment, at least 1, shaped to divide the result."""
    ones = raw.Fill(raw.Shape(ids), convert_to_tensor(1, data.dtype.base_dtype))
    count = raw.Maximum(raw.UnsortedSegmentSum(ones, ids, num_segments), convert_to_tensor(1, data.dtype.base_dtype))
    return raw.Reshape(count, raw.ConcatV2([[-1], _ones_vector(raw.Sub(raw.Rank(data), raw.Rank(ids)))], 0))


def _ones_vector(n: Tensor) -> Tensor:
    return raw.Fill(raw.Reshape(n, [1]), 1)


def _keeps(ids: Tensor, like: Tensor) -> Tensor:
    """True where a slice of `like` has an id that is not negative."""
    kept = raw.GreaterEqual(ids, raw.ZerosLike(ids))
    shape = raw.ConcatV2([raw.Shape(ids), _ones_vector(raw.Sub(raw.Rank(like), raw.Rank(ids)))], 0)
    return raw.BroadcastTo(raw.Reshape(kept, shape), raw.Shape(like))


def _gather(rows: Tensor, ids: Tensor) -> Tensor:
    """rows[ids], with zeros for negative ids."""
    found = raw.GatherV2(rows, raw.Maximum(ids, raw.ZerosLike(ids)), 0)
    return raw.Select(_keeps(ids, found), found, raw.ZerosLike(found))


@gradient("UnsortedSegmentSum")
def _unsorted_sum_grad(op: Operation, grad: Any) -> list[Any]:
    return [_gather(convert_to_tensor(grad), op.inputs[1]), None, None]


@gradient("UnsortedSegmentMin", "UnsortedSegmentMax")
def _unsorted_extreme_grad(op: Operation, grad: Any) -> list[Any]:
    """Shared equally among all slices that attain the extreme value."""
    data, ids, num_segments = op.inputs
    kind = data.dtype.base_dtype
    chosen = raw.LogicalAnd(raw.Equal(data, _gather(op.outputs[0], ids)), _keeps(ids, data))
    ties = raw.UnsortedSegmentSum(raw.Cast(chosen, DstT=kind), ids, num_segments)
    share = raw.RealDiv(grad, raw.Maximum(ties, convert_to_tensor(1, kind)))
    return [raw.Select(chosen, _gather(share, ids), raw.ZerosLike(data)), None, None]


def _prod_grad(data: Tensor, ids: Tensor, num_segments: Tensor, out: Tensor, grad: Tensor) -> Tensor:
    """grad * out / data, where data is not 0; where it is the only 0 of its segment, grad * the others."""
    is_zero = raw.Equal(data, raw.ZerosLike(data))
    zeros = raw.UnsortedSegmentSum(raw.Cast(is_zero, DstT=dtypes.int32), ids, num_segments)
    grad = raw.Select(raw.Greater(zeros, 1), raw.ZerosLike(grad), grad)
    others = raw.Select(is_zero, raw.OnesLike(data), data)
    rest = raw.UnsortedSegmentProd(others, ids, num_segments)
    partial = raw.Select(is_zero, _gather(rest, ids), raw.RealDiv(_gather(out, ids), others))
    return raw.Mul(_gather(grad, ids), partial)


@gradient("UnsortedSegmentProd")
def _unsorted_prod_grad(op: Operation, grad: Any) -> list[Any]:
    data, ids, num_segments = op.inputs
    return [_prod_grad(data, ids, num_segments, op.outputs[0], grad), None, None]


@gradient("SegmentProd")
def _prod_grad_sorted(op: Operation, grad: Any) -> list[Any]:
    data, ids = op.inputs
    return [_prod_grad(data, ids, _rows(op.outputs[0]), op.outputs[0], grad), None]


def _rows(t: Tensor) -> Tensor:
    return raw.StridedSlice(raw.Shape(t), [0], [1], [1], shrink_axis_mask=1)


@gradient("SegmentSum")
def _sum_grad(op: Operation, grad: Any) -> list[Any]:
    return [raw.GatherV2(grad, op.inputs[1], 0), None]


@gradient("SegmentMean")
def _mean_grad(op: Operation, grad: Any) -> list[Any]:
    data, ids = op.inputs
    return [raw.GatherV2(raw.RealDiv(grad, _counts(data, ids, _rows(op.outputs[0]))), ids, 0), None]


@gradient("SegmentMin", "SegmentMax")
def _extreme_grad(op: Operation, grad: Any) -> list[Any]:
    data, ids = op.inputs
    kind = data.dtype.base_dtype
    chosen = raw.Equal(data, raw.GatherV2(op.outputs[0], ids, 0))
    ties = raw.SegmentSum(raw.Cast(chosen, DstT=kind), ids)
    share = raw.GatherV2(raw.RealDiv(grad, raw.Maximum(ties, convert_to_tensor(1, kind))), ids, 0)
    return [raw.Select(chosen, share, raw.ZerosLike(data)), None]
