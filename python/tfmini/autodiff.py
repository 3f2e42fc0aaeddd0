"""Symbolic gradients: the registry of gradient functions and `tf.gradients`.

Reverse mode over the graph, as in TensorFlow 1 (`tensorflow/python/ops/gradients_impl.py` is the
model of its semantics): every op type has one function from the gradients of its outputs to the
gradients of its inputs, made of further ops, so that gradients of gradients come for free.
"""

from __future__ import annotations

import functools
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from tfmini import raw
from tfmini.convert import constant, convert_to_tensor
from tfmini.graph import Graph, Operation, Tensor, name_scope
from tfmini.indexed_slices import IndexedSlices

__all__ = [
    "AggregationMethod",
    "IndexedSlices",
    "NoGradient",
    "NotDifferentiable",
    "RegisterGradient",
    "UnconnectedGradients",
    "gradient",
    "gradients",
    "hessians",
    "not_differentiable",
]

GradientFn = Callable[..., Any]
_registry: dict[str, GradientFn | None] = {}


def gradient(*op_types: str) -> Callable[[GradientFn], GradientFn]:
    """Registers `fn(op, *output_gradients)` as the gradient of these op types.

    It returns one Tensor, IndexedSlices or None per input (a single value for a single input).
    """

    def register(fn: GradientFn) -> GradientFn:
        for op_type in op_types:
            if op_type in _registry:
                raise KeyError(f"The gradient of '{op_type}' is registered twice")
            _registry[op_type] = fn
        return fn

    return register


def not_differentiable(*op_types: str) -> None:
    """Declares that no gradient flows through these op types."""
    for op_type in op_types:
        if op_type in _registry:
            raise KeyError(f"The gradient of '{op_type}' is registered twice")
        _registry[op_type] = None


class RegisterGradient:
    """Decorator: `@tf.RegisterGradient("MyGrad")`, for use with `Graph.gradient_override_map`."""

    def __init__(self, op_type: str):
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: GradientFn) -> GradientFn:
        return gradient(self._op_type)(f)


def NotDifferentiable(op_type: str) -> None:
    not_differentiable(op_type)


NoGradient = NotDifferentiable


class AggregationMethod:
    """How gradients that meet at one tensor are summed. All methods give one AddN here."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2
    ALL = (ADD_N, EXPERIMENTAL_TREE, EXPERIMENTAL_ACCUMULATE_N)


class UnconnectedGradients:
    NONE = "none"
    ZERO = "zero"


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: str = UnconnectedGradients.NONE,
) -> list[Any]:
    """Derivatives of sum(ys) with respect to each of xs.

    Args:
      ys, xs: a tensor (or variable), or a list of them.
      grad_ys: gradients of the ys; None stands for ones.
      gate_gradients: make all gradients of an op wait for each other.
      aggregation_method: one of `AggregationMethod`; they all sum alike.
      stop_gradients: tensors to treat as constants.
      unconnected_gradients: "none" returns None, "zero" zeros, where no path leads from ys to x.

    Returns a list with a Tensor, IndexedSlices or None per x. Raises LookupError if an op on the
    way has no gradient, ValueError or TypeError for wrong arguments.
    """
    del colocate_gradients_with_ops
    if aggregation_method not in (None, *AggregationMethod.ALL):
        raise ValueError(f"Invalid aggregation_method {aggregation_method!r}: see tf.AggregationMethod")
    ys, xs = _as_list(ys), _as_list(xs)
    stops = _as_list(stop_gradients) if stop_gradients is not None else []
    grad_ys = [None] * len(ys) if grad_ys is None else _as_list(grad_ys)
    if len(grad_ys) != len(ys):
        raise ValueError(f"Passed {len(grad_ys)} grad_ys for {len(ys)} ys")
    if unconnected_gradients not in ("none", "zero"):
        raise ValueError(f"Unknown value for unconnected_gradients: {unconnected_gradients!r}")
    with name_scope(name, "gradients", [*ys, *xs, *stops]):
        y_tensors = [convert_to_tensor(y) for y in ys]
        sources = [_source(x) for x in xs]
        for t in [*y_tensors, *sources]:
            if t.graph is not y_tensors[0].graph:
                raise ValueError(f"Tensor '{t.name}' must be from the same graph as '{y_tensors[0].name}'")
        found = _backward(y_tensors, sources, _initial(y_tensors, grad_ys), [_source(s) for s in stops], gate_gradients)
        if unconnected_gradients == UnconnectedGradients.ZERO:
            found = [raw.ZerosLike(x) if g is None else g for g, x in zip(found, sources)]
    return found


def _as_list(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _source(x: Any) -> Tensor:
    """The tensor that stands for x in the graph: for a variable its reference (or handle)."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, IndexedSlices):
        raise TypeError("IndexedSlices cannot be differentiated with respect to; use its values")
    handle = getattr(x, "_gradient_source", None)
    return handle() if handle is not None else convert_to_tensor(x)


