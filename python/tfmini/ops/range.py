"""Evenly spaced numbers: range and lin_space."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import not_differentiable
from tfmini.graph import Tensor, convert_to_tensor, name_scope

__all__ = ["lin_space", "linspace", "range"]

_WIDENING = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)

not_differentiable("Range", "LinSpace")


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """start, start + delta, ... up to but without `limit`; `range(limit)` starts at 0.

    The dtype, unless given, is the widest of the arguments'. Raises ValueError if delta is 0 or
    leads away from limit.
    """
    if limit is None:
        start, limit = 0, start
    with name_scope(name, "Range", [start, limit, delta]) as scope:
        start = convert_to_tensor(start, dtype, name="start")
        limit = convert_to_tensor(limit, dtype, name="limit")
        delta = convert_to_tensor(delta, dtype, name="delta")
        if dtype is None:
            args = (start.dtype.base_dtype, limit.dtype.base_dtype, delta.dtype.base_dtype)
            if len(set(args)) > 1:
                for a in args:
                    if a not in _WIDENING:
                        raise TypeError(f"tf.range cannot combine dtypes {', '.join(x.name for x in args)}; give dtype=")
                widest = max(args, key=_WIDENING.index)
                start, limit, delta = (_cast(x, widest) for x in (start, limit, delta))
        return raw.Range(start, limit, delta, name=scope)


def _cast(x: Tensor, dtype: dtypes.DType) -> Tensor:
    return x if x.dtype.base_dtype == dtype else raw.Cast(x, DstT=dtype)


def lin_space(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    """`num` evenly spaced floating-point values from `start` to `stop`, both included."""
    return raw.LinSpace(start, stop, num, name=name)


linspace = lin_space
