"""where: coordinates of true elements, or elements chosen by a condition."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import not_differentiable
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor, name_scope

__all__ = ["where"]

not_differentiable("Where")


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Elements of `x` where `condition` holds, of `y` elsewhere.

    `x` and `y` have one shape; `condition` has it too, or is a vector that chooses whole rows.
    Without `x` and `y`: the coordinates of the true (non-zero) elements, int64 [count, rank], in
    row-major order. Raises ValueError if only one of `x`, `y` is given.
    """
    if x is None and y is None:
        with name_scope(name, "Where", [condition]) as scope:
            condition = convert_to_tensor(condition, preferred_dtype=dtypes.bool_, name="condition")
            return raw.Where(condition, name=scope)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return raw.Select(condition, x, y, name=name)
