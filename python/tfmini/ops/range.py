"""Evenly spaced numbers (range, lin_space), and what is made of them: meshgrid, sequence_mask."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import not_differentiable
from tfmini.graph import Tensor, convert_to_tensor, name_scope

_range = range  # the built-in, which this module's own function hides

__all__ = ["lin_space", "linspace", "meshgrid", "range", "sequence_mask"]

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
                        names = ", ".join(x.name for x in args)
                        raise TypeError(f"tf.range cannot combine dtypes {names}; give dtype=")
                widest = max(args, key=_WIDENING.index)
                start, limit, delta = (_cast(x, widest) for x in (start, limit, delta))
        return raw.Range(start, limit, delta, name=scope)


def _cast(x: Tensor, dtype: dtypes.DType) -> Tensor:
    return x if x.dtype.base_dtype == dtype else raw.Cast(x, DstT=dtype)


def lin_space(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    """`num` evenly spaced floating-point values from `start` to `stop`, both included."""
    return raw.LinSpace(start, stop, num, name=name)


linspace = lin_space


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool_, name: str | None = None) -> Tensor:
    """mask[..., j] = j < lengths[...], of shape lengths.shape + [maxlen].

    `maxlen` is a scalar, by default the largest length; `dtype` is that of the result.
    """
    with name_scope(name, "SequenceMask", [lengths, maxlen]):
        lengths = convert_to_tensor(lengths)
        if maxlen is None:
            longest = raw.Max(lengths, raw.Range(0, raw.Rank(lengths), 1))
            maxlen = raw.Maximum(longest, raw.ZerosLike(longest))
        else:
            maxlen = convert_to_tensor(maxlen)
        if maxlen._dims() not in ((), None):
            raise ValueError("maxlen must be scalar for sequence_mask")
        kind = maxlen.dtype.base_dtype
        steps = raw.Range(convert_to_tensor(0, kind), maxlen, convert_to_tensor(1, kind))
        mask = raw.Less(steps, _cast(raw.ExpandDims(lengths, -1), kind))
        dtype = dtypes.as_dtype(dtype).base_dtype
        return mask if dtype == dtypes.bool_ else raw.Cast(mask, DstT=dtype)


def meshgrid(*args: Any, indexing: str = "xy", name: str = "meshgrid") -> list[Tensor]:
    """Coordinate grids from vectors: output k repeats vector k along all other dimensions.

    `indexing`: "ij" puts vector k on dimension k; "xy" (the default) exchanges the first two.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing parameter must be either 'xy' or 'ij'")
    with name_scope(name, "meshgrid", args):
        vectors = [raw.Reshape(convert_to_tensor(v), [-1]) for v in args]
        n = len(vectors)
        order = [1, 0, *_range(2, n)] if indexing == "xy" and n > 1 else [*_range(n)]
        shape = raw.Pack([raw.Size(vectors[k]) for k in order]) if n else None
        out = []
        for k, v in enumerate(vectors):
            ones = [1] * n
            ones[order.index(k)] = -1
            out.append(raw.BroadcastTo(raw.Reshape(v, ones), shape))
        return out
