"""Static shapes: `TensorShape`, of known or unknown rank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tfmini.dimension import Dimension, as_dimension, dim_value, dimension_value

__all__ = [
    "Dimension", "TensorShape", "as_dimension", "as_shape", "dimension_at_index", "dimension_value", "matrix",
    "scalar", "unknown_shape", "vector",
]  # fmt: skip


class TensorShape:
    """The shape of a tensor, as far as it is known.

    ``TensorShape([2, None])`` has one unknown dimension, ``TensorShape(None)`` not even a known rank, and
    ``TensorShape([])`` is a scalar's. Immutable.

    Args:
      dims: None, an iterable of sizes (None for unknown), a size, or a TensorShape.
    """

    __slots__ = ("_dims",)
    _dims: tuple[int | None, ...] | None

    def __init__(self, dims: Any = None):
        if dims is None:
            self._dims = None
        elif type(dims) is TensorShape:
            self._dims = dims._dims
        elif isinstance(dims, (tuple, list)):
            self._dims = tuple([dim_value(d) for d in dims])
        elif hasattr(dims, "dim") and hasattr(dims, "unknown_rank"):  # a TensorShapeProto
            self._dims = None if dims.unknown_rank else tuple([None if d.size == -1 else d.size for d in dims.dim])
        elif isinstance(dims, (str, bytes)):
            raise TypeError(
                f"Failed to convert {dims!r} to a shape: expected a dimension (e.g. 10) or an iterable of dimensions "
                "(e.g. [1, 10, None])."
            )
        else:
            try:
                items = iter(dims)
            except (TypeError, ValueError):
                self._dims = (dim_value(dims),)
            else:
                self._dims = tuple([dim_value(d) for d in items])

    @classmethod
    def _of(cls, dims: tuple[int | None, ...] | None) -> TensorShape:
        """Without checks, for dims that are known to be good."""
        shape = cls.__new__(cls)
        shape._dims = dims
        return shape

    @property
    def dims(self) -> list[Dimension] | None:
        return None if self._dims is None else [Dimension(d) for d in self._dims]

    @property
    def ndims(self) -> int | None:
        """The rank, None if unknown."""
        return None if self._dims is None else len(self._dims)

    rank = ndims

    def as_list(self) -> list[int | None]:
        """A list of sizes, None where unknown; ValueError if the rank is unknown."""
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def as_proto(self) -> Any:
        """A TensorShapeProto (needs the ``tensorboard`` extra)."""
        from tfmini import graph_export

        return graph_export.shape_proto(self)

    def num_elements(self) -> int | None:
        """The number of elements, None unless fully defined."""
        if self._dims is None:
            return None
        total = 1
        for size in self._dims:
            if size is None:
                return None
            total *= size
        return total

    def is_fully_defined(self) -> bool:
        return self._dims is not None and None not in self._dims

    def assert_is_fully_defined(self) -> None:
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def is_compatible_with(self, other: Any) -> bool:
        """True if some tensor could have both shapes."""
        theirs = as_shape(other)._dims
        if self._dims is None or theirs is None:
            return True
        if len(self._dims) != len(theirs):
            return False
        return all(a is None or b is None or a == b for a, b in zip(self._dims, theirs))

    def assert_is_compatible_with(self, other: Any) -> None:
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are incompatible")

    def merge_with(self, other: Any) -> TensorShape:
        """What both shapes know together; ValueError if they contradict each other."""
        other = as_shape(other)
        if self._dims is None:
            return other
        if other._dims is None:
            return self
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are not compatible")
        return TensorShape._of(tuple([b if a is None else a for a, b in zip(self._dims, other._dims)]))

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """The most specific shape that describes tensors of either shape."""
        theirs = as_shape(other)._dims
        if self._dims is None or theirs is None or len(self._dims) != len(theirs):
            return TensorShape._of(None)
        return TensorShape._of(tuple([a if a == b else None for a, b in zip(self._dims, theirs)]))

    def concatenate(self, other: Any) -> TensorShape:
        """This shape followed by the dimensions of `other`; of unknown rank if either is."""
        theirs = as_shape(other)._dims
        if self._dims is None or theirs is None:
            return TensorShape._of(None)
        return TensorShape._of(self._dims + theirs)

    def assert_same_rank(self, other: Any) -> None:
        other = as_shape(other)
        if self._dims is not None and other._dims is not None and len(self._dims) != len(other._dims):
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_has_rank(self, rank: int | None) -> None:
        if rank is not None and self.ndims not in (None, int(rank)):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, with `rank` unknown dimensions if its rank was unknown; ValueError if it has another rank."""
        if self._dims is None:
            return unknown_shape(rank)
        self.assert_has_rank(rank)
        return self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        if self._dims is not None and len(self._dims) < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        if self._dims is not None and len(self._dims) > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self) -> bool:
        return self._dims is not None

    def __iter__(self) -> Iterator[Dimension]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter([Dimension(d) for d in self._dims])

    def __getitem__(self, key: Any) -> Any:
        if self._dims is not None:
            if isinstance(key, slice):
                return TensorShape._of(self._dims[key])
            return Dimension(self._dims[key])
        if not isinstance(key, slice):
            return Dimension(None)
        start = key.start if key.start is not None else 0
        # Only a slice counted from the front has a length when the rank is unknown.
        if key.step is not None or key.stop is None or start < 0 or key.stop < 0:
            return TensorShape._of(None)
        return unknown_shape(max(0, key.stop - start))

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return as_shape(other).concatenate(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorShape):
            try:
                other = TensorShape(other)
            except (TypeError, ValueError):
                return False
        return self._dims == other._dims

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._dims)

    def __repr__(self) -> str:
        return f"TensorShape({self.dims})"

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        sizes = ["?" if d is None else str(d) for d in self._dims]
        return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"

    def __reduce__(self) -> Any:
        return TensorShape, (self._dims,)


def as_shape(shape: Any) -> TensorShape:
    """`shape` as a TensorShape: unchanged if it is one."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def dimension_at_index(shape: TensorShape, index: int) -> Dimension:
    """The Dimension at `index`, unknown if the rank is."""
    return Dimension(None) if shape.ndims is None else shape[index]


def unknown_shape(ndims: int | None = None) -> TensorShape:
    """A shape of unknown rank, or of `ndims` unknown dimensions."""
    return TensorShape._of(None if ndims is None else (None,) * int(ndims))


def scalar() -> TensorShape:
    """The shape of a scalar."""
    return TensorShape._of(())


def vector(length: Any) -> TensorShape:
    """The shape of a vector."""
    return TensorShape([length])


def matrix(rows: Any, cols: Any) -> TensorShape:
    """The shape of a matrix."""
    return TensorShape([rows, cols])
