"""Broadcasting of shapes: the common shape of two shapes."""

from __future__ import annotations

from typing import Any

from tfmini import raw, tensor_shape
from tfmini.autodiff import not_differentiable
from tfmini.graph import Tensor

__all__ = ["broadcast_dynamic_shape", "broadcast_static_shape"]

not_differentiable("BroadcastArgs", "BroadcastGradientArgs")


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape that tensors of shapes `shape_x` and `shape_y` (integer vectors) broadcast to."""
    return raw.BroadcastArgs(shape_x, shape_y)


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> tensor_shape.TensorShape:
    """The TensorShape that two static shapes broadcast to. Raises ValueError if they do not."""
    x, y = tensor_shape.as_shape(shape_x), tensor_shape.as_shape(shape_y)
    if x.ndims is None or y.ndims is None:
        return tensor_shape.TensorShape(None)
    rank = max(x.ndims, y.ndims)
    ones: list[int | None] = [1] * rank
    a = ones[x.ndims :] + x.as_list()
    b = ones[y.ndims :] + y.as_list()
    out = []
    for p, q in zip(a, b):
        if p == 1 or q == 1:
            out.append(q if p == 1 else p)
        elif p is None or q is None:
            out.append(q if p is None else p)  # the known size is not 1, so it decides
        elif p == q:
            out.append(p)
        else:
            raise ValueError(f"Incompatible shapes for broadcasting: {x} and {y}")
    return tensor_shape.TensorShape(out)
