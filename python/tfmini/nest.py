"""Nested structures: lists, tuples, named tuples and dicts, in any combination, around anything else.

Dicts count as sequences of their values in the order of the sorted keys, as in TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["assert_same_structure", "flatten", "is_nested", "is_sequence", "map_structure", "pack_sequence_as"]


def is_nested(value: Any) -> bool:
    """Is this a list, tuple or dict?"""
    return isinstance(value, (list, tuple, Mapping))


is_sequence = is_nested


def _children(value: Any) -> list[Any]:
    return [value[k] for k in sorted(value)] if isinstance(value, Mapping) else list(value)


def flatten(structure: Any) -> list[Any]:
    """The leaves, depth first. A value that is no structure is its own only leaf."""
    if not is_nested(structure):
        return [structure]
    return [leaf for child in _children(structure) for leaf in flatten(child)]


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any]) -> Any:
    """The structure with its leaves replaced by those of `flat_sequence`; ValueError if their numbers differ."""
    leaves = list(flat_sequence)
    expected = len(flatten(structure))
    if len(leaves) != expected:
        raise ValueError(f"the structure has {expected} elements, but {len(leaves)} were given: {structure!r}")
    return _pack(structure, iter(leaves))


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if not is_nested(structure):
        return next(leaves)
    return _like(structure, [_pack(child, leaves) for child in _children(structure)])


def _like(structure: Any, children: list[Any]) -> Any:
    """A structure of the same type with other children."""
    if isinstance(structure, Mapping):
        values = dict(zip(sorted(structure), children))
        return type(structure)((k, values[k]) for k in structure)  # type: ignore[call-arg]
    if hasattr(structure, "_fields"):
        return type(structure)(*children)
    return type(structure)(children)


def map_structure(func: Callable[..., Any], *structures: Any) -> Any:
    """func(leaf, leaf, ...) for corresponding leaves of structures of one shape, in that shape."""
    if not structures:
        raise ValueError("map_structure needs at least one structure")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    return pack_sequence_as(structures[0], [func(*leaves) for leaves in zip(*map(flatten, structures))])


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True) -> None:
    """Raises ValueError unless both have the same nesting, TypeError unless also the same types."""
    if is_nested(nest1) != is_nested(nest2):
        raise ValueError(f"The two structures don't have the same nested structure: {nest1!r} and {nest2!r}")
    if not is_nested(nest1):
        return
    named = [t for t in (nest1, nest2) if hasattr(t, "_fields")]
    same_fields = len(named) == 2 and named[0]._fields == named[1]._fields
    if check_types and type(nest1) is not type(nest2) and not same_fields:
        raise TypeError(
            f"The two structures don't have the same sequence type: {type(nest1).__name__} and {type(nest2).__name__}"
        )
    same_keys = not isinstance(nest1, Mapping) or not isinstance(nest2, Mapping) or set(nest1) == set(nest2)
    first, second = _children(nest1), _children(nest2)
    if len(first) != len(second) or not same_keys:
        raise ValueError(f"The two structures don't have the same nested structure: {nest1!r} and {nest2!r}")
    for a, b in zip(first, second):
        assert_same_structure(a, b, check_types)
