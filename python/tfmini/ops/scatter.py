"""Functions that change parts of variables: tf.scatter_*."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import not_differentiable
from tfmini.graph import Tensor
from tfmini.operation import reference

__all__ = [
    "scatter_add", "scatter_div", "scatter_max", "scatter_min", "scatter_mul", "scatter_nd_add", "scatter_nd_sub",
    "scatter_nd_update", "scatter_sub", "scatter_update",
]  # fmt: skip

not_differentiable(*(f"Scatter{kind}" for kind in ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max")))
not_differentiable(*(f"ScatterNd{kind}" for kind in ("Update", "Add", "Sub", "Min", "Max")))


def scatter_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Tensor:
    """Replaces the slices ``ref[indices[i, ...], ...]`` of a variable by ``updates[i, ..., ...]``.

    Args:
      indices: int32 or int64, of any shape. If one occurs twice, the last update wins.
      updates: of shape ``indices.shape + ref.shape[1:]``, or a scalar.

    Returns:
      The variable after the change.

    Raises:
      InvalidArgumentError: at run time, if an index is out of range; nothing is changed then.
    """
    return raw.ScatterUpdate(reference(ref, "scatter_update"), indices, updates, use_locking=use_locking, name=name)


def scatter_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Adds ``updates`` to slices of a variable; those of equal indices add up. See `scatter_update`."""
    return raw.ScatterAdd(reference(ref, "scatter_add"), indices, updates, use_locking=use_locking, name=name)


def scatter_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Subtracts ``updates`` from slices of a variable. See `scatter_update`."""
    return raw.ScatterSub(reference(ref, "scatter_sub"), indices, updates, use_locking=use_locking, name=name)


def scatter_mul(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Multiplies slices of a variable by ``updates``. See `scatter_update`."""
    return raw.ScatterMul(reference(ref, "scatter_mul"), indices, updates, use_locking=use_locking, name=name)


def scatter_div(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Divides slices of a variable by ``updates``. See `scatter_update`."""
    return raw.ScatterDiv(reference(ref, "scatter_div"), indices, updates, use_locking=use_locking, name=name)


def scatter_min(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Takes the minimum of slices of a variable and ``updates``. See `scatter_update`."""
    return raw.ScatterMin(reference(ref, "scatter_min"), indices, updates, use_locking=use_locking, name=name)


def scatter_max(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Takes the maximum of slices of a variable and ``updates``. See `scatter_update`."""
    return raw.ScatterMax(reference(ref, "scatter_max"), indices, updates, use_locking=use_locking, name=name)


def scatter_nd_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Tensor:
    """Replaces slices ``ref[indices[i, :]]``, where the last dimension of `indices` addresses one slice."""
    return raw.ScatterNdUpdate(
        reference(ref, "scatter_nd_update"), indices, updates, use_locking=use_locking, name=name
    )


def scatter_nd_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Adds to slices of a variable. See `scatter_nd_update`."""
    return raw.ScatterNdAdd(reference(ref, "scatter_nd_add"), indices, updates, use_locking=use_locking, name=name)


def scatter_nd_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Subtracts from slices of a variable. See `scatter_nd_update`."""
    return raw.ScatterNdSub(reference(ref, "scatter_nd_sub"), indices, updates, use_locking=use_locking, name=name)
