"""Tensors, and lists of gradients, scaled down to a norm. Clipping by value: select.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfmini import raw
from tfmini.convert import constant
from tfmini.graph import Tensor, colocate_with, convert_to_tensor, name_scope
from tfmini.indexed_slices import IndexedSlices

__all__ = ["clip_by_average_norm", "clip_by_global_norm", "clip_by_norm", "global_norm"]


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """`t` scaled so that its 2-norm (along `axes`, by default that of all of it) is at most `clip_norm`.

    IndexedSlices are clipped by the norm of their values. A tensor of zeros has a gradient.
    """
    with name_scope(name, "clip_by_norm", [_values(t), clip_norm]) as scope:
        values = convert_to_tensor(_values(t), name="t")
        if axes is None:
            axes = _all_axes(values)
        squares = raw.Sum(raw.Mul(values, values, name="mul"), axes, keep_dims=True)
        positive = raw.Greater(squares, 0.0)
        # The root is not taken of 0, where its derivative is infinite.
        root = raw.Sqrt(raw.Select(positive, squares, raw.OnesLike(squares)))
        norm = raw.Select(positive, root, squares)
        scaled = raw.Mul(values, clip_norm, name="mul")
        values.shape.merge_with(scaled.shape)  # clip_norm must not broadcast the values
        clipped = raw.Identity(raw.RealDiv(scaled, raw.Maximum(norm, clip_norm), name="truediv"), name=scope)
        return _like(t, clipped)


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """`t` scaled so that its 2-norm divided by its number of elements is at most `clip_norm`."""
    with name_scope(name, "clip_by_average_norm", [t, clip_norm]) as scope:
        t = convert_to_tensor(t, name="t")
        count = raw.Cast(raw.Size(t), DstT=t.dtype.base_dtype)
        inverse = raw.Rsqrt(raw.Sum(raw.Mul(t, t, name="mul"), _all_axes(t)))
        most = raw.RealDiv(constant(1.0, t.dtype.base_dtype), clip_norm, name="truediv")
        factor = raw.Minimum(raw.Mul(inverse, count, name="mul"), most)
        return raw.Identity(raw.Mul(raw.Mul(t, clip_norm, name="mul"), factor, name="mul"), name=scope)


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Tensor:
    """The 2-norm of all tensors of a list (IndexedSlices and None among them) taken together."""
    tensors = [t for t in _as_list(t_list) if t is not None]
    with name_scope(name, "global_norm", [_values(t) for t in tensors]):
        halves = []
        for i, t in enumerate(tensors):
            values = convert_to_tensor(_values(t), name=f"t_{i}")
            with colocate_with(values.op):
                halves.append(raw.L2Loss(values))
        total = raw.Sum(raw.Pack(halves, name="stack"), [0])
        return raw.Sqrt(raw.Mul(total, constant(2.0, total.dtype.base_dtype), name="mul"), name="global_norm")


def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """All tensors of a list scaled by the same factor, so that their norm taken together is at most `clip_norm`.

    `use_norm`: the norm if it is known already. Returns (clipped tensors, norm before clipping). If the
    norm is infinite or NaN, all results are NaN.
    """
    tensors = _as_list(t_list)
    norm = global_norm(tensors, name) if use_norm is None else convert_to_tensor(use_norm)
    with name_scope(name, "clip_by_global_norm", [_values(t) for t in tensors if t is not None]) as scope:
        one = constant(1.0, norm.dtype.base_dtype)
        least = raw.Minimum(raw.RealDiv(one, norm, name="truediv"), raw.RealDiv(one, clip_norm, name="truediv"))
        # norm - norm is 0, or NaN if the norm is not finite.
        scale = raw.AddV2(raw.Mul(clip_norm, least, name="mul"), raw.Sub(norm, norm, name="sub"), name="add")
        clipped: list[Any] = []
        for i, t in enumerate(tensors):
            if t is None:
                clipped.append(None)
                continue
            values = convert_to_tensor(_values(t), name=f"t_{i}")
            factor = scale
            if factor.dtype.base_dtype != values.dtype.base_dtype:
                factor = raw.Cast(scale, DstT=values.dtype.base_dtype)
            with colocate_with(values.op):
                scaled = raw.Mul(values, factor, name="mul")
                clipped.append(_like(t, raw.Identity(scaled, name=f"{scope}_{i}")))
        return clipped, norm


def _as_list(t_list: Any) -> list[Any]:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError("t_list should be a sequence")
    return list(t_list)


def _values(t: Any) -> Any:
    return t.values if isinstance(t, IndexedSlices) else t


def _like(t: Any, values: Tensor) -> Any:
    return IndexedSlices(values, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else values


def _all_axes(t: Tensor) -> Any:
    rank = t.shape.ndims
    return list(range(rank)) if rank is not None else raw.Range(0, raw.Rank(t), 1)
