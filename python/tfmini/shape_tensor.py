"""Shapes given to ops: lists of sizes, TensorShapes or integer vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import dtypes, tensor_shape
from tfmini.convert import constant
from tfmini.graph import Tensor, convert_to_tensor

__all__ = ["element_shape", "shape_tensor"]


def shape_tensor(shape: Any, name: str = "shape") -> Tensor:
    """An integer vector for `shape`; constant sizes are int32, or int64 if one needs it.

    Raises ValueError for unknown or negative sizes, TypeError for what is not a size.
    """
    if isinstance(shape, Tensor):
        return shape
    sizes = list(shape) if isinstance(shape, (list, tuple)) else shape
    if isinstance(sizes, list) and any(isinstance(d, Tensor) or hasattr(d, "_as_graph_element") for d in sizes):
        return convert_to_tensor(sizes, dtypes.int32, name=name)
    if isinstance(sizes, np.ndarray):
        sizes = sizes.tolist()
    if not isinstance(sizes, (list, tensor_shape.TensorShape)):
        return convert_to_tensor(sizes, name=name)
    static = tensor_shape.as_shape(sizes)
    if not static.is_fully_defined():
        raise ValueError(f"Cannot convert a partially known TensorShape to a Tensor: {static}")
    dims = [int(d) for d in static]
    wide = any(d > np.iinfo(np.int32).max for d in dims)
    return constant(dims, dtypes.int64 if wide else dtypes.int32, name=name)


def element_shape(dims: Any) -> Any:
    """A static shape as the tensor list ops take it: unknown dimensions are -1, an unknown rank is the scalar -1."""
    if dims is None:
        return -1
    return np.array([-1 if d is None else d for d in dims], np.int32)
