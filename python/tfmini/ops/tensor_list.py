"""Lists of tensors as values (dtype variant): what loops read from and accumulate into.

Gradients of lists are lists. An element that was never set counts as zeros.
"""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import gradient, not_differentiable
from tfmini.graph import Operation, Tensor
from tfmini.shape_tensor import element_shape

__all__ = ["tensor_list_from_tensor", "tensor_list_stack"]


def tensor_list_from_tensor(tensor: Tensor) -> Tensor:
    """The rows of `tensor` as a list."""
    dims = tensor._dims()
    return raw.TensorListFromTensor(tensor, element_shape(None if dims is None else dims[1:]), shape_type=dtypes.int32)


def tensor_list_stack(handle: Tensor, dtype: Any, dims: Any, num_elements: int = -1) -> Tensor:
    """The elements as one tensor of shape [n, *dims]."""
    return raw.TensorListStack(handle, element_shape(dims), element_dtype=dtype, num_elements=num_elements)


not_differentiable("TensorListReserve", "EmptyTensorList", "TensorListLength", "_TensorListZerosLike")


@gradient("TensorListPushBack")
def _push_back_grad(op: Operation, grad: Tensor) -> Any:
    item = op.inputs[1]
    return raw.TensorListPopBack(grad, element_shape(item._dims()), element_dtype=item.dtype.base_dtype)


@gradient("TensorListPopBack")
def _pop_back_grad(op: Operation, grad_list: Any, grad_item: Any) -> Any:
    if grad_list is None:
        grad_list = raw._TensorListZerosLike(op.outputs[0])
    return [raw.TensorListPushBack(grad_list, grad_item), None]


@gradient("TensorListGetItem")
def _get_item_grad(op: Operation, grad: Tensor) -> Any:
    handle, index, _ = op.inputs
    return [raw.TensorListSetItem(raw._TensorListZerosLike(handle), index, grad), None, None]


@gradient("TensorListSetItem")
def _set_item_grad(op: Operation, grad: Tensor) -> Any:
    _, index, item = op.inputs
    grad_item = raw.TensorListGetItem(grad, index, element_shape(item._dims()), element_dtype=item.dtype.base_dtype)
    if item._dims() is None or None in item._dims():  # type: ignore[operator]
        grad_item = raw.Reshape(grad_item, raw.Shape(item))
    return [raw._TensorListClearItem(grad, index), None, grad_item]


@gradient("_TensorListClearItem")
def _clear_item_grad(op: Operation, grad: Tensor) -> Any:
    return [raw._TensorListClearItem(grad, op.inputs[1]), None]


@gradient("TensorListFromTensor")
def _from_tensor_grad(op: Operation, grad: Tensor) -> Any:
    x = op.inputs[0]
    dims = x._dims()
    n = dims[0] if dims else None
    shape: Any = element_shape(None if dims is None else dims[1:])
    if dims is None or None in dims[1:]:
        shape = raw.StridedSlice(raw.Shape(x), [1], [0], [1], end_mask=1)
    return [
        raw.TensorListStack(grad, shape, element_dtype=x.dtype.base_dtype, num_elements=-1 if n is None else n),
        None,
    ]


@gradient("TensorListStack")
def _stack_grad(op: Operation, grad: Tensor) -> Any:
    return [tensor_list_from_tensor(grad), None]


@gradient("_TensorListGrow")
def _grow_grad(op: Operation, grad: Tensor) -> Any:
    return [grad, None]


@gradient("_TensorListAdd")
def _add_grad(op: Operation, grad: Tensor) -> Any:
    return [grad, grad]
