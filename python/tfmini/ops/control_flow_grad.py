"""Gradients of If and While.

The gradient of a function is a function of the same kind: it may use the forward function's
intermediate values, which the forward node is then rewritten to return. For a While these are
pushed onto lists, one element per iteration, and popped in reverse by the backward loop (the scheme
of TensorFlow's while_v2).
"""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import add_gradients, gradient, gradients
from tfmini.convert import convert_to_tensor
from tfmini.func_graph import FuncGraph, _is_small_constant
from tfmini.functions import common_shape, recall, remember, unite_captures
from tfmini.graph import Graph, Operation, Tensor, get_default_graph
from tfmini.loop_products import JoinedProduct, is_joinable
from tfmini.shape_tensor import element_shape

__all__: list[str] = []


class GradGraph(FuncGraph):
    """The graph of a gradient function: tensors of the forward function are captured as well.

    Its inputs stand for the forward node's inputs; what the forward function computed itself becomes
    an `intermediate`.
    """

    def __init__(self, name: str, outer: Graph, forward: FuncGraph, forward_op: Operation, first_input: int):
        super().__init__(name, outer)
        self.forward = forward
        self.arguments = {arg: forward_op._inputs[first_input + i] for i, arg in enumerate(forward.inputs)}
        self.intermediates: dict[Tensor, Tensor] = {}  # tensor of the forward graph -> its stand-in here

    def capture(self, tensor: Tensor) -> Tensor:
        if tensor.graph is not self.forward:
            return super().capture(tensor)
        if _is_small_constant(tensor) or tensor.dtype._is_ref_dtype:
            found = self._copies.get(tensor)
            if found is None:
                self._copies[tensor] = found = self._copy(tensor)
            return found
        if self.keeps_argument(tensor):
            return super().capture(self.arguments[tensor])
        if tensor not in self.intermediates:
            with self.as_default(), self.control_dependencies(None):
                self.intermediates[tensor] = self.stand_in(tensor)
        return self.intermediates[tensor]

    def can_capture(self, graph: Graph) -> bool:
        return graph is self.forward or super().can_capture(graph)

    def keeps_argument(self, tensor: Tensor) -> bool:
        """Has the argument the same value whenever the forward function runs?"""
        return tensor in self.arguments

    def stand_in(self, tensor: Tensor) -> Tensor:
        return self.add_input(tensor.dtype, tensor._dims(), "intermediate")


def _differentiable(t: Tensor) -> bool:
    return t.dtype.is_floating or t.dtype.is_complex or t.dtype.base_dtype == dtypes.variant


def _zeros(t: Tensor) -> Tensor:
    return raw._TensorListZerosLike(t) if t.dtype.base_dtype == dtypes.variant else raw.ZerosLike(t)


def _dense(g: Any) -> Tensor:
    return convert_to_tensor(g)


# --- If ------------------------------------------------------------------------------------------
@gradient("If")
def _if_grad(op: Operation, *grads: Any) -> list[Any]:
    info = recall(op)
    outer = get_default_graph()  # not op.graph: inside another gradient function it is that function's graph
    forwards = [info["then_branch"], info["else_branch"]]
    wanted = [i for i, g in enumerate(grads) if g is not None and _differentiable(op.outputs[i])]
    targets = [k for k, t in enumerate(op._inputs[1:]) if _differentiable(t)]
    if not wanted or not targets:
        return [None] * len(op._inputs)
    graphs = []
    results: list[list[Tensor]] = []
    with outer.as_default():
        dys = [_dense(grads[i]) for i in wanted]
        for name, forward, outputs in zip(("true_grad", "false_grad"), forwards, info["outputs"]):
            g = GradGraph(name, outer, forward, op, 1)
            graphs.append(g)
            with g.as_default():
                ys = [outputs[i] for i in wanted]
                xs = [forward.inputs[k] for k in targets]
                found = _function_gradients(g, ys, xs, [g.capture(dy) for dy in dys])
                results.append([_zeros(g.capture(x)) if d is None else _dense(d) for d, x in zip(found, xs)])
        _return_intermediates(op, info, graphs)
        # The stand-ins of intermediates are captures of the forward node's new outputs.
        inputs = unite_captures(graphs)
        result = outer.create_op(
            "If",
            [[op._inputs[0]], inputs],
            {
                "Tout": [t.dtype.base_dtype.as_datatype_enum for t in results[0]],
                "then_branch": graphs[0].function(results[0]),
                "else_branch": graphs[1].function(results[1]),
                "output_shapes": [common_shape(a, b) for a, b in zip(*results)],
            },
            "If",
        )
    remember(result, then_branch=graphs[0], else_branch=graphs[1], outputs=results)
    out: list[Any] = [None] * len(op._inputs)
    for k, t in zip(targets, result.outputs):
        out[k + 1] = t
    return out


