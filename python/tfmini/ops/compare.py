"""Comparisons, elementwise with broadcasting, and logic on booleans."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import not_differentiable
from tfmini.graph import Tensor, name_scope

__all__ = [
    "approximate_equal", "equal", "greater", "greater_equal", "less", "less_equal", "logical_and", "logical_not",
    "logical_or", "logical_xor", "not_equal",
]  # fmt: skip

not_differentiable(
    "ApproximateEqual", "Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalNot",
    "LogicalOr", "NotEqual",
)  # fmt: skip


def equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """True where x == y; numbers, booleans or strings of one dtype."""
    return raw.Equal(x, y, name=name)


def not_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """True where x != y; numbers, booleans or strings of one dtype."""
    return raw.NotEqual(x, y, name=name)


def less(x: Any, y: Any, name: str | None = None) -> Tensor:
    """True where x < y."""
    return raw.Less(x, y, name=name)


def less_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """True where x <= y."""
    return raw.LessEqual(x, y, name=name)


def greater(x: Any, y: Any, name: str | None = None) -> Tensor:
    """True where x > y."""
    return raw.Greater(x, y, name=name)


def greater_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """True where x >= y."""
    return raw.GreaterEqual(x, y, name=name)


def approximate_equal(x: Any, y: Any, tolerance: float = 1e-5, name: str | None = None) -> Tensor:
    """True where |x - y| < tolerance; no broadcasting."""
    return raw.ApproximateEqual(x, y, tolerance=tolerance, name=name)


def logical_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """True where both are (bool tensors, shapes broadcast)."""
    return raw.LogicalAnd(x, y, name=name)


def logical_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """True where either is (bool tensors, shapes broadcast)."""
    return raw.LogicalOr(x, y, name=name)


def logical_not(x: Any, name: str | None = None) -> Tensor:
    """True where `x` is not."""
    return raw.LogicalNot(x, name=name)


def logical_xor(x: Any, y: Any, name: str = "LogicalXor") -> Tensor:
    """True where one is and the other is not (bool tensors, shapes broadcast)."""
    with name_scope(name, values=[x, y]) as scope:
        return raw.LogicalAnd(raw.LogicalOr(x, y), raw.LogicalNot(raw.LogicalAnd(x, y)), name=scope)
