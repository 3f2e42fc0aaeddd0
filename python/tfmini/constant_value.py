"""What is known of a tensor's value while the graph is built."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import tensor_shape
from tfmini.graph import Tensor

__all__ = ["constant_value", "constant_value_as_shape"]


def constant_value(tensor: Any, partial: bool = False) -> np.ndarray | None:
    """The value of `tensor` if it follows from constants and static shapes, else None."""
    del partial
    if not isinstance(tensor, Tensor):
        return np.asarray(tensor)
    return tensor.graph._core.constant_value(*tensor._key)


def constant_value_as_shape(tensor: Tensor) -> tensor_shape.TensorShape:
    """An integer vector read as a partially known shape."""
    return tensor_shape.TensorShape(tensor.graph._core.constant_as_shape(*tensor._key))
