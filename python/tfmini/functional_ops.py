"""Higher-order functions over the first dimension: map_fn, foldl, foldr, scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfmini import dtypes, nest, raw
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor, name_scope
from tfmini.ops.control_flow import while_loop
from tfmini.tensor_array import TensorArray

__all__ = ["foldl", "foldr", "map_fn", "scan"]


def _length(tensors: list[Tensor]) -> Any:
    for t in tensors:
        if t.shape.ndims == 0:
            raise ValueError("elements must be at least 1-dimensional: functions are applied along the first dimension")
        dims = t._dims()
        if dims is not None and dims[0] is not None:
            return dims[0]
    return raw.StridedSlice(raw.Shape(tensors[0]), [0], [1], [1], shrink_axis_mask=1)


def _unstacked(tensors: list[Tensor], n: Any) -> list[TensorArray]:
    return [TensorArray(t.dtype, size=n, infer_shape=True).unstack(t) for t in tensors]


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
) -> Any:
    """fn applied to every slice of `elems` along dimension 0, the results stacked.

    `elems` may be nested; `dtype` is then the (nested) dtype of fn's result. Raises TypeError if fn
    is not callable.
    """
    if not callable(fn):
        raise TypeError("fn must be callable.")
    with name_scope(name, "map", nest.flatten(elems)):
        flat = [convert_to_tensor(e) for e in nest.flatten(elems)]
        n = _length(flat)
        arrays = _unstacked(flat, n)
        out_types = [dtypes.as_dtype(d) for d in nest.flatten(dtype)] if dtype is not None else [t.dtype for t in flat]
        results = [TensorArray(d, size=n, infer_shape=infer_shape) for d in out_types]
        shapes: list[Any] = [None] * len(results)

        def step(i: Tensor, outs: list[TensorArray]) -> Any:
            value = fn(nest.pack_sequence_as(elems, [a.read(i) for a in arrays]))
            parts = [convert_to_tensor(v, d) for v, d in zip(nest.flatten(value), out_types)]
            for k, p in enumerate(parts):
                shapes[k] = p.shape
            return i + 1, [o.write(i, p) for o, p in zip(outs, parts)]

        _, final = while_loop(
            lambda i, _: i < n, step, (convert_to_tensor(0), results), parallel_iterations=parallel_iterations or 10,
            back_prop=back_prop, swap_memory=swap_memory,
        )  # fmt: skip
        return nest.pack_sequence_as(elems if dtype is None else dtype, [_stack(a, s) for a, s in zip(final, shapes)])


def _stack(array: TensorArray, shape: Any) -> Tensor:
    return array._with_flow(array.flow, shape).stack()


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """fn(...fn(fn(initializer, elems[0]), elems[1])..., elems[-1])."""
    return _fold(fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name or "foldl", reverse=False)


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """Like `foldl`, starting from the last element."""
    return _fold(fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name or "foldr", reverse=True)


def _fold(
    fn: Any, elems: Any, initializer: Any, parallel: int, back_prop: bool, swap: bool, name: str, reverse: bool
) -> Any:
    if not callable(fn):
        raise TypeError("fn must be callable.")
    with name_scope(name, None, nest.flatten(elems)):
        flat = [convert_to_tensor(e) for e in nest.flatten(elems)]
        n = _length(flat)
        arrays = _unstacked(flat, n)
        item = lambda i: nest.pack_sequence_as(elems, [a.read(n - 1 - i if reverse else i) for a in arrays])  # noqa: E731
        start, first = (item(0), 1) if initializer is None else (nest.map_structure(convert_to_tensor, initializer), 0)
        _, result = while_loop(
            lambda i, _: i < n, lambda i, a: (i + 1, fn(a, item(i))), (convert_to_tensor(first), start),
            parallel_iterations=parallel, back_prop=back_prop, swap_memory=swap,
        )  # fmt: skip
        return result


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """All intermediate results of a fold, stacked: a_0 = fn(initializer, elems[0]), a_1 = fn(a_0, elems[1]), ..."""
    if not callable(fn):
        raise TypeError("fn must be callable.")
    with name_scope(name, "scan", nest.flatten(elems)):
        flat = [convert_to_tensor(e) for e in nest.flatten(elems)]
        n = _length(flat)
        arrays = _unstacked(flat, n)
        at = lambda i: n - 1 - i if reverse else i  # noqa: E731
        item = lambda i: nest.pack_sequence_as(elems, [a.read(at(i)) for a in arrays])  # noqa: E731
        if initializer is None:
            start, first = item(0), 1
        else:
            start, first = nest.map_structure(convert_to_tensor, initializer), 0
        outs = [
            TensorArray(t.dtype, size=n, infer_shape=infer_shape, element_shape=t.shape if infer_shape else None)
            for t in nest.flatten(start)
        ]
        if initializer is None:
            outs = [o.write(at(0), t) for o, t in zip(outs, nest.flatten(start))]

        def step(i: Tensor, a: Any, arrays_out: list[TensorArray]) -> Any:
            a = nest.map_structure(convert_to_tensor, fn(a, item(i)))
            return i + 1, a, [o.write(at(i), t) for o, t in zip(arrays_out, nest.flatten(a))]

        _, _, final = while_loop(
            lambda i, *_: i < n, step, (convert_to_tensor(first), start, outs), parallel_iterations=parallel_iterations,
            back_prop=back_prop, swap_memory=swap_memory,
        )  # fmt: skip
        return nest.pack_sequence_as(start, [o.stack() for o in final])
