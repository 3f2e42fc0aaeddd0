"""Lists of tensors joined along their first axis, and back."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor

__all__: list[str] = []


@gradient("TensorListConcatV2")
def _concat_grad(op: Operation, grad: Any, _: Any) -> Any:
    if grad is None:
        return [None, None, None]
    return [raw.TensorListSplit(grad, op.inputs[1], op.outputs[1]), None, None]


@gradient("TensorListSplit")
def _split_grad(op: Operation, grad: Tensor) -> Any:
    tensor, shape, lengths = op.inputs
    joined, _ = raw.TensorListConcatV2(grad, shape, lengths, element_dtype=tensor.dtype.base_dtype)
    return [joined, None, None]
