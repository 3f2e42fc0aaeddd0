"""Norms and moments. Clipping by norms: clip.py."""

from __future__ import annotations

import math
from typing import Any

from tfmini import dtypes, raw
from tfmini.aliases import only_one
from tfmini.autodiff import gradient
from tfmini.constant_value import constant_value
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = [
    "l2_loss",
    "l2_normalize",
    "moments",
    "norm",
    "normalize_moments",
    "sufficient_statistics",
    "weighted_moments",
]


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """sum(t ** 2) / 2, a scalar."""
    return raw.L2Loss(t, name=name)


@gradient("L2Loss")
def _l2_loss_grad(op: Operation, grad: Tensor) -> Tensor:
    return raw.Mul(op.inputs[0], grad)


def _all_axes(x: Tensor) -> Tensor:
    rank = x.shape.ndims
    return raw.Range(0, raw.Rank(x), 1) if rank is None else convert_to_tensor(list(range(rank)), dtypes.int32)


def _sum(x: Tensor, axis: Any, keep_dims: bool = False, name: str | None = None) -> Tensor:
    return raw.Sum(x, _all_axes(x) if axis is None else axis, keep_dims=keep_dims, name=name)


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The norm of vectors (`axis`: an int, or None for all elements as one) or matrices (`axis`: a pair of ints).

    ord: "euclidean", any p > 0 or inf for vectors; "euclidean" or "fro", 1 or inf for matrices. Raises ValueError for
    others.
    """
    keepdims = bool(only_one("keepdims", keepdims, "keep_dims", keep_dims))
    matrix = isinstance(axis, (list, tuple)) and len(axis) == 2
    if isinstance(axis, (list, tuple)) and len(axis) not in (1, 2):
        raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers")
    if isinstance(axis, (list, tuple)) and len(axis) == 1:
        axis = axis[0]
    if matrix and (axis[0] == axis[1] or not all(isinstance(a, int) for a in axis)):
        raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers")
    allowed = ("euclidean", "fro", 1, math.inf) if matrix else ("euclidean", 1, 2, math.inf)
    if ord not in allowed and (matrix or isinstance(ord, str) or not ord > 0):
        kind = "matrix" if matrix else "vector"
        raise ValueError(f"'ord' must be a supported {kind} norm in {list(allowed)}, got {ord!r}")
    with name_scope(name, "norm", [tensor]):
        tensor = convert_to_tensor(tensor)
        if ord in ("euclidean", "fro", 2):
            result = raw.Sqrt(_sum(raw.Mul(tensor, tensor), axis, True))
        else:
            result = raw.Abs(tensor)
            if matrix:
                # The largest column (ord 1) or row (inf) sum.
                across, down = axis if ord == 1 else axis[::-1]
                result = raw.Max(raw.Sum(result, across, keep_dims=True), down, keep_dims=True)
            elif ord == 1:
                result = _sum(result, axis, True)
            elif ord == math.inf:
                result = raw.Max(result, _all_axes(result) if axis is None else axis, keep_dims=True)
            else:
                result = raw.Pow(_sum(raw.Pow(result, ord), axis, True), 1.0 / ord)
        return result if keepdims else _drop(result, axis)


def _drop(kept: Tensor, axis: Any) -> Tensor:
    """A reduction made with keep_dims, without those dimensions."""
    value = () if axis is None else constant_value(axis)
    if value is None:
        raise ValueError("axes must be known while the graph is built")
    axes = [] if axis is None else [int(a) for a in value.reshape(-1)]  # type: ignore[union-attr]
    return kept if axis is not None and not axes else raw.Squeeze(kept, squeeze_dims=axes)


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None) -> Tensor:
    """x / sqrt(max(sum(x ** 2), epsilon)), the sum over `axis` (an int, a list, or None: all)."""
    axis = only_one("axis", axis, "dim", dim)
    with name_scope(name, "l2_normalize", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return raw.Mul(x, raw.Rsqrt(raw.Maximum(_sum(raw.Square(x), axis, True), epsilon)), name=scope)


# --- moments --------------------------------------------------------------------------------------


def moments(
    x: Any,
    axes: Any,
    shift: Any = None,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """(mean, variance) of `x` over `axes`, a list of ints: [0] for the columns of a batch.

    The variance is the mean squared distance from the mean (not unbiased). 16-bit floats are averaged in float32.
    `shift` is not needed and ignored, as in TensorFlow.
    """
    del shift
    keepdims = bool(only_one("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "moments", [x, axes]):
        x = convert_to_tensor(x, name="x")
        narrow = x.dtype.base_dtype if x.dtype.base_dtype in (dtypes.float16, dtypes.bfloat16) else None
        y = raw.Cast(x, DstT=dtypes.float32) if narrow else x
        mean = raw.Mean(y, axes, keep_dims=True, name="mean")
        # The variance is stationary in the mean: nothing is lost by not differentiating through it.
        distance = raw.SquaredDifference(y, raw.StopGradient(mean))
        variance = raw.Mean(distance, axes, keep_dims=True, name="variance")
        if not keepdims:
            mean, variance = _drop(mean, axes), _drop(variance, axes)
        if narrow:
            mean, variance = raw.Cast(mean, DstT=narrow), raw.Cast(variance, DstT=narrow)
        return mean, variance


def sufficient_statistics(
    x: Any,
    axes: Any,
    shift: Any = None,
    keep_dims: bool | None = None,
    name: str | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """(count, sum, sum of squares, shift) of `x` over `axes`, from which `normalize_moments` makes mean and variance.

    shift: a value near the mean, subtracted first for precision.
    """
    axes = list(dict.fromkeys(axes))
    keepdims = bool(only_one("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "sufficient_statistics", [x, shift]):
        x = convert_to_tensor(x, name="x")
        dims = x._dims()
        if dims is not None and all(dims[a] is not None for a in axes):
            count = convert_to_tensor(math.prod(dims[a] for a in axes), x.dtype.base_dtype)
        else:
            sizes = raw.GatherV2(raw.Shape(x), axes, 0)
            count = raw.Cast(raw.Prod(sizes, [0]), DstT=x.dtype.base_dtype, name="count")
        if shift is None:
            first, second = x, raw.Square(x)
        else:
            shift = convert_to_tensor(shift, x.dtype.base_dtype, name="shift")
            first, second = raw.Sub(x, shift), raw.SquaredDifference(x, shift)
        mean_ss = raw.Sum(first, axes, keep_dims=keepdims, name="mean_ss")
        var_ss = raw.Sum(second, axes, keep_dims=keepdims, name="var_ss")
        return count, mean_ss, var_ss, shift


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """(mean, variance) from the result of `sufficient_statistics`."""
    with name_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
        mean_ss = convert_to_tensor(mean_ss)
        divisor = raw.Reciprocal(convert_to_tensor(counts, mean_ss.dtype.base_dtype), name="divisor")
        if shift is None:
            mean = shifted = raw.Mul(mean_ss, divisor, name="mean")
        else:
            shifted = raw.Mul(mean_ss, divisor, name="shifted_mean")
            mean = raw.AddV2(shifted, shift, name="mean")
        variance = raw.Sub(raw.Mul(variance_ss, divisor), raw.Square(shifted), name="variance")
        return mean, variance


def weighted_moments(
    x: Any,
    axes: Any,
    frequency_weights: Any,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """(mean, variance) of `x` over `axes`, each element counted as often as `frequency_weights` (broadcast) says."""
    keepdims = bool(only_one("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "weighted_moments", [x, frequency_weights, axes]):
        x = convert_to_tensor(x, name="x")
        weights = convert_to_tensor(frequency_weights, name="frequency_weights")
        narrow = x.dtype.base_dtype if x.dtype.base_dtype in (dtypes.float16, dtypes.bfloat16) else None
        if narrow:
            x = raw.Cast(x, DstT=dtypes.float32)
        if weights.dtype.base_dtype != x.dtype.base_dtype:
            weights = raw.Cast(weights, DstT=x.dtype.base_dtype)
        weighted_sum = raw.Sum(raw.Mul(weights, x), axes, keep_dims=True, name="weighted_input_sum")
        # Weights may be broadcast: each counts for every element it weighs.
        spread = raw.Add(weights, raw.ZerosLike(x))
        total = raw.Sum(spread, axes, keep_dims=True, name="sum_of_weights")
        mean = raw.DivNoNan(weighted_sum, total)
        distance = raw.Mul(weights, raw.SquaredDifference(x, mean))
        variance = raw.DivNoNan(raw.Sum(distance, axes, keep_dims=True, name="weighted_distsq"), total)
        if not keepdims:
            mean, variance = _drop(mean, axes), _drop(variance, axes)
        if narrow:
            mean, variance = raw.Cast(mean, DstT=narrow), raw.Cast(variance, DstT=narrow)
        return mean, variance
