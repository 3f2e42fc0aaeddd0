"""Conversion between element types."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope
from tfmini.indexed_slices import IndexedSlices

__all__ = ["cast", "saturate_cast", "to_bfloat16", "to_double", "to_float", "to_int32", "to_int64"]


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """`x` (a tensor, or IndexedSlices, which stay sparse) with elements of `dtype`.

    Floats lose their fraction when they become integers; what does not fit becomes the smallest int32 or int64. Bool
    becomes 0 and 1; everything but 0 becomes True. Returns `x` itself if it has the dtype already.
    """
    base = dtypes.as_dtype(dtype).base_dtype
    if isinstance(x, Tensor) and x.dtype.base_dtype == base:
        return x
    with name_scope(name, "Cast", [x]) as scope:
        if isinstance(x, IndexedSlices):
            return IndexedSlices(cast(x.values, base, name=scope), x.indices, x.dense_shape)
        x = convert_to_tensor(x, name="x")
        return x if x.dtype.base_dtype == base else raw.Cast(x, DstT=base, name=scope)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """Like `cast`, but what does not fit becomes the nearest value of `dtype`."""
    with name_scope(name, "saturate_cast", [value]) as scope:
        value = convert_to_tensor(value, name="value")
        base = dtypes.as_dtype(dtype).base_dtype
        source = value.dtype.base_dtype
        # Bounds that the source type cannot hold do not bind.
        if float(source.min) < float(base.min):
            value = raw.Maximum(value, _bound(base.min, source, towards_zero=True), name="min")
        if float(source.max) > float(base.max):
            value = raw.Minimum(value, _bound(base.max, source, towards_zero=True), name="max")
        return cast(value, base, name=scope)


def _bound(limit: Any, source: dtypes.DType, towards_zero: bool) -> Any:
    """A limit of an integer type as a number of another type: 2**31 - 1 as float32 would round up to 2**31."""
    if not source.is_floating or source.name == "bfloat16":
        return int(limit) if source.is_integer else float(limit)
    value = source.as_numpy_dtype(limit)
    if towards_zero and abs(float(value)) > abs(float(limit)):
        import numpy as np

        value = np.nextafter(value, source.as_numpy_dtype(0))
    return value


def to_float(x: Any, name: str = "ToFloat") -> Any:
    """`cast` to float32."""
    return cast(x, dtypes.float32, name=name)


def to_double(x: Any, name: str = "ToDouble") -> Any:
    """`cast` to float64."""
    return cast(x, dtypes.float64, name=name)


def to_int32(x: Any, name: str = "ToInt32") -> Any:
    """`cast` to int32."""
    return cast(x, dtypes.int32, name=name)


def to_int64(x: Any, name: str = "ToInt64") -> Any:
    """`cast` to int64."""
    return cast(x, dtypes.int64, name=name)


def to_bfloat16(x: Any, name: str = "ToBFloat16") -> Any:
    """`cast` to bfloat16."""
    return cast(x, dtypes.bfloat16, name=name)


@gradient("Cast")
def _cast_grad(op: Operation, grad: Tensor) -> Any:
    source = op.inputs[0].dtype.base_dtype
    return raw.Cast(grad, DstT=source) if source.is_floating and grad.dtype.is_floating else None
