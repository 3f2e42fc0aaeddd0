"""Functions that change variables: tf.assign*, tf.scatter_*, tf.count_up_to."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.graph import Tensor

__all__ = [
    "assign", "assign_add", "assign_sub", "count_up_to", "is_variable_initialized", "scatter_add", "scatter_div",
    "scatter_max", "scatter_min", "scatter_mul", "scatter_nd_add", "scatter_nd_sub", "scatter_nd_update",
    "scatter_sub", "scatter_update",
]  # fmt: skip


def _target(ref: Any, op_type: str) -> Tensor:
    """The reference tensor of a variable (or a reference tensor as it is)."""
    ref = ref._ref() if hasattr(ref, "_ref") else ref
    if not isinstance(ref, Tensor) or not ref.dtype._is_ref_dtype:
        raise TypeError(f"{op_type} needs a variable (tf.Variable) to change, got {ref!r}")
    return ref


def assign(
    ref: Any, value: Any, validate_shape: bool | None = None, use_locking: bool | None = None, name: str | None = None
) -> Tensor:
    """Replaces the value of a variable; gives the variable after the change.

    Args:
      value: of the variable's dtype, and of its shape unless `validate_shape` is False.

    Raises:
      ValueError: if dtype or shape do not fit.
    """
    validate = True if validate_shape is None else validate_shape
    locking = True if use_locking is None else use_locking
    return raw.Assign(_target(ref, "assign"), value, validate_shape=validate, use_locking=locking, name=name)


def assign_add(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Tensor:
    """Adds `value`, of the variable's dtype and shape, to a variable; gives the variable after the change."""
    return raw.AssignAdd(_target(ref, "assign_add"), value, use_locking=bool(use_locking), name=name)


def assign_sub(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Tensor:
    """Subtracts `value`, of the variable's dtype and shape; gives the variable after the change."""
    return raw.AssignSub(_target(ref, "assign_sub"), value, use_locking=bool(use_locking), name=name)


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Tensor:
    """Adds 1 to a scalar integer variable and gives the value before; OutOfRangeError once it has reached `limit`."""
    return raw.CountUpTo(_target(ref, "count_up_to"), limit=limit, name=name)


def is_variable_initialized(ref: Any, name: str | None = None) -> Tensor:
    """A bool scalar: does the variable have a value?"""
    return raw.IsVariableInitialized(_target(ref, "is_variable_initialized"), name=name)


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
    return raw.ScatterUpdate(_target(ref, "scatter_update"), indices, updates, use_locking=use_locking, name=name)


def scatter_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Adds ``updates`` to slices of a variable; those of equal indices add up. See `scatter_update`."""
    return raw.ScatterAdd(_target(ref, "scatter_add"), indices, updates, use_locking=use_locking, name=name)


def scatter_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Subtracts ``updates`` from slices of a variable. See `scatter_update`."""
    return raw.ScatterSub(_target(ref, "scatter_sub"), indices, updates, use_locking=use_locking, name=name)


def scatter_mul(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Multiplies slices of a variable by ``updates``. See `scatter_update`."""
    return raw.ScatterMul(_target(ref, "scatter_mul"), indices, updates, use_locking=use_locking, name=name)


def scatter_div(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Divides slices of a variable by ``updates``. See `scatter_update`."""
    return raw.ScatterDiv(_target(ref, "scatter_div"), indices, updates, use_locking=use_locking, name=name)


def scatter_min(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Takes the minimum of slices of a variable and ``updates``. See `scatter_update`."""
    return raw.ScatterMin(_target(ref, "scatter_min"), indices, updates, use_locking=use_locking, name=name)


def scatter_max(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Takes the maximum of slices of a variable and ``updates``. See `scatter_update`."""
    return raw.ScatterMax(_target(ref, "scatter_max"), indices, updates, use_locking=use_locking, name=name)


def scatter_nd_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Tensor:
    """Replaces slices ``ref[indices[i, :]]``, where the last dimension of `indices` addresses one slice."""
    return raw.ScatterNdUpdate(_target(ref, "scatter_nd_update"), indices, updates, use_locking=use_locking, name=name)


def scatter_nd_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Adds to slices of a variable. See `scatter_nd_update`."""
    return raw.ScatterNdAdd(_target(ref, "scatter_nd_add"), indices, updates, use_locking=use_locking, name=name)


def scatter_nd_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Subtracts from slices of a variable. See `scatter_nd_update`."""
    return raw.ScatterNdSub(_target(ref, "scatter_nd_sub"), indices, updates, use_locking=use_locking, name=name)