def _initial(ys: list[Tensor], grad_ys: list[Any]) -> list[Any]:
    """The gradients that enter at the ys."""
    out = []
    for i, (y, g) in enumerate(zip(ys, grad_ys)):
        if g is None:
            if y.dtype.is_complex:
                raise TypeError(f"Gradients of complex tensors must set grad_ys ({y.name})")
            if not y.dtype.is_floating and not y.dtype.is_integer:  # integers are let through: their gradients are None
                raise TypeError(f"Gradients of {y.dtype.base_dtype.name} tensor '{y.name}' do not exist")
            dims = y._dims()
            scope = f"grad_ys_{i}"
            if dims is not None and None not in dims:
                out.append(raw.Fill(list(dims), constant(1, y.dtype.base_dtype, name=scope + "/Const"), name=scope))
            else:
                out.append(raw.OnesLike(y, name=scope))
            continue
        if not isinstance(g, IndexedSlices):
            g = convert_to_tensor(g, y.dtype.base_dtype, name=f"grad_ys_{i}")
        if g.dtype.base_dtype != y.dtype.base_dtype:
            raise TypeError(f"grad_ys[{i}] has dtype {g.dtype.name}, y has {y.dtype.name}")
        out.append(g)
    return out


def _between(ys: list[Tensor], xs: list[Tensor], stops: set[Tensor]) -> set[Operation]:
    """Operations on a path from an x to a y."""
    # Backwards from ys: everything they need. A stop that is an x itself still gets its own gradient.
    x_ops = {x.op for x in xs}
    closed = stops.difference(xs)
    needed: set[Operation] = set()
    stack = [y.op for y in ys]
    while stack:
        op = stack.pop()
        if op in needed:
            continue
        needed.add(op)
        if all(t in stops for t in op.outputs) and op.outputs:
            continue
        stack.extend(t.op for t in op._inputs if t not in closed)
    # Forwards from xs, in creation order, which is topological within a graph.
    reached: set[Operation] = set()
    for op in sorted(needed, key=lambda o: o._id):
        if op in x_ops or any(t.op in reached and t not in closed for t in op._inputs):
            reached.add(op)
    return reached


def _backward(ys: list[Tensor], xs: list[Tensor], seeds: list[Any], stops: list[Tensor], gate: bool) -> list[Any]:
    graph = ys[0].graph if ys else None
    stop_set = set(stops)
    between = _between(ys, xs, stop_set)
    pending: dict[Operation, int] = {}
    for op in between:
        for t in op._inputs:
            if t.op in between:
                pending[t.op] = pending.get(t.op, 0) + 1
    grads: dict[Tensor, list[Any]] = {}
    for y, g in zip(ys, seeds):
        grads.setdefault(y, []).append(g)
    ready = deque(op for op in dict.fromkeys(y.op for y in ys) if op in between and not pending.get(op))
    wanted = set(xs)
    while ready:
        op = ready.popleft()
        outs = [_aggregate(grads, t, keep=t in wanted) for t in op.outputs]
        outs = [None if t in stop_set else g for t, g in zip(op.outputs, outs)]
        if op._inputs and any(g is not None for g in outs):
            assert graph is not None
            ins = _op_gradient(op, outs, between, gate)
            for t, g in zip(op._inputs, ins):
                if g is not None and t not in stop_set:
                    grads.setdefault(t, []).append(g)
                elif g is not None and t in wanted:
                    grads.setdefault(t, []).append(g)
        for t in op._inputs:
            if t.op in pending:
                pending[t.op] -= 1
                if pending[t.op] == 0:
                    ready.append(t.op)
    return [_aggregate(grads, x, keep=True) for x in xs]


def _aggregate(grads: dict[Tensor, list[Any]], t: Tensor, keep: bool) -> Any:
    """Sums what has arrived at t, once."""
    parts = grads.get(t)
    if not parts:
        return None
    if len(parts) > 1:
        parts[:] = [add_gradients(parts)]
    if not keep:
        del grads[t]
    return parts[0]


