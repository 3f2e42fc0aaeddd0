"""The variables of a loop: their values, shapes and structure."""

from __future__ import annotations

from typing import Any

from tfmini import nest, raw
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor
from tfmini.tensor_shape import TensorShape, as_shape


def is_plain(structure: Any) -> bool:
    return not any(hasattr(x, "_tensor_parts") for x in nest.flatten(structure))


def _same(a: Any, b: Any) -> bool:
    try:
        nest.assert_same_structure(a, b, check_types=False)
    except (ValueError, TypeError):
        return False
    return True


def body_result(loop_vars: Any, result: Any) -> Any:
    """What the body returned, as a list; its containers may be of other kinds than those of loop_vars, not of another
    nesting."""
    if not isinstance(result, (list, tuple)) or (len(loop_vars) == 1 and not _same(loop_vars, result)):
        result = [result]
    if not _same(loop_vars, result):
        raise ValueError(
            "The body of a while_loop must return the structure of loop_vars: got "
            f"{nest.map_structure(str, result)!r} for {nest.map_structure(str, loop_vars)!r}"
        )
    return result


def loop_value(x: Any) -> Tensor:
    t = convert_to_tensor(x)
    return raw.Identity(t) if t.dtype._is_ref_dtype else t


def invariant_shapes(loop_vars: Any, values: list[Tensor], given: Any) -> list[Any]:
    """The static shape of every loop variable inside the loop."""
    if given is None:
        return [v._dims() for v in values]
    shapes: list[Any] = []
    flat = _flatten_shapes(given)
    if len(flat) != len(values):
        raise ValueError(f"shape_invariants has {len(flat)} shapes for {len(values)} loop variables")
    for v, s in zip(values, flat):
        shape = as_shape(s)
        initial = v._dims()
        narrower = (
            shape.ndims is not None
            and initial is not None
            and len(initial) == shape.ndims
            and any(d is not None and d != have for d, have in zip(shape.as_list(), initial))
        )
        if narrower or not shape.is_compatible_with(v.shape):
            raise ValueError(
                f"The shape invariant specified for {v.name} is not compatible with the initial shape of the loop "
                f"variable. It enters the loop with shape {v.shape}, but the specified shape invariant is {shape}."
            )
        shapes.append(None if shape.ndims is None else tuple(shape.as_list()))
    del loop_vars
    return shapes


def _flatten_shapes(given: Any) -> list[Any]:
    if isinstance(given, TensorShape) or given is None:
        return [given]
    if isinstance(given, (list, tuple)):
        return [s for g in given for s in _flatten_shapes(g)]
    return [given]


def check_invariants(values: list[Tensor], outputs: list[Tensor], invariants: list[Any], given: bool) -> None:
    if len(values) != len(outputs):
        raise ValueError(f"The body returned {len(outputs)} tensors for {len(values)} loop variables")
    for v, o, s in zip(values, outputs, invariants):
        if v.dtype.base_dtype != o.dtype.base_dtype:
            raise TypeError(
                f"Input tensor '{v.name}' enters the loop with type {v.dtype.base_dtype.name}, but has type "
                f"{o.dtype.base_dtype.name} after 1 iteration."
            )
        if s is None:
            continue
        dims = o._dims()
        if dims is None or len(dims) != len(s) or any(a is not None and a != b for a, b in zip(s, dims)):
            hint = (
                "" if given else " Use the shape_invariants argument of tf.while_loop to specify a less specific shape."
            )
            raise ValueError(
                f"Input tensor '{v.name}' enters the loop with shape {TensorShape(s)}, but has shape {o.shape} after one "
                f"iteration.{hint}"
            )
