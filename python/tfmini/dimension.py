"""`Dimension`: the size of one dimension, which may be unknown."""

from __future__ import annotations

import operator
from typing import Any


def dim_value(value: Any) -> int | None:
    """An int, None for unknown. Floats are accepted where they are whole (TF1 programs compute 50.0)."""
    if value is None or type(value) is int:
        size = value
    elif isinstance(value, Dimension):
        return value._value
    elif isinstance(value, float) and value.is_integer():
        size = int(value)
    else:
        try:
            size = operator.index(value)
        except TypeError:
            size = _whole_number(value)
    if size is not None and size < 0:
        raise ValueError(f"Dimension {size} must be >= 0")
    return size


def _whole_number(value: Any) -> int:
    """NumPy's floating scalars, and an error for the rest."""
    if hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0 and float(value).is_integer():
        return int(value)
    raise TypeError(
        "Dimension value must be integer or None or have an __index__ method, "
        f"got value '{value!r}' with type '{type(value)!r}'"
    ) from None


class Dimension:
    """The size of one dimension, or unknown (``value`` is None).

    Arithmetic with an unknown dimension gives an unknown one, and comparing with one gives None.
    """

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any):
        self._value = dim_value(value)

    @property
    def value(self) -> int | None:
        return self._value

    def __repr__(self) -> str:
        return f"Dimension({self._value})"

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)

    def __int__(self) -> int:
        if self._value is None:
            raise TypeError("int() of an unknown Dimension; use tf.shape(x)[i] for a size that is known at run time")
        return self._value

    def __index__(self) -> int:
        return int(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def _compare(self, other: Any, compare: Any) -> Any:
        try:
            other = dim_value(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._value is None or other is None:
            return None
        return compare(self._value, other)

    def __eq__(self, other: object) -> Any:
        return self._compare(other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return self._compare(other, operator.ne)

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._compare(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, operator.ge)

    def _combine(self, other: Any, combine: Any, swap: bool = False) -> Any:
        try:
            other = dim_value(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._value is None or other is None:
            return Dimension(None)
        return Dimension(combine(other, self._value) if swap else combine(self._value, other))

    def __add__(self, other: Any) -> Any:
        return self._combine(other, operator.add)

    def __radd__(self, other: Any) -> Any:
        return self._combine(other, operator.add, swap=True)

    def __sub__(self, other: Any) -> Any:
        return self._combine(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return self._combine(other, operator.sub, swap=True)

    def __mul__(self, other: Any) -> Any:
        return self._combine(other, operator.mul)

    def __rmul__(self, other: Any) -> Any:
        return self._combine(other, operator.mul, swap=True)

    def __floordiv__(self, other: Any) -> Any:
        return self._combine(other, operator.floordiv)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._combine(other, operator.floordiv, swap=True)

    def __mod__(self, other: Any) -> Any:
        return self._combine(other, operator.mod)

    def __rmod__(self, other: Any) -> Any:
        return self._combine(other, operator.mod, swap=True)

    def __truediv__(self, other: Any) -> Any:
        raise TypeError(
            f"unsupported operand type(s) for /: 'Dimension' and '{type(other).__name__}', please use // instead"
        )

    def __rtruediv__(self, other: Any) -> Any:
        raise TypeError(
            f"unsupported operand type(s) for /: '{type(other).__name__}' and 'Dimension', please use // instead"
        )

    def is_compatible_with(self, other: Any) -> bool:
        """True if the two are equal or one is unknown."""
        size = dim_value(other)
        return self._value is None or size is None or self._value == size

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError unless `is_compatible_with(other)`."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other: Any) -> Dimension:
        """The known one of two compatible dimensions; ValueError if they contradict each other."""
        self.assert_is_compatible_with(other)
        return Dimension(self._value if self._value is not None else other)

    def __reduce__(self) -> Any:
        return Dimension, (self._value,)


def as_dimension(value: Any) -> Dimension:
    """`value` as a Dimension: unchanged if it is one."""
    return value if isinstance(value, Dimension) else Dimension(value)


def dimension_value(dimension: Any) -> int | None:
    """The int inside a Dimension; anything else unchanged."""
    return dimension.value if isinstance(dimension, Dimension) else dimension