def add_gradients(parts: Sequence[Any]) -> Any:
    """The sum of gradients; sparse if all are."""
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(p, IndexedSlices) for p in parts):
        indices = [p.indices for p in parts]
        if len({i.dtype.base_dtype for i in indices}) > 1:
            indices = [raw.Cast(i, DstT="int64") if i.dtype.base_dtype.name != "int64" else i for i in indices]
        return IndexedSlices(raw.ConcatV2([p.values for p in parts], 0), raw.ConcatV2(indices, 0), parts[0].dense_shape)
    dense = [convert_to_tensor(p) for p in parts]
    if dense[0].dtype.name == "variant":
        return functools.reduce(raw._TensorListAdd, dense)
    return raw.AddN(dense)


def registered() -> list[str]:
    """The op types that have a gradient function or are declared not differentiable."""
    return list(_registry)


def gradient_function(op: Operation) -> GradientFn | None:
    """The gradient function of an op; None if it is not differentiable. Raises LookupError if unknown."""
    override = op.graph.gradient_override(op)
    name = override or op.type
    if name not in _registry:
        where = "".join(f"\n  defined at {f}:{line}" for f, line, _ in op.traceback)
        raise LookupError(f"No gradient defined for operation '{op.name}' (op type: {op.type}){where}")
    return _registry[name]


def _op_gradient(op: Operation, outs: list[Any], between: set[Operation], gate: bool) -> list[Any]:
    fn = gradient_function(op)
    if fn is None:
        return [None] * len(op._inputs)
    with name_scope(op.name + "_grad"):
        # Gradient functions get a tensor for every differentiable output.
        for i, (g, t) in enumerate(zip(outs, op.outputs)):
            if g is None and (t.dtype.is_floating or t.dtype.is_complex) and not t.dtype._is_ref_dtype:
                outs[i] = _zeros_for(op, t)
        ins = fn(op, *outs)
        ins = list(ins) if isinstance(ins, (list, tuple)) else [ins]
        if len(ins) != len(op._inputs):
            raise ValueError(f"The gradient of {op.type} returned {len(ins)} values for {len(op._inputs)} inputs")
        ins = [_checked(op, t, g) for t, g in zip(op._inputs, ins)]
        if gate and sum(g is not None for g in ins) > 1:
            ins = _gated(op.graph, ins)
    return ins


def _zeros_for(op: Operation, t: Tensor) -> Any:
    # Ops with sub-graphs sort out unused outputs themselves.
    return None if op.type in ("If", "While") or t.dtype.base_dtype.name == "variant" else raw.ZerosLike(t)


def _checked(op: Operation, t: Tensor, g: Any) -> Any:
    if g is None:
        return None
    if not isinstance(g, (Tensor, IndexedSlices)):
        g = convert_to_tensor(g, t.dtype.base_dtype)
    if g.dtype is not t.dtype and g.dtype.base_dtype != t.dtype.base_dtype:
        raise ValueError(
            f"The gradient of '{op.name}' for its input '{t.name}' has dtype {g.dtype.name}, expected {t.dtype.base_dtype.name}"
        )
    if isinstance(g, Tensor) and not g.dtype.name == "variant":
        dims = t._dims()
        if dims is not None and dims != g._dims() and not t.dtype._is_ref_dtype:
            g.set_shape(dims)
    return g


def _gated(graph: Graph, grads: list[Any]) -> list[Any]:
    """Makes all gradients of one op wait for each other (gate_gradients=True)."""
    ops = [g.op for g in grads if g is not None]
    with graph.control_dependencies(ops):
        return [raw.Identity(g) if isinstance(g, Tensor) else g for g in grads]


def hessians(ys: Any, xs: Any, name: str = "hessians", **kwargs: Any) -> list[Tensor]:
    """The Hessian of sum(ys) with respect to each x (any static shape): shape x.shape + x.shape."""
    xs = _as_list(xs)
    out = []
    with name_scope(name, values=[convert_to_tensor(y) for y in _as_list(ys)]):
        for g, x in zip(gradients(ys, xs, **kwargs), xs):
            x = _source(x)
            if not x.shape.is_fully_defined():
                raise ValueError(f"hessians needs static shapes, '{x.name}' has shape {x.shape}")
            dims = [d for d in x.shape.as_list() if d is not None]
            n = math.prod(dims)
            flat = raw.Reshape(convert_to_tensor(g), [n])
            rows = []
            for i in range(n):
                element = raw.StridedSlice(flat, [i], [i + 1], [1], shrink_axis_mask=1)
                row = gradients(element, x, unconnected_gradients=UnconnectedGradients.ZERO)[0]
                rows.append(row)
            out.append(raw.Reshape(raw.Pack(rows), dims + dims))
    return out
