"""softmax and log_softmax."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.aliases import only_one
from tfmini.autodiff import gradient
from tfmini.axis_order import swap_with_last
from tfmini.graph import Operation, Tensor, convert_to_tensor

__all__ = ["log_softmax", "softmax"]


def softmax(logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Tensor:
    """exp(logits) / sum(exp(logits)) along `axis` (the last one by default), safe for any finite logits.

    logits: a float tensor of rank 1 or more. A row with NaN or +inf, or of -inf only, gives NaN. `dim` is an older
    name of `axis`. Raises ValueError if the axis does not exist, TypeError for other dtypes.
    """
    return _along(raw.Softmax, logits, only_one("axis", axis, "dim", dim), name)


def log_softmax(logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Tensor:
    """log(softmax(logits)) along `axis`, without the loss of precision that the two steps would bring."""
    return _along(raw.LogSoftmax, logits, only_one("axis", axis, "dim", dim), name)


def _along(op: Any, logits: Any, axis: int | None, name: str | None) -> Tensor:
    """The op works on the last axis; another one is swapped there and back."""
    if axis is None or axis == -1:
        return op(logits, name=name)
    logits = convert_to_tensor(logits)
    order = swap_with_last(logits, axis)
    if order is None:
        return op(logits, name=name)
    return raw.Transpose(op(raw.Transpose(logits, order, name="transpose")), order, name=name or "transpose")


@gradient("Softmax")
def _softmax_grad(op: Operation, grad: Tensor) -> Tensor:
    y = op.outputs[0]
    return raw.Mul(raw.Sub(grad, raw.Sum(raw.Mul(grad, y), [-1], keep_dims=True)), y)


@gradient("LogSoftmax")
def _log_softmax_grad(op: Operation, grad: Tensor) -> Tensor:
    return raw.Sub(grad, raw.Mul(raw.Sum(grad, [-1], keep_dims=True), raw.Exp(op.outputs[0])))
