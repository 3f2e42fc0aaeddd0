"""Functions over many variables: list them, initialize them, check that they are initialized."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfmini import dtypes, raw
from tfmini.convert import convert_to_tensor
from tfmini.graph import Operation, Tensor, control_dependencies, device, get_default_graph, name_scope
from tfmini.graph_keys import GraphKeys
from tfmini.ops import variable as variable_ops

if TYPE_CHECKING:
    from tfmini.variables import Variable

__all__ = [
    "all_variables", "assert_variables_initialized", "global_variables", "global_variables_initializer",
    "initialize_all_variables", "initialize_local_variables", "initialize_variables", "is_variable_initialized",
    "local_variables", "local_variables_initializer", "model_variables", "moving_average_variables",
    "report_uninitialized_variables", "trainable_variables", "variables_initializer",
]  # fmt: skip


def global_variables(scope: str | None = None) -> list[Variable]:
    """The variables of the default graph, except local ones; with `scope`, those whose names match it."""
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


all_variables = global_variables


def local_variables(scope: str | None = None) -> list[Variable]:
    """Variables that are not saved, such as counters of metrics."""
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Variable]:
    """Variables of the collection MODEL_VARIABLES."""
    return get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Variable]:
    """Variables that optimizers change by default."""
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Variable]:
    """Variables of which an ExponentialMovingAverage keeps averages."""
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(var_list: Iterable[Variable], name: str = "init") -> Operation:
    """An Operation that initializes these variables."""
    graph = get_default_graph()
    initializers = [v.initializer for v in var_list]
    if initializers:
        graph = initializers[0].graph
    return graph.create_op("NoOp", [], None, name, control_inputs=initializers)


initialize_variables = variables_initializer


def global_variables_initializer() -> Operation:
    """An Operation that initializes all global variables made so far."""
    return variables_initializer(global_variables())


initialize_all_variables = global_variables_initializer


def local_variables_initializer() -> Operation:
    """An Operation that initializes all local variables made so far."""
    return variables_initializer(local_variables())


initialize_local_variables = local_variables_initializer


def is_variable_initialized(variable: Any) -> Tensor:
    """A bool scalar: does the variable have a value?"""
    return variable_ops.is_variable_initialized(variable)


def report_uninitialized_variables(
    var_list: Iterable[Variable] | None = None, name: str = "report_uninitialized_variables"
) -> Tensor:
    """The names (without ":0") of the variables that have no value, a string vector.

    `var_list`: by default all global and local variables.
    """
    variables = list(global_variables() + local_variables() if var_list is None else var_list)
    with name_scope(name):
        names = np.array([v.op.name for v in variables], dtype=object)
        if not variables:
            return convert_to_tensor(names, dtypes.string, name="Const")
        with device("/cpu:0"):
            missing = raw.LogicalNot(
                raw.Pack([variable_ops.is_variable_initialized(v) for v in variables], name="stack")
            )
            rows = raw.Squeeze(raw.Where(missing), squeeze_dims=[1])
            return raw.GatherV2(convert_to_tensor(names, dtypes.string, name="Const"), rows, 0)


def assert_variables_initialized(var_list: Iterable[Variable] | None = None) -> Tensor | None:
    """An op that fails with FailedPreconditionError if a variable has no value; None if there are no variables."""
    variables = list(global_variables() + local_variables() if var_list is None else var_list)
    if not variables:
        return None
    # Reading is what fails; the ranks make a small result of it, whatever the variables hold.
    with control_dependencies([v.value() for v in variables]):
        return raw.Pack([raw.Rank(v.value()) for v in variables], name="stack")
