"""Tensors of one repeated value: zeros, ones, fill, zeros_like, ones_like; broadcast_to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfmini import dtypes, raw, tensor_shape
from tfmini.autodiff import gradient, not_differentiable
from tfmini.convert import const_node, constant
from tfmini.graph import Operation, Tensor, convert_to_tensor, get_default_graph, name_scope

__all__ = ["broadcast_to", "fill", "ones", "ones_like", "zeros", "zeros_like"]

# Up to here zeros and ones are constants of the graph, beyond it Fill nodes, as in TensorFlow.
_SMALL = 1000

not_differentiable("ZerosLike", "OnesLike")


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of zeros (False, empty strings). `shape`: integers, a TensorShape or an integer vector."""
    dtype = dtypes.as_dtype(dtype).base_dtype
    value = False if dtype == dtypes.bool_ else "" if dtype == dtypes.string else 0
    return _filled("zeros", shape, value, dtype, name)


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of ones (True). `shape`: integers, a TensorShape or an integer vector."""
    dtype = dtypes.as_dtype(dtype).base_dtype
    return _filled("ones", shape, True if dtype == dtypes.bool_ else 1, dtype, name)


def _filled(kind: str, shape: Any, value: Any, dtype: dtypes.DType, name: str | None) -> Tensor:
    with name_scope(name, kind, [shape]) as scope:
        dims = None if isinstance(shape, Tensor) else _known_dims(shape)
        if dims is not None:
            if math.prod(dims) < _SMALL:
                return const_node(get_default_graph(), np.full(dims, value, dtype.as_numpy_dtype), dtype, scope)
            wide = any(d > np.iinfo(np.int32).max for d in dims)
            shape = constant(dims, dtypes.int64 if wide else dtypes.int32, name="shape_as_tensor")
        elif not isinstance(shape, Tensor):
            shape = convert_to_tensor(shape, dtypes.int32)
        if shape._dims() == ():
            shape = raw.Reshape(shape, [-1])
        return raw.Fill(shape, constant(value, dtype), name=scope)


def _known_dims(shape: Any) -> list[int] | None:
    """The dimensions, if `shape` holds none that is a tensor. Raises ValueError for unknown ones."""
    if isinstance(shape, (int, np.integer, tensor_shape.Dimension)):
        shape = [shape]
    if isinstance(shape, np.ndarray):
        shape = shape.ravel().tolist()
    if isinstance(shape, (list, tuple)) and any(
        isinstance(d, Tensor) or hasattr(d, "_as_graph_element") or isinstance(d, (list, tuple)) for d in shape
    ):
        return None
    try:
        static = tensor_shape.as_shape(shape)
    except TypeError:
        return None
    dims = [d for d in static.as_list() if d is not None] if static.ndims is not None else []
    if len(dims) != static.ndims:
        raise ValueError(f"Cannot convert a partially known TensorShape to a Tensor: {static}")
    return dims


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` (an integer vector) filled with the scalar `value`."""
    return raw.Fill(dims, value, name=name)


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Zeros of the shape of `tensor`, and of its dtype unless `dtype` is given.

    `optimize`: use the static shape where it is fully known.
    """
    with name_scope(name, "zeros_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        wanted = tensor.dtype.base_dtype if dtype is None else dtypes.as_dtype(dtype).base_dtype
        dims = tensor._dims()
        if optimize and dims is not None and None not in dims and wanted.name != "variant":
            return zeros(list(dims), wanted, name=scope)
        if wanted != tensor.dtype.base_dtype:
            return zeros(raw.Shape(tensor), wanted, name=scope)
        return raw.ZerosLike(tensor, name=scope)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Ones of the shape of `tensor`, and of its dtype unless `dtype` is given."""
    with name_scope(name, "ones_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        dims = tensor._dims()
        wanted = tensor.dtype.base_dtype if dtype is None else dtype
        if optimize and dims is not None and None not in dims:
            return ones(list(dims), wanted, name=scope)
        out = ones(raw.Shape(tensor), wanted, name=scope)
        out.set_shape(tensor.shape)
        return out


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """`input` repeated along new and size-1 dimensions, as NumPy broadcasts it, to `shape`."""
    return raw.BroadcastTo(input, shape, name=name)


@gradient("Fill")
def _fill_grad(op: Operation, grad: Any) -> list[Any]:
    return [None, raw.Sum(grad, raw.Range(0, raw.Rank(grad), 1))]


@gradient("BroadcastTo")
def _broadcast_to_grad(op: Operation, grad: Any) -> list[Any]:
    x = op.inputs[0]
    shape = raw.Shape(x)
    _, axes = raw.BroadcastGradientArgs(raw.Shape(op.outputs[0]), shape)
    return [raw.Reshape(raw.Sum(grad, axes, keep_dims=True), shape), None]
