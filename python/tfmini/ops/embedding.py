"""Embeddings: rows of one table, or of a table split over several tensors."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.convert import constant
from tfmini.graph import Tensor, colocate_with, convert_to_tensor, name_scope

__all__ = ["embedding_lookup", "embedding_lookup_sparse"]


def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: float | None = None,
) -> Tensor:
    """Rows `ids` of the table `params`.

    Args:
      params: a tensor or variable [rows, ...], or a list of them, the parts of one table.
      ids: int32 or int64, of any shape.
      partition_strategy: which part holds row i of a table in n parts: "mod", part i % n; or "div", consecutive
        rows, of which the first parts hold one more if n does not divide the number of rows.
      max_norm: rows with a larger 2-norm are scaled down to it.

    Returns a tensor of shape `ids.shape + params.shape[1:]`; its gradient touches only the rows looked up.
    Raises ValueError for no params or an unknown strategy; InvalidArgumentError at run time for ids out of range.
    """
    del validate_indices
    parts = list(params) if isinstance(params, (list, tuple)) else [params]
    if not parts or parts[0] is None:
        raise ValueError("Need at least one param")
    with name_scope(name, "embedding_lookup", [*parts, ids]) as scope:
        ids = convert_to_tensor(ids, name="ids")
        if len(parts) == 1:
            with colocate_with(_op(parts[0])):
                rows = _clipped(raw.GatherV2(parts[0], ids, constant(0, name="axis"), name=scope), ids, max_norm)
            return raw.Identity(rows)
        return _lookup_in_parts(parts, ids, partition_strategy, max_norm, scope)


def _op(param: Any) -> Any:
    return getattr(param, "op", param)


def _lookup_in_parts(parts: list[Any], ids: Tensor, strategy: str, max_norm: float | None, scope: str) -> Tensor:
    """Every id goes to its part, and the rows found come back in the order of the ids."""
    n = len(parts)
    flat = raw.Reshape(ids, [-1])
    positions = raw.Range(0, raw.Size(flat), 1, name="range")
    if strategy == "mod":
        part = raw.FloorMod(flat, n, name="mod")
        row = raw.FloorDiv(flat, n, name="floordiv")
    elif strategy == "div":
        part, row = _consecutive(flat, parts)
    else:
        raise ValueError(f"Unrecognized partition strategy: {strategy!r}; it must be 'mod' or 'div'")
    if part.dtype != dtypes.int32:
        part = raw.Cast(part, DstT=dtypes.int32)
    rows_of = raw.DynamicPartition(row, part, num_partitions=n)
    positions_of = raw.DynamicPartition(positions, part, num_partitions=n)
    found = []
    for param, rows in zip(parts, rows_of):
        with colocate_with(_op(param)):
            found.append(raw.GatherV2(param, rows, 0))
    out = raw.ParallelDynamicStitch(positions_of, found, name=scope)

    element = parts[0].shape[1:]
    for param in parts[1:]:
        element = element.merge_with(param.shape[1:])
    if element.is_fully_defined():
        element_shape = constant(element.as_list(), dtypes.int32)
    else:
        element_shape = raw.StridedSlice(raw.Shape(parts[0]), [1], [0], [1], end_mask=1)
    out = raw.Reshape(out, raw.ConcatV2([raw.Shape(ids), element_shape], 0, name="concat"))
    out.set_shape(ids.shape.concatenate(element))
    return _clipped(out, ids, max_norm)


def _consecutive(flat: Tensor, parts: list[Any]) -> tuple[Tensor, Tensor]:
    """Part and row under the strategy "div": the first `extras` parts hold one row more than the others."""
    dtype = flat.dtype.base_dtype
    sizes = [p.shape[0].value for p in parts]
    if None not in sizes:
        total = constant(sum(sizes), dtype)
    else:
        rows = [raw.StridedSlice(raw.Shape(p), [0], [1], [1], shrink_axis_mask=1) for p in parts]
        total = raw.Cast(raw.AddN(rows), DstT=dtype)
    each = raw.FloorDiv(total, len(parts), name="floordiv")
    extras = raw.FloorMod(total, len(parts), name="mod")
    larger = raw.AddV2(each, 1, name="add")
    behind = raw.Sub(flat, extras, name="sub")  # ids counted from the first of the smaller parts
    part = raw.Maximum(raw.FloorDiv(flat, larger, name="floordiv"), raw.FloorDiv(behind, each, name="floordiv"))
    row = raw.Select(
        raw.Less(part, extras), raw.FloorMod(flat, larger, name="mod"), raw.FloorMod(behind, each, name="mod")
    )
    return part, row


def _clipped(rows: Tensor, ids: Tensor, max_norm: float | None) -> Tensor:
    """Rows scaled down to 2-norm `max_norm`; a row of zeros passes, and so does its gradient."""
    if max_norm is None:
        return rows
    with name_scope("clip_by_norm") as scope:
        if ids.shape.ndims is not None and rows.shape.ndims is not None:
            axes: Any = list(range(ids.shape.ndims, rows.shape.ndims))
        else:
            axes = raw.Range(raw.Rank(ids), raw.Rank(rows), 1)
        squares = raw.Sum(raw.Mul(rows, rows, name="mul"), axes, keep_dims=True)
        positive = raw.Greater(squares, 0.0)
        root = raw.Sqrt(raw.Select(positive, squares, raw.OnesLike(squares)))
        norm = raw.Select(positive, root, squares)
        scaled = raw.RealDiv(raw.Mul(rows, max_norm, name="mul"), raw.Maximum(norm, max_norm), name="truediv")
        return raw.Identity(scaled, name=scope)


def embedding_lookup_sparse(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    combiner: str | None = None,
    max_norm: float | None = None,
) -> Tensor:
    """Sums, means or root-mean-square-like means of the rows named in each row of a sparse matrix.

    Args:
      params, partition_strategy, max_norm: as for `embedding_lookup`.
      sp_ids: a SparseTensor [n, m] of ids, every row with at least one.
      sp_weights: a SparseTensor of the same indices with float weights, or None for weights of 1.
      combiner: "mean" (the default), "sqrtn" (divided by the root of the sum of squared weights) or "sum".

    Returns a tensor [n] + params.shape[1:].
    """
    combiner = combiner or "mean"
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError("combiner must be one of 'mean', 'sqrtn' or 'sum'")
    parts = list(params) if isinstance(params, (list, tuple)) else [params]
    with name_scope(name, "embedding_lookup_sparse", [*parts, sp_ids.values]):
        begin, end, strides = [0, 0], [0, 1], [1, 1]
        segment = raw.StridedSlice(sp_ids.indices, begin, end, strides, begin_mask=1, end_mask=1, shrink_axis_mask=2)
        if segment.dtype != dtypes.int32:
            segment = raw.Cast(segment, DstT=dtypes.int32)
        rows = embedding_lookup(params, sp_ids.values, partition_strategy, max_norm=max_norm)
        n = raw.StridedSlice(sp_ids.dense_shape, [0], [1], [1], shrink_axis_mask=1)
        if sp_weights is None:
            weights = raw.Fill(raw.Shape(sp_ids.values), constant(1, rows.dtype.base_dtype))
        else:
            weights = sp_weights.values
            if weights.dtype.base_dtype != rows.dtype.base_dtype:
                weights = raw.Cast(weights, DstT=rows.dtype.base_dtype)
        columns = raw.Fill(raw.ExpandDims(raw.Sub(raw.Rank(rows), 1), 0), constant(1, dtypes.int32))
        shaped = raw.Reshape(weights, raw.ConcatV2([[-1], columns], 0))
        sums = raw.UnsortedSegmentSum(raw.Mul(rows, shaped), segment, n)
        if combiner == "sum":
            return sums
        if combiner == "mean":
            return raw.RealDiv(sums, raw.UnsortedSegmentSum(shaped, segment, n))
        squares = raw.UnsortedSegmentSum(raw.Mul(shaped, shaped), segment, n)
        return raw.RealDiv(sums, raw.Sqrt(squares))
