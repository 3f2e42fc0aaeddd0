"""pad: a border of one value, or of the inside mirrored, around a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor

__all__ = ["pad"]


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: Any = 0
) -> Tensor:
    """Adds paddings[i][0] elements before and paddings[i][1] after dimension i of `tensor`.

    Args:
      paddings: int32 or int64, shape [rank, 2].
      mode: in any case, "CONSTANT" (`constant_values`), "REFLECT" (mirrored without the edge: at most
        size - 1 elements) or "SYMMETRIC" (mirrored with the edge: at most size elements).

    Raises ValueError for another mode, and for paddings that are negative or too large.
    """
    kind = mode.upper()
    if kind == "CONSTANT":
        if not isinstance(constant_values, Tensor) and np.ndim(constant_values) == 0 and constant_values == 0:
            return raw.Pad(tensor, paddings, name=name)
        return raw.PadV2(tensor, paddings, constant_values, name=name)
    if kind in ("REFLECT", "SYMMETRIC"):
        return raw.MirrorPad(tensor, paddings, mode=kind, name=name)
    raise ValueError(f"Unknown padding mode: {mode}")


@gradient("Pad", "PadV2")
def _pad_grad(op: Operation, grad: Any) -> list[Any]:
    x, paddings = op.inputs[:2]
    index = paddings.dtype.base_dtype
    before = raw.StridedSlice(paddings, [0, 0], [0, 1], [1, 1], begin_mask=1, end_mask=1, shrink_axis_mask=2)
    return [raw.Slice(grad, before, raw.Shape(x, out_type=index)), *[None] * (len(op.inputs) - 1)]


@gradient("MirrorPad")
def _mirror_pad_grad(op: Operation, grad: Any) -> list[Any]:
    return [raw.MirrorPadGrad(grad, op.inputs[1], mode=op.get_attr("mode")), None]


@gradient("MirrorPadGrad")
def _mirror_pad_grad_grad(op: Operation, grad: Any) -> list[Any]:
    return [raw.MirrorPad(grad, op.inputs[1], mode=op.get_attr("mode")), None]
