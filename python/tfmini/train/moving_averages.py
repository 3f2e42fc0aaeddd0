"""Moving averages of variables and tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tfmini import dtypes, init_ops, raw
from tfmini.graph import Operation, Tensor, control_dependencies, convert_to_tensor, get_default_graph, name_scope
from tfmini.graph_keys import GraphKeys
from tfmini.ops.constant import group
from tfmini.train import slot_creator
from tfmini.variable_scope import get_variable, get_variable_scope, variable_scope
from tfmini.variable_sets import global_variables, moving_average_variables, trainable_variables
from tfmini.variables import Variable

__all__ = ["ExponentialMovingAverage", "assign_moving_average"]

_FLOATS = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)


def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Tensor:
    """variable = decay * variable + (1 - decay) * value; gives the variable after the change.

    `zero_debias` divides by 1 - decay^updates, so that an average that starts at zero is unbiased
    (Kingma and Ba, 2015); it keeps two more variables, `<variable>/biased` and `<variable>/local_step`.
    """
    with name_scope(name, "AssignMovingAvg", [variable, value, decay]) as scope:
        dtype = variable.dtype.base_dtype
        one = 1.0 if isinstance(decay, Tensor) else None
        rest = raw.Sub(one, decay, name="sub") if one else convert_to_tensor(1.0 - decay, name="decay")
        if rest.dtype.base_dtype != dtype:
            rest = raw.Cast(rest, DstT=dtype)
        value = convert_to_tensor(value, dtype)
        if zero_debias:
            return _debiased(variable, value, rest, scope)
        delta = raw.Mul(raw.Sub(variable, value, name="sub"), rest, name="mul")
        return raw.AssignSub(variable, delta, name=scope)


def _debiased(variable: Any, value: Tensor, rest: Tensor, scope: str) -> Tensor:
    dtype = variable.dtype.base_dtype
    with variable_scope(variable.op.name, values=[variable, value, rest]), control_dependencies(None):
        zeros = init_ops.zeros_initializer()
        biased = get_variable(_unused("biased"), variable.shape, dtype, zeros, trainable=False)
        steps = get_variable(_unused("local_step"), [], dtype, zeros, trainable=False)
    biased_now = raw.AssignSub(biased, raw.Mul(raw.Sub(biased, value, name="sub"), rest, name="mul"))
    steps_now = raw.AssignAdd(steps, 1)
    weight = raw.Sub(1, raw.Pow(raw.Sub(1.0, rest, name="sub"), steps_now), name="sub")
    return raw.Assign(variable, raw.RealDiv(biased_now, weight, name="truediv"), name=scope)


def _unused(name: str) -> str:
    """`name`, or the first of name_1, name_2, ... that no variable of the current scope has."""
    scope = get_variable_scope()
    if scope.reuse:
        return name
    taken = {v.op.name for v in scope.global_variables()}
    unique, i = name, 0
    while f"{scope.name}/{unique}" in taken:
        i += 1
        unique = f"{name}_{i}"
    return unique


class ExponentialMovingAverage:
    """Keeps averages that follow variables or tensors: average = decay * average + (1 - decay) * value.

    Averages of variables start at the variable's initial value, those of tensors at 0.

    Args:
      decay: a number close to 1.
      num_updates: a counter; the decay is then at most (1 + num_updates) / (10 + num_updates).
      zero_debias: unbiased averages for tensors; see `assign_moving_average`.
      name: the averages are called `<variable>/<name>`.
    """

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"
    ):
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Any] = {}

    @property
    def name(self) -> str:
        return self._name

    def apply(self, var_list: Iterable[Any] | None = None) -> Operation:
        """The Operation that updates the averages of these variables or tensors (by default all trainable variables).

        Raises TypeError for what is not floating point.
        """
        followed = trainable_variables() if var_list is None else list(var_list)
        debias = set()
        for v in followed:
            if v.dtype.base_dtype not in _FLOATS:
                raise TypeError(f"The variables must be half, float, or double: {v.name}")
            if v not in self._averages:
                with control_dependencies(None):
                    self._averages[v] = self._make_average(v)
                if self._zero_debias and not isinstance(v, Variable):
                    debias.add(v)
        with name_scope(self._name) as scope:
            decay = self._current_decay()
            updates = [assign_moving_average(self._averages[v], v, decay, zero_debias=v in debias) for v in followed]
            return group(*updates, name=scope)

    def _make_average(self, v: Any) -> Any:
        if not isinstance(v, Variable):
            return slot_creator.create_zeros_slot(v, self._name, colocate_with_primary=False)
        average = slot_creator.create_slot(v, v.initialized_value(), self._name)
        get_default_graph().add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, v)
        return average

    def _current_decay(self) -> Tensor:
        decay = convert_to_tensor(self._decay, name="decay")
        if self._num_updates is None:
            return decay
        n = convert_to_tensor(self._num_updates)
        if n.dtype.base_dtype != dtypes.float32:
            n = raw.Cast(n, DstT=dtypes.float32, name="num_updates")
        warm = raw.RealDiv(raw.AddV2(1.0, n, name="add"), raw.AddV2(10.0, n, name="add"), name="truediv")
        return raw.Minimum(decay, warm)

    def average(self, var: Any) -> Any:
        """The variable that holds the average; None if `var` is not followed."""
        return self._averages.get(var)

    def average_name(self, var: Any) -> str:
        """The name of the average of `var`, under which checkpoints have it, whether it exists or not."""
        if var in self._averages:
            return self._averages[var].op.name
        return get_default_graph().unique_name(f"{var.op.name}/{self._name}", mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables: Iterable[Any] | None = None) -> dict[str, Any]:
        """{name in the checkpoint: variable} that makes `Saver.restore` load averages into the variables.

        `moving_avg_variables`: those to load averages into, by default all that have or are trained.
        """
        if moving_avg_variables is None:
            averaged = dict.fromkeys([*trainable_variables(), *moving_average_variables()])
        else:
            averaged = dict.fromkeys(moving_avg_variables)
        names = {self.average_name(v): v for v in averaged}
        taken = {v.op.name for v in averaged}
        for v in dict.fromkeys([*moving_average_variables(), *global_variables()]):
            if v.op.name not in taken and v.op.name not in names:
                names[v.op.name] = v
        return names
