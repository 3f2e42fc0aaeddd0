"""Cumulative sums and products."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = ["cumprod", "cumsum"]


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """Sums of the elements up to each position along `axis`: [a, b, c] -> [a, a + b, a + b + c].

    exclusive: without the element itself: [0, a, a + b].
    reverse: from the end: [a + b + c, b + c, c].

    Raises ValueError (InvalidArgumentError if it only shows at run time) if there is no such axis.
    """
    with name_scope(name, "Cumsum", [x]) as scope:
        return raw.Cumsum(convert_to_tensor(x, name="x"), axis, exclusive=exclusive, reverse=reverse, name=scope)


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """Products of the elements up to each position along `axis`; see `tf.cumsum`."""
    with name_scope(name, "Cumprod", [x]) as scope:
        return raw.Cumprod(convert_to_tensor(x, name="x"), axis, exclusive=exclusive, reverse=reverse, name=scope)


@gradient("Cumsum")
def _cumsum_grad(op: Operation, grad: Tensor) -> list[Any]:
    exclusive, reverse = op.get_attr("exclusive"), op.get_attr("reverse")
    return [raw.Cumsum(grad, op.inputs[1], exclusive=exclusive, reverse=not reverse), None]


@gradient("Cumprod")
def _cumprod_grad(op: Operation, grad: Tensor) -> list[Any]:
    """Right wherever x is not zero; where it is, NaN says that this formula cannot tell."""
    x, axis = op.inputs
    exclusive, reverse = op.get_attr("exclusive"), op.get_attr("reverse")
    sums = raw.Cumsum(raw.Mul(op.outputs[0], grad), axis, exclusive=exclusive, reverse=not reverse)
    return [raw.RealDiv(sums, x), None]