def _function_gradients(graph: GradGraph, ys: list[Tensor], xs: list[Tensor], dys: list[Tensor]) -> list[Any]:
    """Gradients inside a gradient function: the path lies in the forward graph, new nodes in `graph`."""
    return gradients(ys, xs, dys, name="gradients")


def _return_intermediates(op: Operation, info: dict[str, Any], graphs: list[GradGraph]) -> None:
    """Makes the forward If return what its gradient needs; the branch not taken returns something empty."""
    extra: list[tuple[int, Tensor]] = [(b, t) for b, g in enumerate(graphs) for t in g.intermediates]
    if not extra:
        return
    branches = [info["then_branch"], info["else_branch"]]
    outputs = [list(o) for o in info["outputs"]]
    for b, t in extra:
        outputs[b].append(t)
        with branches[1 - b].as_default(), branches[1 - b].control_dependencies(None):
            outputs[1 - b].append(_placeholder_value(t))
    first = len(info["outputs"][0])
    info["outputs"] = outputs
    shapes = [common_shape(a, b) for a, b in zip(*outputs)]
    attrs = {
        "Tout": [t.dtype.base_dtype.as_datatype_enum for t in outputs[0]],
        "then_branch": branches[0].function(outputs[0]),
        "else_branch": branches[1].function(outputs[1]),
        "output_shapes": shapes,
    }
    new = rewrite(op, [[op._inputs[0]], op._inputs[1:]], attrs)
    for (b, t), out in zip(extra, new[first:]):
        graph = graphs[b]
        arg = graph.intermediates[t]
        source = out if out.graph is graph.outer else graph.outer.capture(out)
        graph.captures[source] = arg  # the stand-in is the capture of the new output


def _placeholder_value(t: Tensor) -> Tensor:
    if t.dtype.base_dtype == dtypes.variant:
        return raw.EmptyTensorList(-1, 0, element_dtype=dtypes.float32, shape_type=dtypes.int32)
    if t.dtype.base_dtype == dtypes.string:
        return convert_to_tensor([], dtypes.string)
    return raw.Fill([0], raw.Cast(0, DstT=t.dtype.base_dtype))


def rewrite(op: Operation, inputs: list[list[Tensor]], attrs: dict[str, Any]) -> list[Tensor]:
    """Gives a node new inputs and attributes; returns all its outputs, old Tensor objects kept."""
    types = op.graph._core.rewrite(op._id, [[t._key for t in group] for group in inputs], attrs)
    for i in range(len(op.outputs), len(types)):
        op.outputs.append(Tensor(op, i, dtypes.as_dtype(types[i])))
    op._inputs = [t for group in inputs for t in group]
    return op.outputs


# --- While ---------------------------------------------------------------------------------------
class WhileGradGraph(GradGraph):
    """The body of a backward loop. Arguments that an iteration does not change are read from outside;
    everything else from the forward body comes off a list."""

    def __init__(self, outer: Graph, forward: FuncGraph, forward_op: Operation, outputs: list[Tensor]):
        super().__init__("while_grad", outer, forward, forward_op, 0)
        self._invariant = {arg for arg, out in zip(forward.inputs, outputs) if arg is out}
        self.lists: dict[Tensor, tuple[Tensor, Tensor]] = {}  # forward tensor -> (list in, list out)

    def keeps_argument(self, tensor: Tensor) -> bool:
        return tensor in self._invariant

    def stand_in(self, tensor: Tensor) -> Tensor:
        handle = self.add_input(dtypes.variant, [], "list")
        shape = element_shape(tensor._dims())
        rest, value = raw.TensorListPopBack(handle, shape, element_dtype=tensor.dtype.base_dtype)
        if tensor._dims() is not None:
            value.set_shape(tensor._dims())
        self.lists[tensor] = (handle, rest)
        return value


