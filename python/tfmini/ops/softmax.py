"""softmax and log_softmax."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.aliases import only_one
from tfmini.autodiff import gradient
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
    rank = logits.shape.ndims
    if rank is None:
        raise ValueError("softmax along another than the last axis needs logits of known rank; use set_shape()")
    if not -rank <= axis < rank:
        raise ValueError(f"axis must be in the range [{-rank}, {rank}) for logits of rank {rank}, got {axis}")
    if axis % rank == rank - 1:
        return op(logits, name=name)
    swap = list(range(rank))
    swap[axis], swap[-1] = swap[-1], swap[axis]
    return raw.Transpose(op(raw.Transpose(logits, swap)), swap, name=name)


@gradient("Softmax")
def _softmax_grad(op: Operation, grad: Tensor) -> Tensor:
    y = op.outputs[0]
    return raw.Mul(raw.Sub(grad, raw.Sum(raw.Mul(grad, y), [-1], keep_dims=True)), y)


@gradient("LogSoftmax")
def _log_softmax_grad(op: Operation, grad: Tensor) -> Tensor:
    return raw.Sub(grad, raw.Mul(raw.Sum(grad, [-1], keep_dims=True), raw.Exp(op.outputs[0])))
