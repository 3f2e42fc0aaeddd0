"""What conditionals and loops share: the functions a control flow node owns, their captures and results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tfmini import nest, raw
from tfmini.func_graph import FuncGraph
from tfmini.graph import Operation, Tensor
from tfmini.indexed_slices import IndexedSlices

__all__ = ["common_shape", "flatten_result", "recall", "remember", "unite_captures", "value_outputs"]


def remember(op: Operation, **what: Any) -> None:
    """Keeps what the gradient of a control flow node needs to know of its functions."""
    op.graph._functions.setdefault(op, {}).update(what)


def recall(op: Operation) -> dict[str, Any]:
    return op.graph._functions[op]


def flatten_result(result: Any) -> list[Any]:
    if result is None:
        return []
    leaves: list[Any] = []
    for x in nest.flatten(result):
        if isinstance(x, IndexedSlices):
            leaves += [x.values, x.indices] + ([] if x.dense_shape is None else [x.dense_shape])
        elif hasattr(x, "_tensor_parts"):
            leaves += x._tensor_parts()
        else:
            leaves.append(x)
    return leaves


def pack_result(structure: Any, tensors: Iterable[Tensor]) -> Any:
    """The inverse of flatten_result: `structure` with these tensors in place of its own."""
    it = iter(tensors)

    def leaf(x: Any) -> Any:
        if isinstance(x, IndexedSlices):
            return IndexedSlices(next(it), next(it), None if x.dense_shape is None else next(it))
        if hasattr(x, "_tensor_parts"):
            return x._from_parts([next(it) for _ in x._tensor_parts()])
        return next(it)

    return nest.pack_sequence_as(structure, [leaf(x) for x in nest.flatten(structure)])


def value_outputs(graph: FuncGraph, tensors: list[Tensor]) -> list[Tensor]:
    """Results as values of this graph: outer tensors captured, references read."""
    with graph.as_default():
        out = []
        for t in tensors:
            if t.graph is not graph:
                t = graph.capture(t)
            out.append(raw.Identity(t) if t.dtype._is_ref_dtype else t)
        return out


def unite_captures(graphs: Sequence[FuncGraph]) -> list[Tensor]:
    """Gives all graphs the same captured inputs in the same order; returns the outer tensors."""
    outer = list(dict.fromkeys(t for g in graphs for t in g.captures))
    for g in graphs:
        own = len(g.inputs) - len(g.captures)
        g.inputs = g.inputs[:own]
        captures = {}
        for t in outer:
            arg = g.captures.get(t)
            if arg is None:
                with g.as_default(), g.control_dependencies(None):
                    arg = g.add_input(t.dtype, t._dims(), "unused")
            else:
                g.inputs.append(arg)
            captures[t] = arg
        g.captures = captures
    return outer


def common_shape(a: Tensor, b: Tensor) -> list[int | None] | None:
    x, y = a._dims(), b._dims()
    if x is None or y is None or len(x) != len(y):
        return None
    return [m if m == n else None for m, n in zip(x, y)]
