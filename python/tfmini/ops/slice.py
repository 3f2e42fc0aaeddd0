"""slice: a box of a tensor, by its corner and its size."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor

__all__ = ["slice"]


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The elements begin[i] ... begin[i] + size[i] - 1 of every dimension i; size -1 takes all that are left.

    Raises ValueError (InvalidArgumentError at run time) if the box reaches outside `input_`.
    """
    return raw.Slice(input_, begin, size, name=name)


@gradient("Slice")
def _slice_grad(op: Operation, grad: Any) -> list[Any]:
    x, begin, _ = op.inputs
    index = begin.dtype.base_dtype
    behind = raw.Sub(raw.Sub(raw.Shape(x, out_type=index), raw.Shape(op.outputs[0], out_type=index)), begin)
    return [raw.Pad(grad, raw.Pack([begin, behind], axis=1)), None, None]
