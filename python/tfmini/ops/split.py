"""Cutting tensors along one dimension: split, unstack."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import raw, tensor_shape
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor, convert_to_tensor

__all__ = ["split", "split_v", "unpack", "unstack"]


def split(
    value: Any = None,
    num_or_size_splits: Any = None,
    axis: Any = 0,
    num: int | None = None,
    name: str = "split",
    split_dim: Any = None,
    num_split: Any = None,
) -> list[Tensor]:
    """Cuts `value` along dimension `axis` into equal parts, or into parts of the given sizes.

    `num_or_size_splits`: the number of equal parts, or a vector of sizes, one of which may be -1.
    The order of before TensorFlow 1.0, `split(split_dim, num_split, value)`, works too: it is
    recognised by its two integers in front, or by its keywords.
    """
    axis = axis if split_dim is None else split_dim
    num_or_size_splits = num_or_size_splits if num_split is None else num_split
    if value is None or num_or_size_splits is None:
        raise TypeError("split() needs a value and num_or_size_splits")
    if _is_int(value) and _is_int(num_or_size_splits) and not _is_int(axis):
        value, axis = axis, value
    if _is_int(num_or_size_splits):
        return raw.Split(axis, value, num_split=int(num_or_size_splits), name=name)
    sizes = convert_to_tensor(num_or_size_splits)
    dims = sizes._dims()
    if dims == ():
        raise ValueError(
            "Rank-0 tensors are not supported as the num_or_size_splits argument to split. "
            f"Argument provided: {num_or_size_splits}"
        )
    if num is None:
        num = dims[0] if dims else None
        if num is None:
            raise ValueError(f"Cannot infer num from shape {num_or_size_splits}")
    return raw.SplitV(value, sizes, axis, num_split=num, name=name)


split_v = split


def _is_int(x: Any) -> bool:
    return isinstance(x, (int, np.integer, tensor_shape.Dimension)) and not isinstance(x, bool)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """Takes `value` apart along dimension `axis`, which disappears; `num` is its size if not known.

    Raises ValueError if the size is neither known nor given.
    """
    if num is None:
        value = convert_to_tensor(value)
        dims = value._dims()
        if dims is not None:
            if not -len(dims) <= axis < len(dims):
                raise ValueError(f"axis = {axis} not in [{-len(dims)}, {len(dims)})")
            num = dims[axis]
        if num is None:
            raise ValueError(f"Cannot infer num from shape {value.shape}; pass num=")
    return raw.Unpack(value, num=num, axis=axis, name=name)


unpack = unstack


def _join(grads: list[Any], axis: Any) -> Tensor:
    return raw.ConcatV2(grads, axis) if len(grads) > 1 else raw.Identity(grads[0])


@gradient("Split")
def _split_grad(op: Operation, *grads: Any) -> list[Any]:
    return [None, _join(list(grads), op.inputs[0])]


@gradient("SplitV")
def _split_v_grad(op: Operation, *grads: Any) -> list[Any]:
    return [_join(list(grads), op.inputs[2]), None, None]


@gradient("Unpack")
def _unpack_grad(op: Operation, *grads: Any) -> Tensor:
    return raw.Pack(list(grads), axis=op.get_attr("axis"))
