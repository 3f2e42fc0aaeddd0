"""Sums of many tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfmini import raw, tensor_shape
from tfmini.autodiff import gradient
from tfmini.convert import convert_to_tensor_or_indexed_slices
from tfmini.graph import Operation, Tensor, convert_to_tensor

__all__ = ["accumulate_n", "add_n"]


def add_n(inputs: Sequence[Any], name: str | None = None) -> Tensor:
    """The sum of tensors (or IndexedSlices) of one shape and dtype, in one pass over memory.

    Raises ValueError if `inputs` is empty or not a list, or if shapes or dtypes differ.
    """
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError("inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape")
    tensors = [convert_to_tensor(convert_to_tensor_or_indexed_slices(x)) for x in inputs]
    if len(tensors) == 1:
        return raw.Identity(tensors[0], name=name) if name else tensors[0]
    return raw.AddN(tensors, name=name)


def accumulate_n(inputs: Sequence[Any], shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Tensor:
    """`add_n` with the result's static shape and dtype stated. Raises ValueError if they do not fit."""
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError("inputs must be a list of at least one Tensor with the same dtype and shape")
    tensors = [convert_to_tensor(x, tensor_dtype) for x in inputs]
    expected = tensor_shape.as_shape(shape)
    for t in tensors:
        if not expected.is_compatible_with(t.shape):
            raise ValueError(f"accumulate_n: an input has shape {t.shape}, expected {expected}")
    result = raw.AddN(tensors, name=name) if len(tensors) > 1 else tensors[0]
    if shape is not None:
        result.set_shape(expected)
    return result


@gradient("AddN")
def _add_n_grad(op: Operation, grad: Tensor) -> list[Tensor]:
    return [grad] * len(op.inputs)
