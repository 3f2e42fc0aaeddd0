"""Permutations that bring an axis to the end, for ops that work on the last one."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.graph import Tensor

__all__ = ["move_to_end", "swap_with_last"]


def _checked(x: Tensor, axis: int) -> int | None:
    """`axis`, not negative; None if the rank of x is unknown. Raises ValueError if there is no such axis."""
    rank = x.shape.ndims
    if rank is None:
        return None
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} must be in the range [{-rank}, {rank}) for a tensor of rank {rank}")
    return axis % rank


def _computed(x: Tensor, axis: int) -> tuple[Tensor, Any, Tensor]:
    """(0 .. rank-1, axis, rank), for a rank known at run time only."""
    rank = raw.Rank(x)
    return raw.Range(0, rank, 1), raw.Add(rank, axis) if axis < 0 else axis, rank


def swap_with_last(x: Tensor, axis: int) -> Any:
    """The permutation, its own inverse, that exchanges `axis` and the last axis; None if it would change nothing."""
    if axis == -1:
        return None
    found = _checked(x, axis)
    if found is None:
        every, at, rank = _computed(x, axis)
        last = raw.Sub(rank, 1)
        return raw.DynamicStitch([every, raw.Pack([at, last])], [every, raw.Pack([last, at])])
    order = list(range(len(x.shape)))
    if found == order[-1]:
        return None
    order[found], order[-1] = order[-1], order[found]
    return order


def move_to_end(x: Tensor, axis: int) -> Any:
    """The permutation that puts `axis` behind all others; None if it is the last already."""
    if axis == -1:
        return None
    found = _checked(x, axis)
    if found is None:
        _, at, rank = _computed(x, axis)
        return raw.ConcatV2([raw.Range(0, at, 1), raw.Range(raw.Add(at, 1), rank, 1), raw.Reshape(at, [1])], 0)
    order = [i for i in range(len(x.shape)) if i != found]
    return None if found == len(order) else [*order, found]
