"""Functions that change variables as a whole: tf.assign*, tf.count_up_to."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import not_differentiable
from tfmini.graph import Tensor
from tfmini.operation import reference

__all__ = ["assign", "assign_add", "assign_sub", "count_up_to", "is_variable_initialized"]

not_differentiable(
    "Assign", "AssignAdd", "AssignSub", "CountUpTo", "IsVariableInitialized", "Variable", "VariableV2", "_ReadVariable"
)


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
    return raw.Assign(reference(ref, "assign"), value, validate_shape=validate, use_locking=locking, name=name)


def assign_add(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Tensor:
    """Adds `value`, of the variable's dtype and shape, to a variable; gives the variable after the change."""
    return raw.AssignAdd(reference(ref, "assign_add"), value, use_locking=bool(use_locking), name=name)


def assign_sub(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Tensor:
    """Subtracts `value`, of the variable's dtype and shape; gives the variable after the change."""
    return raw.AssignSub(reference(ref, "assign_sub"), value, use_locking=bool(use_locking), name=name)


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Tensor:
    """Adds 1 to a scalar integer variable and gives the value before; OutOfRangeError once it has reached `limit`."""
    return raw.CountUpTo(reference(ref, "count_up_to"), limit=limit, name=name)


def is_variable_initialized(ref: Any, name: str | None = None) -> Tensor:
    """A bool scalar: does the variable have a value?"""
    return raw.IsVariableInitialized(reference(ref, "is_variable_initialized"), name=name)
