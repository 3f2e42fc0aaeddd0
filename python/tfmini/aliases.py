"""Arguments that TensorFlow renamed: the old and the new name are both accepted, not both at once."""

from __future__ import annotations

from typing import Any

__all__ = ["only_one"]


def only_one(new_name: str, new: Any, old_name: str, old: Any) -> Any:
    """The argument given, under its new or its old name; raises ValueError if both are."""
    if old is None:
        return new
    if new is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old
