"""Vectors as sets: unique, unique_with_counts, setdiff1d."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfmini import dtypes, raw
from tfmini.autodiff import not_differentiable
from tfmini.graph import Tensor

__all__ = ["listdiff", "setdiff1d", "unique", "unique_with_counts"]

not_differentiable("Unique", "UniqueWithCounts", "ListDiff")


class Unique(NamedTuple):
    y: Tensor
    idx: Tensor


class UniqueWithCounts(NamedTuple):
    y: Tensor
    idx: Tensor
    count: Tensor  # type: ignore[assignment]  # TensorFlow's name, although tuples have a method of it


class ListDiff(NamedTuple):
    out: Tensor
    idx: Tensor


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Unique:
    """(y, idx): the distinct values of the vector `x` in order of first occurrence, and x[i] == y[idx[i]]."""
    return Unique(*raw.Unique(x, out_idx=out_idx, name=name))


def unique_with_counts(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> UniqueWithCounts:
    """(y, idx, count): as `unique`, and how often each y occurs."""
    return UniqueWithCounts(*raw.UniqueWithCounts(x, out_idx=out_idx, name=name))


def setdiff1d(x: Any, y: Any, index_dtype: Any = dtypes.int32, name: str | None = None) -> ListDiff:
    """(out, idx): the elements of the vector `x` that `y` does not have, in order, and their positions."""
    return ListDiff(*raw.ListDiff(x, y, out_idx=index_dtype, name=name))


def listdiff(x: Any, y: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> ListDiff:
    """The older name of `setdiff1d`."""
    return setdiff1d(x, y, out_idx, name)
