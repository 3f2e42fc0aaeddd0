"""reshape, expand_dims, squeeze: the same elements under another shape, without copying."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor

__all__ = ["expand_dims", "reshape", "squeeze"]


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """`tensor` under another `shape` of equally many elements (int32 or int64 vector).

    One size may be -1 and follows from the others. Raises ValueError (InvalidArgumentError if it
    only shows at run time) if the number of elements differs.
    """
    return raw.Reshape(tensor, shape, name=name)


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """Inserts a dimension of size 1 at `axis`, in [-1 - rank, rank]. `dim` is its older name."""
    axis = _only_one("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return raw.ExpandDims(input, axis, name=name)


def squeeze(
    input: Any,
    axis: int | Sequence[int] | None = None,
    name: str | None = None,
    squeeze_dims: int | Sequence[int] | None = None,
) -> Tensor:
    """Removes the dimensions `axis` (all of size 1), or every dimension of size 1.

    `squeeze_dims` is the older name of `axis`. Raises ValueError if a named size is not 1.
    """
    axis = _only_one("axis", axis, "squeeze_dims", squeeze_dims)
    axes = [] if axis is None else axis if isinstance(axis, (list, tuple)) else [axis]
    return raw.Squeeze(input, squeeze_dims=axes, name=name)


def _only_one(new_name: str, new: Any, old_name: str, old: Any) -> Any:
    if new is not None and old is not None:
        raise ValueError(f"Cannot specify both '{new_name}' and '{old_name}'")
    return old if new is None else new


@gradient("Reshape", "ExpandDims")
def _reshape_grad(op: Operation, grad: Any) -> list[Any]:
    return [raw.Reshape(grad, raw.Shape(op.inputs[0])), None]


@gradient("Squeeze")
def _squeeze_grad(op: Operation, grad: Any) -> Any:
    return raw.Reshape(grad, raw.Shape(op.inputs[0]))
