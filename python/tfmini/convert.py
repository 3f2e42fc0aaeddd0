"""Turning Python values into tensors: constants, lists of tensors, variables, ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfmini import dtypes, tensor_shape
from tfmini.graph import Graph, Tensor, get_default_graph
from tfmini.operation import Operation

__all__ = [
    "constant",
    "convert_n_to_tensor",
    "convert_to_tensor",
    "convert_to_tensor_or_indexed_slices",
    "register_tensor_conversion_function",
]

Converter = Callable[..., Any]
_converters: list[tuple[int, type, Converter]] = []


def register_tensor_conversion_function(
    base_type: type | tuple[type, ...], conversion_func: Converter, priority: int = 100
) -> None:
    """Lets ops take objects of `base_type`: conversion_func(value, dtype, name, as_ref) -> Tensor or NotImplemented."""
    for t in base_type if isinstance(base_type, tuple) else (base_type,):
        _converters.append((priority, t, conversion_func))
    _converters.sort(key=lambda c: c[0])


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    as_ref: bool = False,
    dtype_hint: Any = None,
) -> Tensor:
    """A tensor for `value`: a Tensor, variable, array, number, string or nested list of these.

    `dtype` must match if `value` already has one; `preferred_dtype` is tried first otherwise.
    Raises ValueError on a dtype conflict, TypeError if `value` cannot become a tensor.
    """
    if isinstance(value, Tensor):
        if dtype is not None and dtypes.as_dtype(dtype).base_dtype != value.dtype.base_dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for Tensor with dtype "
                f"{value.dtype.name}: {value!s}; convert it with tf.cast"
            )
        return value
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype).base_dtype
    for _, kind, function in _converters:
        if isinstance(value, kind):
            result = function(value, dtype=dtype, name=name, as_ref=as_ref)
            if result is not NotImplemented:
                return result
    if isinstance(value, Operation):
        raise TypeError(f"Can not convert the operation '{value.name}' into a Tensor; use one of its outputs")
    if isinstance(value, (list, tuple)) and _holds_tensor(value):
        return _pack(value, dtype, name)
    preferred = preferred_dtype if preferred_dtype is not None else dtype_hint
    if dtype is None and preferred is not None:
        try:
            return constant(value, preferred, name=name or "Const")
        except (TypeError, ValueError):
            pass
    return constant(value, dtype, name=name or "Const")


def convert_n_to_tensor(values: Any, dtype: Any = None, name: str | None = None) -> list[Tensor]:
    return [convert_to_tensor(v, dtype, None if name is None else f"{name}_{i}") for i, v in enumerate(values)]


def convert_to_tensor_or_indexed_slices(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    from tfmini.indexed_slices import IndexedSlices

    return value if isinstance(value, IndexedSlices) else convert_to_tensor(value, dtype, name)


def _holds_tensor(values: Any) -> bool:
    return any(
        isinstance(v, Tensor) or hasattr(v, "_as_graph_element") or (isinstance(v, (list, tuple)) and _holds_tensor(v))
        for v in values
    )


def _pack(values: Any, dtype: Any, name: str | None) -> Tensor:
    """A nested list in which some element is a tensor: Pack, level by level."""
    from tfmini import raw

    if dtype is None:
        dtype = _first_dtype(values)
    name = name or "packed"
    return raw.Pack([convert_to_tensor(v, dtype, f"{name}/{i}") for i, v in enumerate(values)], name=name)


def _first_dtype(values: Any) -> Any:
    for v in values:
        if isinstance(v, (list, tuple)):
            found = _first_dtype(v)
        else:
            found = getattr(v, "dtype", None)
            found = found.base_dtype if isinstance(found, dtypes.DType) else None
        if found is not None:
            return found
    return None


def _plain_sizes(value: Any) -> Any:
    """`value` with plain integers for the dimensions in it. Raises ValueError for an unknown one."""
    if isinstance(value, (list, tuple)):
        return [_plain_sizes(v) for v in value]
    if not isinstance(value, tensor_shape.Dimension):
        return value
    if value.value is None:
        raise ValueError("Cannot convert an unknown Dimension to a Tensor: ?")
    return value.value


def _to_array(value: Any, dtype: dtypes.DType | None) -> np.ndarray:
    """NumPy array for a Python value under TensorFlow's rules: floats are float32, ints int32 if they fit."""
    if isinstance(value, tensor_shape.TensorShape):
        if not value.is_fully_defined():
            raise ValueError(f"Cannot convert a partially known TensorShape to a Tensor: {value}")
        value = value.as_list()
        if dtype is None:
            dtype = dtypes.int64 if any(d >= 2**31 for d in value) else dtypes.int32
    array = np.asarray(value)
    if array.dtype.kind == "O" and not isinstance(value, np.ndarray):
        value = _plain_sizes(value)
        array = np.asarray(value)
    if dtype is not None:
        np_type = dtype.as_numpy_dtype
        if dtype == dtypes.string:
            array = np.asarray(value, dtype=object)
            if array.dtype == object and not all(isinstance(v, (str, bytes)) for v in array.ravel()):
                raise TypeError(_unexpected(value, dtype))
            return array
        if array.dtype.kind in "OSU":
            raise TypeError(_unexpected(value, dtype))
        source = dtypes.as_dtype(array.dtype)
        if isinstance(value, (np.ndarray, np.generic)):
            return array.astype(np_type, copy=False)
        # Python values may widen (int -> float) but not lose their kind.
        if array.size and ((source.is_floating and dtype.is_integer) or source.is_bool != dtype.is_bool):
            raise TypeError(_unexpected(value, dtype))
        if dtype.is_integer and array.size:
            low, high = int(array.min()), int(array.max())
            if low < dtype.min or high > dtype.max:
                bad = low if low < dtype.min else high
                raise ValueError(f"{bad} is out of range for {dtype.name}, which holds {dtype.min} to {dtype.max}")
        return array.astype(np_type)
    if isinstance(value, (np.ndarray, np.generic)):
        return array
    if array.dtype.kind in "SU":  # NumPy would make strings of the numbers among them
        return _to_array(value, dtypes.string)
    if array.dtype == np.float64:
        return array.astype(np.float32)
    if array.dtype == np.int64:
        narrow = array.astype(np.int32)
        return narrow if np.array_equal(narrow, array) else array
    return array


