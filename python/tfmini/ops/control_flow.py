"""Conditionals and loops: `tf.cond`, `tf.case`, `tf.while_loop`.

Both are functional: one node (If, While) that owns the graphs of its branches or of its body. Their
gradients are in control_flow_grad.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfmini import dtypes, nest, raw
from tfmini.aliases import only_one
from tfmini.convert import convert_to_tensor
from tfmini.func_graph import FuncGraph, trace
from tfmini.functions import common_shape, flatten_result, pack_result, remember, unite_captures, value_outputs
from tfmini.graph import Operation, Tensor, control_dependencies, get_default_graph, name_scope
from tfmini.loop_variables import body_result, check_invariants, invariant_shapes, is_plain, loop_value
from tfmini.tensor_shape import TensorShape

__all__ = ["case", "cond", "while_loop", "with_dependencies"]


def with_dependencies(dependencies: Any, output_tensor: Any, name: str | None = None) -> Tensor:
    """`output_tensor`, available only after `dependencies` have run."""
    with control_dependencies(dependencies):
        return raw.Identity(output_tensor, name=name)


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:
    """true_fn() if the boolean scalar `pred` holds, else false_fn(); only one of them runs.

    Both return equal structures of tensors with equal dtypes. What lies outside the functions runs
    in any case. Raises TypeError for a Python bool or functions that are not callable, ValueError
    or TypeError if the results do not match.
    """
    true_fn = only_one("true_fn", true_fn, "fn1", fn1)
    false_fn = only_one("false_fn", false_fn, "fn2", fn2)
    if not callable(true_fn):
        raise TypeError("true_fn must be callable.")
    if not callable(false_fn):
        raise TypeError("false_fn must be callable.")
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    with name_scope(name, "cond", [pred]):
        pred = _predicate(pred, "pred")
        outer = get_default_graph()
        branches = [FuncGraph(part, outer) for part in ("true", "false")]
        results = [_branch(g, fn) for g, fn in zip(branches, (true_fn, false_fn))]
        structure = _common_structure(*[r[0] for r in results])
        flat = [r[1] for r in results]
        _match_dtypes(flat[0], flat[1])
        outputs = [value_outputs(g, tensors) for g, tensors in zip(branches, flat)]  # may capture
        inputs = unite_captures(branches)
        shapes = [common_shape(a, b) for a, b in zip(*outputs)]
        waits = [outer.as_control_input(c) for g in branches for c in g.outer_control_inputs]
        op = outer.create_op(
            "If",
            [[pred], inputs],
            {
                "Tout": [t.dtype.base_dtype.as_datatype_enum for t in outputs[0]],
                "then_branch": branches[0].function(outputs[0]),
                "else_branch": branches[1].function(outputs[1]),
                "output_shapes": shapes,
            },
            "If",
            [w for w in waits if w is not None],
        )
        remember(op, then_branch=branches[0], else_branch=branches[1], outputs=outputs)
        # TensorFlow's results are Merge nodes; names of fetches are the ones that matter.
        merged = [raw.Identity(t, name="Merge") for t in op.outputs]
        for t, shape in zip(merged, shapes):
            t.set_shape(None if shape is None else TensorShape(shape))
        return _pack_results(structure, merged, strict)


def _predicate(x: Any, what: str) -> Tensor:
    """`x` as what a condition must be: a boolean scalar."""
    tensor = convert_to_tensor(x)
    if tensor.dtype.base_dtype != dtypes.bool_:
        raise TypeError(f"{what} must be a bool tensor, got {tensor}")
    if tensor._dims() not in (None, ()):
        raise ValueError(f"{what} must be a scalar, got shape {tensor.shape}")
    return tensor


def _branch(graph: FuncGraph, fn: Callable[[], Any]) -> tuple[Any, list[Tensor]]:
    """The result of a branch and the tensors in it."""

    def run() -> tuple[Any, list[Tensor]]:
        result = fn()
        return result, [_as_tensor(x) for x in flatten_result(result)]

    return trace(graph, run)


def _as_tensor(x: Any) -> Tensor:
    if x is None:
        raise TypeError("true_fn and false_fn must not return None among their results")
    if isinstance(x, Operation):
        # An operation counts as True once it has run.
        with control_dependencies([x]):
            return raw.Identity(convert_to_tensor(True))
    return convert_to_tensor(x)


def _common_structure(a: Any, b: Any) -> Any:
    for what, result in (("true_fn", a), ("false_fn", b)):
        if result is None:
            raise ValueError(f"'{what}' must have a return value; return the operation to run, or tf.no_op()")
    try:
        nest.assert_same_structure(a, b)
    except (ValueError, TypeError) as e:
        raise type(e)(f"Incompatible return values of true_fn and false_fn: {e}") from None
    return a


def _match_dtypes(a: list[Tensor], b: list[Tensor]) -> None:
    if len(a) != len(b):
        raise ValueError(f"true_fn and false_fn must return the same number of tensors: {len(a)} and {len(b)}")
    for x, y in zip(a, b):
        if x.dtype.base_dtype != y.dtype.base_dtype:
            raise ValueError(
                f"Outputs of true_fn and false_fn must have the same type: {x.dtype.base_dtype.name}, {y.dtype.base_dtype.name}"
            )


def _pack_results(structure: Any, tensors: list[Tensor], strict: bool) -> Any:
    packed = pack_result(structure, tensors)
    if not strict and isinstance(packed, (list, tuple)) and len(packed) == 1 and not hasattr(packed, "_fields"):
        return packed[0]
    return packed


def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """The result of the function of the first predicate that holds, else of `default`.

    With `exclusive`, more than one true predicate is an InvalidArgumentError when run.
    """
    pairs = list(pred_fn_pairs.items()) if isinstance(pred_fn_pairs, dict) else list(pred_fn_pairs)
    if not pairs:
        raise ValueError("case needs at least one (predicate, function) pair")
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
            raise TypeError("Each entry of pred_fn_pairs must be a (boolean tensor, function) pair")
    with name_scope(name, "case", [p for p, _ in pairs]):
        preds = [convert_to_tensor(p, dtypes.bool_) for p, _ in pairs]
        fns = [f for _, f in pairs]
        if default is None:
            default = fns.pop()  # as in TensorFlow, one must hold: the last needs no test
            preds.pop()
        if not preds:
            return default()
        if exclusive and len(preds) > 1:
            true_count = raw.Sum(raw.Cast(raw.Pack(preds), DstT=dtypes.int32), 0)
            message = "case(exclusive=True): more than one predicate is true"
            check = raw.Assert(raw.LessEqual(true_count, 1), [message], summarize=3)
            preds = [with_dependencies([check], p) for p in preds]
        result = default
        for p, f in reversed(list(zip(preds, fns))):
            result = _nested(p, f, result, strict)
        return result()


def _nested(pred: Tensor, fn: Callable[[], Any], otherwise: Callable[[], Any], strict: bool) -> Callable[[], Any]:
    return lambda: cond(pred, fn, otherwise, strict=strict)


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """Repeats loop_vars = body(*loop_vars) while cond(*loop_vars) holds; returns the last loop_vars.

    Args:
      loop_vars: (nested) list of tensors, arrays, numbers or TensorArrays.
      shape_invariants: shapes that hold throughout, where an iteration changes a shape.
      maximum_iterations: an integer, or scalar tensor: no more iterations than that.
      parallel_iterations, swap_memory: accepted; iterations run one after another.
      back_prop: False makes the loop not differentiable.

    Raises ValueError if a variable's shape is not invariant or the structure changes, TypeError if a
    dtype changes.
    """
    del swap_memory
    if not callable(cond):
        raise TypeError("cond must be callable.")
    if not callable(body):
        raise TypeError("body must be callable.")
    if not loop_vars:
        raise ValueError("No loop variables provided")
    if parallel_iterations < 1:
        raise TypeError(f"parallel_iterations must be a positive integer, got {parallel_iterations}")
    if not isinstance(loop_vars, (list, tuple)):
        loop_vars = [loop_vars]
        if shape_invariants is not None:
            shape_invariants = [shape_invariants]
    with name_scope(name, "while"):
        counted = maximum_iterations is not None
        if counted:
            limit = _limit(maximum_iterations)
            cond, body = _counted(cond, body, loop_vars, limit)
            loop_vars = (convert_to_tensor(0, limit.dtype, name="iteration_counter"), loop_vars)
            if shape_invariants is not None:
                shape_invariants = (TensorShape([]), shape_invariants)
        outer = get_default_graph()
        values = [loop_value(x) for x in flatten_result(loop_vars)]
        invariants = invariant_shapes(loop_vars, values, shape_invariants)
        cond_graph, body_graph = FuncGraph("cond", outer), FuncGraph("body", outer)

        def traced(graph: FuncGraph, fn: Callable[..., Any]) -> Any:
            with graph.as_default():
                args = [graph.add_input(v.dtype, s, f"arg_{i}") for i, (v, s) in enumerate(zip(values, invariants))]
                return fn(*pack_result(list(loop_vars), args))

        def test(*args: Any) -> Tensor:
            return _predicate(cond(*args), "The result of cond")

        predicate = traced(cond_graph, test)

        def step(*args: Any) -> list[Tensor]:
            return [loop_value(x) for x in flatten_result(body_result(loop_vars, body(*args)))]

        next_values = traced(body_graph, step)
        next_values = value_outputs(body_graph, next_values)
        predicate = value_outputs(cond_graph, [predicate])[0]
        check_invariants(values, next_values, invariants, given=shape_invariants is not None)
        captured = unite_captures([cond_graph, body_graph])
        outputs = next_values + list(body_graph.captures.values())
        # An unknown dimension may differ from one iteration to the next.
        changes = [s is None or None in s or s != v._dims() for s, v in zip(invariants, values)]
        changes += [False] * len(captured)
        shapes = invariants + [t._dims() for t in captured]
        waits = [outer.as_control_input(c) for g in (cond_graph, body_graph) for c in g.outer_control_inputs]
        op = outer.create_op(
            "While",
            [values + captured],
            {
                "cond": cond_graph.function([predicate]),
                "body": body_graph.function(outputs),
                "output_shapes": shapes,
                "_changes": changes,
                "parallel_iterations": parallel_iterations,
            },
            "While",
            [w for w in waits if w is not None],
        )
        remember(op, cond=cond_graph, body=body_graph, predicate=predicate, outputs=outputs, back_prop=back_prop)
        exits = [raw.Identity(t, name="Exit") for t in op.outputs[: len(values)]]
        result = pack_result(list(loop_vars), exits)
        if is_plain(loop_vars):
            result = nest.pack_sequence_as(loop_vars, nest.flatten(result))
        if counted:
            result, exits = result[1], exits[1:]
        return result if return_same_structure or len(exits) > 1 else result[0]


def _counted(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, limit: Tensor
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The functions of a loop that also counts its iterations, up to `limit`: of a number and `loop_vars`."""

    def test(i: Tensor, variables: Any) -> Tensor:
        return raw.LogicalAnd(raw.Less(i, limit), _predicate(cond(*variables), "The result of cond"))

    def step(i: Tensor, variables: Any) -> Any:
        return raw.AddV2(i, convert_to_tensor(1, limit.dtype)), body_result(loop_vars, body(*variables))

    return test, step


def _limit(maximum_iterations: Any) -> Tensor:
    limit = convert_to_tensor(maximum_iterations, name="maximum_iterations")
    if limit.shape.ndims != 0:
        raise ValueError(f"maximum_iterations must be a scalar, saw shape: {limit.shape}")
    if not limit.dtype.is_integer:
        raise TypeError(f"maximum_iterations must be an integer, got {limit.dtype.name}")
    return limit
