"""Reductions: sum, mean, prod, max, min, all, any over any axes, and what is made of them.

Every `tf.reduce_*` takes (input_tensor, axis, keepdims, name); `axis` is None (all axes), an int, a list of ints or
an integer tensor. `reduction_indices` and `keep_dims` are the names of 2015-17; positions never changed. An axis out
of range raises ValueError, at run time (a computed axis) InvalidArgumentError; so does one given twice.
"""

from __future__ import annotations

import math
from typing import Any

from tfmini import dtypes, raw
from tfmini.aliases import only_one
from tfmini.autodiff import gradient, not_differentiable
from tfmini.constant_value import constant_value
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = [
    "count_nonzero",
    "reduce_all",
    "reduce_any",
    "reduce_euclidean_norm",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_std",
    "reduce_sum",
    "reduce_variance",
    "zero_fraction",
]

not_differentiable("All", "Any")


def all_axes(x: Tensor) -> Tensor:
    """The axes 0 .. rank-1 of x: a constant if the rank is known."""
    rank = x.shape.ndims
    if rank is None:
        return raw.Range(0, raw.Rank(x), 1)
    return convert_to_tensor(list(range(rank)), dtypes.int32, name="Const")


def _reduce(
    op_type: str, x: Any, axis: Any, keepdims: Any, name: str | None, old_axis: Any, old_keepdims: Any
) -> Tensor:
    axis = only_one("axis", axis, "reduction_indices", old_axis)
    keepdims = only_one("keepdims", keepdims, "keep_dims", old_keepdims)
    if axis is None:
        if not isinstance(x, Tensor):
            dtype = dtypes.bool_ if op_type in ("All", "Any") else None
            x = convert_to_tensor(x, dtype, name=f"{name or op_type}/input")
        axis = all_axes(x)
    return getattr(raw, op_type)(x, axis, keep_dims=bool(keepdims), name=name)


