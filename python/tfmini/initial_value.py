"""Where and from what variables are made: the scope they are created in, initial values that read other variables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tfmini.graph import Operation, Tensor, get_default_graph
from tfmini.graph_keys import GraphKeys

_VARIABLE_OPS = ("VariableV2", "Variable")


def creation_scope() -> Any:
    """Outside of control dependencies, and of the bodies of cond and while_loop; the name scope stays."""
    graph = get_default_graph()
    return _outermost(graph) if graph.building_function else graph.control_dependencies(None)


@contextlib.contextmanager
def _outermost(graph: Any) -> Iterator[None]:
    scope = graph.get_name_scope()
    while graph.building_function:
        graph = graph.outer
    with graph.as_default(), graph.control_dependencies(None), graph.name_scope(scope + "/" if scope else None):
        yield


def guard_uninitialized(initial_value: Tensor, variable_name: str) -> Tensor:
    """`initial_value`, reading other variables through `initialized_value`.

    Lets one variable start from another although all initializers run in the same step, in no order. The copies of
    nodes this needs are named as TensorFlow names them, after the original and the variable.
    """
    above = _ops_above(initial_value.op)
    if not any(op.type in _VARIABLE_OPS for op in above):
        return initial_value
    graph = initial_value.graph
    variables = {
        v.op: v for key in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES) for v in graph.get_collection(key)
    }
    replaced: dict[Operation, Operation] = {}
    for op in sorted(above, key=lambda op: op._id):  # creation order: inputs come first
        if op in variables:
            replaced[op] = variables[op].initialized_value().op
        elif any(t.op in replaced for t in op._inputs):
            inputs = [replaced[t.op].outputs[t.value_index] if t.op in replaced else t for t in op._inputs]
            replaced[op] = copy_operation(op, inputs, f"{op.name}_{variable_name}")
    op = replaced.get(initial_value.op, initial_value.op)
    return op.outputs[initial_value.value_index]


def _ops_above(op: Operation) -> set[Operation]:
    seen, stack = {op}, [op]
    while stack:
        op = stack.pop()
        if op.type != "IsVariableInitialized":  # asks about a variable without reading it
            fresh = {t.op for t in op._inputs} - seen
            seen |= fresh
            stack += fresh
    return seen


def copy_operation(op: Operation, inputs: list[Tensor], name: str) -> Operation:
    """A node like `op` with other inputs."""
    groups: list[list[Tensor]] = []
    rest = list(inputs)
    attrs = op.graph._core.attrs(op._id)
    for argument in op.op_def["inputs"]:
        count = 1
        if argument["number_attr"]:
            count = attrs[argument["number_attr"]]
        elif argument["type_list_attr"]:
            count = len(attrs[argument["type_list_attr"]])
        groups.append([rest.pop(0) for _ in range(count)])
    with op.graph.name_scope(None):
        return op.graph.create_op(op.type, groups, attrs, name, op.control_inputs)