def _unexpected(value: Any, dtype: dtypes.DType) -> str:
    kind, text = type(value).__name__, " ".join(repr(value).split())
    text = text if len(text) <= 120 else text[:117] + "..."
    return f"Expected {dtype.name}, got {text} of type '{kind}' instead."


def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: str = "Const", verify_shape: bool = False
) -> Tensor:
    """A constant tensor. With `shape`, a scalar or short list is repeated (its last element) to fill it.

    Raises TypeError for values of another kind than `dtype`, ValueError if there are too many
    elements for `shape`.
    """
    if isinstance(value, Tensor) or hasattr(value, "_as_graph_element"):
        raise TypeError(f"tf.constant needs a value known now, got the symbolic {value!r}; use tf.identity")
    d = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    if value is None:
        raise ValueError("None values not supported.")
    try:
        array = _to_array(value, d)
    except ValueError as e:
        if "inhomogeneous" in str(e):
            raise ValueError(f"Argument must be a dense tensor: {value!r} has lists of different lengths") from None
        raise
    if array.dtype.kind == "O" and not all(isinstance(v, (str, bytes)) for v in array.ravel()):
        raise TypeError(f"Failed to convert object of type {type(value).__name__} to Tensor: {value!r}")
    if shape is not None:
        array = _fill_shape(array, _known_dims(shape), verify_shape)
    result = d or dtypes.as_dtype(array.dtype)
    return const_node(get_default_graph(), array, result, name)


def const_node(graph: Graph, array: np.ndarray, dtype: dtypes.DType, name: str) -> Tensor:
    if dtype == dtypes.bfloat16:
        dtypes.require_bfloat16()
    return graph.create_op("Const", [], {"value": array, "dtype": dtype.as_datatype_enum}, name).outputs[0]


def _known_dims(shape: Any) -> list[int]:
    static = tensor_shape.as_shape(shape)
    if not static.is_fully_defined():
        raise ValueError(f"A constant needs a fully known shape, got {static}")
    return [int(d) for d in static.as_list() if d is not None]


def _fill_shape(array: np.ndarray, dims: list[int], verify: bool) -> np.ndarray:
    size = int(np.prod(dims, dtype=np.int64))
    if verify and list(array.shape) != dims:
        raise TypeError(f"Expected Tensor's shape: {tuple(dims)}, got {array.shape}.")
    if size == 0:
        return np.empty(dims, array.dtype)
    if array.size > size:
        raise ValueError(f"Too many elements provided. Needed at most {size}, but received {array.size}")
    flat = array.ravel()
    if array.size < size:
        if array.size == 0:
            raise ValueError(f"No elements to fill the shape {dims} with")
        flat = np.concatenate([flat, np.full(size - flat.size, flat[-1], flat.dtype)])
    return flat.reshape(dims)