def reduce_sum(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Sums over `axis`. Integers wrap; floats are added pairwise, in an order that depends on the shape only."""
    return _reduce("Sum", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_mean(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Means over `axis`. The mean of integers is an integer, rounded towards zero; of no floats it is NaN."""
    return _reduce("Mean", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_prod(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Products over `axis`."""
    return _reduce("Prod", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_max(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Largest elements over `axis`; NaN if one is NaN, -inf (the lowest integer) of nothing."""
    return _reduce("Max", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_min(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Smallest elements over `axis`; NaN if one is NaN, inf (the highest integer) of nothing."""
    return _reduce("Min", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_all(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Whether all elements along `axis` are true."""
    return _reduce("All", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_any(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Whether any element along `axis` is true."""
    return _reduce("Any", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Square roots of the sums of squares over `axis`."""
    return _reduce("EuclideanNorm", input_tensor, axis, keepdims, name, None, None)


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Variances over `axis`: the mean squared distance from the mean."""
    with name_scope(name, "reduce_variance", [input_tensor]):
        x = convert_to_tensor(input_tensor)
        if x.dtype.is_integer:
            raise TypeError("Input must be either real or complex")
        mean = reduce_mean(x, axis, keepdims=True)
        return reduce_mean(raw.SquaredDifference(x, mean), axis, keepdims=keepdims)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Standard deviations over `axis`: the square roots of the variances."""
    with name_scope(name, "reduce_std", [input_tensor]):
        return raw.Sqrt(reduce_variance(input_tensor, axis, keepdims))


def reduce_logsumexp(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """log(sum(exp(x))) over `axis`, without overflow for large x and without underflow for small."""
    axis = only_one("axis", axis, "reduction_indices", reduction_indices)
    keepdims = only_one("keepdims", keepdims, "keep_dims", keep_dims)
    with name_scope(name, "ReduceLogSumExp", [input_tensor]) as scope:
        x = convert_to_tensor(input_tensor)
        raw_max = reduce_max(x, axis, keepdims=True)
        # An infinite maximum must not be subtracted from itself.
        top = raw.StopGradient(raw.Select(raw.IsFinite(raw_max), raw_max, raw.ZerosLike(raw_max)))
        log_sum = raw.Log(reduce_sum(raw.Exp(raw.Sub(x, top)), axis, keepdims=keepdims))
        if not keepdims:
            top = raw.Reshape(top, raw.Shape(log_sum))
        return raw.Add(log_sum, top, name=scope)


def count_nonzero(
    input_tensor: Any = None,
    axis: Any = None,
    keepdims: bool | None = None,
    dtype: Any = dtypes.int64,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
    input: Any = None,
) -> Tensor:
    """The number of elements over `axis` that are not zero (False, the empty string), as `dtype`."""
    x = only_one("input", input, "input_tensor", input_tensor)
    axis = only_one("axis", axis, "reduction_indices", reduction_indices)
    keepdims = only_one("keepdims", keepdims, "keep_dims", keep_dims)
    with name_scope(name, "count_nonzero", [x]):
        x = convert_to_tensor(x, name="input")
        nonzero = raw.Cast(raw.NotEqual(x, _zero(x.dtype)), DstT=dtypes.int64)
        return _cast(reduce_sum(nonzero, axis, keepdims=keepdims), dtype)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of zeros in `value`: a float32 scalar, NaN if it is empty."""
    with name_scope(name, "zero_fraction", [value]):
        value = convert_to_tensor(value, name="value")
        zeros = raw.Cast(raw.Equal(value, _zero(value.dtype)), DstT=dtypes.float32)
        return raw.Mean(zeros, all_axes(zeros), name="fraction")


def _zero(dtype: dtypes.DType) -> Tensor:
    zero: Any = False if dtype.base_dtype == dtypes.bool_ else b"" if dtype.base_dtype == dtypes.string else 0
    return convert_to_tensor(zero, dtype.base_dtype, name="zero")


def _cast(x: Tensor, dtype: Any) -> Tensor:
    dtype = dtypes.as_dtype(dtype).base_dtype
    return x if x.dtype.base_dtype == dtype else raw.Cast(x, DstT=dtype)


# --- gradients ------------------------------------------------------------------------------------


def _static_axes(op: Operation) -> list[int] | None:
    """The reduced axes, sorted and not negative, if they and the rank are known."""
    rank = op.inputs[0].shape.ndims
    axes = constant_value(op.inputs[1])
    if rank is None or axes is None:
        return None
    return sorted(int(a) % rank for a in axes.reshape(-1)) if rank else []


def _kept_shape(op: Operation) -> Any:
    """The shape of the op's result had it been made with keep_dims: a list (-1 where unknown, at most once) or a
    tensor."""
    x = op.inputs[0]
    axes, dims = _static_axes(op), x._dims()
    if axes is not None and dims is not None:
        kept = [1 if i in axes else (-1 if d is None else d) for i, d in enumerate(dims)]
        if kept.count(-1) <= 1:
            return kept
    shape = raw.Shape(x)
    rank = raw.Size(shape)
    reduced = raw.FloorMod(raw.Add(raw.Cast(op.inputs[1], DstT=dtypes.int32), rank), rank)
    reduced = raw.Reshape(reduced, [-1])
    return raw.DynamicStitch([raw.Range(0, rank, 1), reduced], [shape, raw.Fill(raw.Shape(reduced), 1)])


def _with_kept_dims(op: Operation, t: Tensor) -> Tensor:
    """t, a result of the op or of its shape, with the reduced axes as axes of size 1."""
    if op.get_attr("keep_dims"):
        return t
    axes, dims = _static_axes(op), op.inputs[0]._dims()
    # If only leading axes went, broadcasting puts them back by itself.
    if axes is not None and dims is not None and axes == list(range(len(axes))):
        return t
    return raw.Reshape(t, _kept_shape(op))


def _spread(op: Operation, grad: Tensor) -> Tensor:
    """A gradient of the result, repeated for every element that was reduced."""
    x = op.inputs[0]
    dims = x._dims()
    static = dims is not None and None not in dims
    return raw.BroadcastTo(_with_kept_dims(op, grad), list(dims or ()) if static else raw.Shape(x))


@gradient("Sum")
def _sum_grad(op: Operation, grad: Tensor) -> list[Any]:
    return [_spread(op, grad), None]


@gradient("Mean")
def _mean_grad(op: Operation, grad: Tensor) -> list[Any]:
    return [_spread(op, raw.RealDiv(grad, _reduced_count(op))), None]


def _reduced_count(op: Operation) -> Tensor:
    """Elements that went into each result."""
    x, y = op.inputs[0], op.outputs[0]
    axes, dims = _static_axes(op), x._dims()
    if axes is not None and dims is not None and None not in [dims[a] for a in axes]:
        return convert_to_tensor(math.prod(dims[a] for a in axes), x.dtype.base_dtype)
    count = raw.FloorDiv(raw.Size(x), raw.Maximum(raw.Size(y), 1))
    return _cast(count, x.dtype)


@gradient("Max", "Min")
def _extreme_grad(op: Operation, grad: Tensor) -> list[Any]:
    """Elements that tie share the gradient."""
    x, axes = op.inputs
    chosen = raw.Cast(raw.Equal(x, _with_kept_dims(op, op.outputs[0])), DstT=x.dtype.base_dtype)
    ties = raw.Sum(chosen, axes, keep_dims=op.get_attr("keep_dims"))
    return [raw.Mul(chosen, _with_kept_dims(op, raw.RealDiv(grad, ties))), None]


@gradient("Prod")
def _prod_grad(op: Operation, grad: Tensor) -> list[Any]:
    """The product of all other elements, by exclusive products from both sides: right also where some are zero."""
    x = op.inputs[0]
    axes = _static_axes(op)
    if axes is not None and len(axes) == 1:
        others = _products_of_others(x, axes[0])
    else:
        # The reduced axes in front, flattened.
        rank = raw.Rank(x)
        every = raw.Range(0, rank, 1)
        reduced = raw.Reshape(raw.FloorMod(raw.Add(raw.Cast(op.inputs[1], DstT=dtypes.int32), rank), rank), [-1])
        kept, _ = raw.ListDiff(every, reduced)
        order = raw.ConcatV2([reduced, kept], 0)
        moved = raw.Transpose(x, order)
        shape = raw.Shape(moved)
        count = raw.Prod(raw.GatherV2(raw.Shape(x), reduced, 0), [0])
        rest = raw.Prod(raw.GatherV2(raw.Shape(x), kept, 0), [0])
        others = _products_of_others(raw.Reshape(moved, raw.Pack([count, rest])), 0)
        others = raw.Transpose(raw.Reshape(others, shape), raw.InvertPermutation(order))
        others.set_shape(x.shape)
    return [raw.Mul(_with_kept_dims(op, grad), others), None]


def _products_of_others(x: Tensor, axis: int) -> Tensor:
    return raw.Mul(raw.Cumprod(x, axis, exclusive=True), raw.Cumprod(x, axis, exclusive=True, reverse=True))


@gradient("EuclideanNorm")
def _euclidean_norm_grad(op: Operation, grad: Tensor) -> list[Any]:
    y = op.outputs[0]
    return [raw.Mul(op.inputs[0], _with_kept_dims(op, raw.DivNoNan(grad, y))), None]