@gradient("While")
def _while_grad(op: Operation, *grads: Any) -> list[Any]:
    info = recall(op)
    if not info.get("back_prop", True):
        raise ValueError(f"while_loop '{op.name}' was built with back_prop=False and has no gradient")
    outer = get_default_graph()  # see _if_grad
    forward: FuncGraph = info["body"]
    outputs: list[Tensor] = info["outputs"]
    count = len(op._inputs)
    float_vars = [i for i in range(count) if _differentiable(op._inputs[i])]
    # Only variables whose gradients can be non-zero take part: those with an incoming gradient, and
    # whatever those depend on.
    active = _active(outputs, forward, float_vars, {i for i in float_vars if i < len(grads) and grads[i] is not None})
    if not active:
        return [None] * len(op._inputs)
    with outer.as_default():
        body = WhileGradGraph(outer, forward, op, outputs)
        sums = _LoopSums(op, grads, body)
        with body.as_default():
            counter = body.add_input(dtypes.int32, [], "counter")
            changing = [i for i in active if not body.keeps_argument(forward.inputs[i])]
            dys = [sums.add(i) for i in changing]
            ys, xs = [outputs[i] for i in changing], [forward.inputs[i] for i in active]
            found = dict(zip(active, _function_gradients(body, ys, xs, dys) if ys else [None] * len(xs)))
            for i, dy in zip(changing, dys):
                sums.set(dy, _zeros(dy) if found[i] is None else _dense(found[i]))
            for i in active:
                if i not in changing:
                    sums.add_up(i, found[i])
            next_counter = raw.Sub(counter, 1)
        iterations, lists = _record_intermediates(op, info, body)
        start = [iterations, *sums.start, *lists]
        cond = FuncGraph("while_grad_cond", outer)
        with cond.as_default():
            left = cond.add_input(dtypes.int32, [], "counter")
            for t in start[1:]:
                cond.add_input(t.dtype, t._dims(), "unused")
            test = raw.Greater(left, 0)
        # Order of the backward loop's inputs: counter, sums, lists, captures.
        body.inputs = [counter, *sums.args, *[handle for handle, _ in body.lists.values()], *body.captures.values()]
        cond.captures = {}
        captured = unite_captures([cond, body])
        rest = [rest for _, rest in body.lists.values()]
        body_outputs = [next_counter, *sums.results(), *rest, *body.captures.values()]
        values = [*start, *captured]
        shapes = [t._dims() for t in values]
        changes = [o._dims() != v._dims() or not v.shape.is_fully_defined() for o, v in zip(body_outputs, values)]
        merged = [common_shape(o, v) if c else s for o, v, c, s in zip(body_outputs, values, changes, shapes)]
        result = outer.create_op(
            "While",
            [values],
            {
                "cond": cond.function([test]),
                "body": body.function(body_outputs),
                "output_shapes": merged,
                "_changes": changes,
            },
            "While",
        )
        remember(result, cond=cond, body=body, predicate=test, outputs=body_outputs, back_prop=True)
        final = sums.finish(list(result.outputs[1 : 1 + len(sums.args)]))
    return [final.get(i) for i in range(len(op._inputs))]


