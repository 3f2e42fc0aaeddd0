"""Choosing elements by a condition, and limiting values to a range."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.broadcasting import sum_to_input, sum_to_inputs
from tfmini.convert import constant
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope
from tfmini.indexed_slices import IndexedSlices

__all__ = ["clip_by_value", "select", "where_v2"]


def select(condition: Any, x: Any, y: Any, name: str | None = None) -> Tensor:
    """Elements of `x` where `condition` holds, of `y` elsewhere: `tf.where` before TensorFlow 1.0.

    `x` and `y` have one shape; `condition` has it too, or is a scalar, or is a vector that chooses whole rows.
    """
    return raw.Select(condition, x, y, name=name)


def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Like `tf.where`, but `condition`, `x` and `y` are broadcast together."""
    if x is None and y is None:
        return raw.Where(condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return raw.SelectV2(condition, x, y, name=name)


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """max(min(t, clip_value_max), clip_value_min); NaN stays NaN.

    `t`: a tensor, or IndexedSlices, which stay sparse. The bounds are scalars or broadcast to the shape of `t`. Raises
    ValueError if they would enlarge it.
    """
    with name_scope(name, "clip_by_value", [t, clip_value_min, clip_value_max]) as scope:
        values = convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name="t")
        low = raw.Minimum(values, clip_value_max)
        _check_shape(values, low)
        clipped = raw.Maximum(low, clip_value_min, name=scope)
        _check_shape(values, clipped)
    return IndexedSlices(clipped, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else clipped


def _check_shape(values: Tensor, clipped: Tensor) -> None:
    if not values.shape.is_compatible_with(clipped.shape):
        raise ValueError(f"the bounds would broadcast the clipped tensor from shape {values.shape} to {clipped.shape}")


@gradient("Select")
def _select_grad(op: Operation, grad: Tensor) -> Any:
    condition = op.inputs[0]
    zeros = raw.ZerosLike(grad)
    return None, raw.Select(condition, grad, zeros), raw.Select(condition, zeros, grad)


@gradient("SelectV2")
def _select_v2_grad(op: Operation, grad: Tensor) -> Any:
    condition = op.inputs[0]
    zero = constant(0, grad.dtype.base_dtype)
    return sum_to_inputs(op, None, raw.SelectV2(condition, grad, zero), raw.SelectV2(condition, zero, grad))


@gradient("ClipByValue")
def _clip_by_value_grad(op: Operation, grad: Tensor) -> Any:
    """Where a bound was in force the gradient goes to it."""
    t, low, high = op.inputs
    zero = constant(0, grad.dtype.base_dtype)
    below, above = t < low, t > high
    return [
        raw.SelectV2(raw.LogicalOr(below, above), zero, grad),
        sum_to_input(op, 1, raw.SelectV2(below, grad, zero)),
        sum_to_input(op, 2, raw.SelectV2(above, grad, zero)),
    ]
