"""Shapes as tensors: shape, shape_n, size, rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import dtypes, raw
from tfmini.autodiff import not_differentiable
from tfmini.convert import constant
from tfmini.graph import Tensor, convert_to_tensor, name_scope

__all__ = ["rank", "shape", "shape_n", "size"]

not_differentiable("Shape", "ShapeN", "Size", "Rank")


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