class _LoopSums:
    """The variables of a backward loop that gradients add up in, and what they come to."""

    def __init__(self, op: Operation, grads: Any, body: WhileGradGraph):
        self.op, self.grads, self.body = op, grads, body
        self.args: list[Tensor] = []
        self.start: list[Tensor] = []
        self._next: dict[Tensor, Tensor] = {}
        self._sums: dict[int, int] = {}  # number of the forward variable -> that of its sum
        self._products: dict[int, tuple[int, JoinedProduct]] = {}
        self._unchanged: list[int] = []

    def _incoming(self, i: int) -> Any:
        return self.grads[i] if i < len(self.grads) else None

    def add(self, i: int) -> Tensor:
        """A variable for the gradient of forward variable i, which starts with that of the loop's result."""
        with self.body.outer.as_default():
            given = self._incoming(i)
            start = _zeros(self.op.outputs[i]) if given is None else _dense(given)
        self._sums[i] = len(self.args)
        self.start.append(start)
        self.args.append(self.body.add_input(start.dtype, start._dims(), f"grad_{i}"))
        return self.args[-1]

    def set(self, arg: Tensor, value: Tensor) -> None:
        self._next[arg] = value if value.graph is self.body else raw.Identity(value)

    def add_up(self, i: int, gradient: Any) -> None:
        """Adds the gradient of an iteration, if any, to that of an argument which all iterations share."""
        if gradient is None:
            self._unchanged.append(i)
            return
        if not is_joinable(gradient, self.body):
            arg = self.add(i)
            self.set(arg, add_gradients([arg, _dense(gradient)]))
            return
        product = JoinedProduct(gradient, self.body)
        self._products[i] = len(self.args), product
        self.args += product.args
        self._next.update(zip(product.args, product.results))
        with self.body.outer.as_default():
            self.start += product.start()

    def results(self) -> list[Tensor]:
        return [self._next[arg] for arg in self.args]

    def finish(self, outputs: list[Tensor]) -> dict[int, Any]:
        """The gradients of forward variables, from the loop's outputs for `args`."""
        final = {i: outputs[k] for i, k in self._sums.items()} | {i: self._incoming(i) for i in self._unchanged}
        for i, (k, product) in self._products.items():
            total = product.finish(outputs[k : k + len(product.args)])
            given = self._incoming(i)
            final[i] = total if given is None else add_gradients([_dense(given), total])
        return final


def _active(outputs: list[Tensor], forward: FuncGraph, float_vars: list[int], start: set[int]) -> list[int]:
    """Loop variables that the gradient of those in `start` reaches."""
    position = {arg: i for i, arg in enumerate(forward.inputs)}
    active, todo = set(), list(start)
    while todo:
        i = todo.pop()
        if i in active:
            continue
        active.add(i)
        seen: set[Operation] = set()
        stack = [outputs[i]]
        while stack:
            t = stack.pop()
            if t in position:
                if position[t] in float_vars:
                    todo.append(position[t])
                continue
            if t.op in seen:
                continue
            seen.add(t.op)
            stack += [x for x in t.op._inputs if _differentiable(x)]
    return sorted(active)


def _record_intermediates(op: Operation, info: dict[str, Any], body: WhileGradGraph) -> tuple[Tensor, list[Tensor]]:
    """Makes the forward loop count its iterations and push what the backward loop pops.

    Returns the number of iterations and the lists, as outputs of the forward node.
    """
    forward: FuncGraph = info["body"]
    cond: FuncGraph = info["cond"]
    outputs = list(info["outputs"])
    inputs = list(op._inputs)
    recorded: dict[Tensor, int] = info.setdefault("recorded", {})  # forward tensor -> output number
    attrs = op.graph._core.attrs(op._id)

    def add(initial: Tensor, dtype: Any) -> Tensor:
        with cond.as_default(), cond.control_dependencies(None):
            cond.add_input(dtype, [], "unused")
        with forward.as_default(), forward.control_dependencies(None):
            arg = forward.add_input(dtype, [], "accumulator")
        inputs.append(initial)
        return arg

    if "counter" not in info:
        with op.graph.as_default(), op.graph.control_dependencies(None):
            arg = add(convert_to_tensor(0), dtypes.int32)
        with forward.as_default(), forward.control_dependencies(None):
            outputs.append(raw.AddV2(arg, 1))
        info["counter"] = len(outputs) - 1
    for t in body.lists:
        if t in recorded:
            continue
        shape = element_shape(t._dims())
        with op.graph.as_default(), op.graph.control_dependencies(None):
            empty = raw.EmptyTensorList(shape, -1, element_dtype=t.dtype.base_dtype, shape_type=dtypes.int32)
            arg = add(empty, dtypes.variant)
        with forward.as_default(), forward.control_dependencies(None):
            outputs.append(raw.TensorListPushBack(arg, t))
        recorded[t] = len(outputs) - 1
    extra = len(outputs) - len(info["outputs"])
    info["outputs"] = outputs
    attrs["cond"] = cond.function([info["predicate"]])
    attrs["body"] = forward.function(outputs)
    attrs["output_shapes"] = [*attrs["output_shapes"], *[[]] * extra]
    attrs["_changes"] = [*attrs["_changes"], *[False] * extra]
    attrs.pop("T", None)
    all_outputs = rewrite(op, [inputs], attrs)
    return all_outputs[info["counter"]], [all_outputs[recorded[t]] for t in body.lists]
