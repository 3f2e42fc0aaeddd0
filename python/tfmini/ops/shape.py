"""Shapes as tensors: shape, shape_n, size, rank, and broadcasting of shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import dtypes, raw, tensor_shape
from tfmini.autodiff import not_differentiable
from tfmini.convert import constant
from tfmini.graph import Tensor, convert_to_tensor, name_scope

__all__ = ["broadcast_dynamic_shape", "broadcast_static_shape", "rank", "shape", "shape_n", "size"]

not_differentiable("Shape", "ShapeN", "Size", "Rank", "BroadcastArgs")


def shape(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:
    """The shape of `input` as a vector; a constant if it is fully known while the graph is built."""
    with name_scope(name, "Shape", [input]) as scope:
        input = convert_to_tensor(input)
        dims = _static_dims(input)
        if dims is not None:
            return constant(np.array(dims, np.int64), out_type, name=scope)
        return raw.Shape(input, out_type=out_type, name=scope)


def shape_n(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors of one dtype, as a list of vectors."""
    return raw.ShapeN(input, out_type=out_type, name=name)


def size(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:
    """The number of elements of `input`, a scalar; a constant if it is known while the graph is built."""
    with name_scope(name, "Size", [input]) as scope:
        input = convert_to_tensor(input)
        dims = _static_dims(input)
        if dims is not None:
            return constant(np.prod(dims, dtype=np.int64), out_type, name=scope)
        return raw.Size(input, out_type=out_type, name=scope)


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of dimensions of `input`, an int32 scalar; a constant if it is known."""
    with name_scope(name, "Rank", [input]) as scope:
        input = convert_to_tensor(input)
        dims = input._dims()
        if dims is not None:
            return constant(len(dims), dtypes.int32, name=scope)
        return raw.Rank(input, name=scope)


def _static_dims(t: Tensor) -> tuple[int, ...] | None:
    dims = t._dims()
    return None if dims is None or None in dims else dims  # type: ignore[return-value]


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape that tensors of shapes `shape_x` and `shape_y` (integer vectors) broadcast to."""
    return raw.BroadcastArgs(shape_x, shape_y)


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> tensor_shape.TensorShape:
    """The TensorShape that two static shapes broadcast to. Raises ValueError if they do not."""
    x, y = tensor_shape.as_shape(shape_x), tensor_shape.as_shape(shape_y)
    if x.ndims is None or y.ndims is None:
        return tensor_shape.TensorShape(None)
    a, b = x.as_list(), y.as_list()
    a = [1] * (len(b) - len(a)) + a
    b = [1] * (len(a) - len(b)) + b
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
