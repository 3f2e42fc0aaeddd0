"""Optimizer: the base class. Gradients, slots, and the op that applies one step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tfmini import dtypes, raw
from tfmini import graph as graph_lib
from tfmini.autodiff import gradients, not_differentiable
from tfmini.convert import convert_to_tensor_or_indexed_slices
from tfmini.graph import Operation, Tensor, control_dependencies, convert_to_tensor, get_default_graph, name_scope
from tfmini.graph_keys import GraphKeys
from tfmini.indexed_slices import IndexedSlices
from tfmini.ops import constant as constant_op
from tfmini.train import slot_creator
from tfmini.variable_sets import trainable_variables
from tfmini.variables import Variable

__all__ = ["Optimizer", "as_dtype_of", "deduplicate_indexed_slices"]

GradientAndVariable = tuple[Any, Any]

_DENSE = "GradientDescent Momentum Adagrad AdagradV2 RMSProp CenteredRMSProp Adam AdaMax Adadelta Ftrl FtrlV2 PowerSign"
_DENSE += " AddSign ProximalGradientDescent ProximalAdagrad AdagradDA"
_SPARSE = set(_DENSE.split()) - {"GradientDescent", "Adam", "AdaMax", "PowerSign", "AddSign"}
not_differentiable(*(f"Apply{kind}" for kind in _DENSE.split()), *(f"SparseApply{kind}" for kind in sorted(_SPARSE)))
not_differentiable("_SparseApplyAdam", "_SparseApplyGradientDescent")


class Optimizer:
    """Adds to a graph the ops that compute gradients of a loss and apply them to variables.

    A subclass says how one variable is updated: `_apply_dense(grad, var)` and
    `_apply_sparse(grad, var)` return the update op; `_create_slots(var_list)` makes what they keep
    between steps, `_prepare()` the tensors of the hyperparameters, and `_finish(update_ops, name)`
    groups all updates.
    """

    # How much of the gradient computation must be done before any of it is used. Reads of a variable
    # that do not depend on its update come before it in any case, so the first two are the same here.
    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking: bool, name: str):
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots: dict[str, dict[Any, Any]] = {}
        self._non_slots: dict[tuple[str, Any], Any] = {}

    def get_name(self) -> str:
        return self._name

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Operation:
        """The Operation of one step: `compute_gradients`, then `apply_gradients`.

        Raises ValueError if no variable has a gradient.
        """
        pairs = self.compute_gradients(
            loss, var_list, gate_gradients, aggregation_method, colocate_gradients_with_ops, grad_loss
        )
        if all(g is None for g, _ in pairs):
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not support gradients, "
                f"between variables {[str(v) for _, v in pairs]} and loss {loss}."
            )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[GradientAndVariable]:
        """Pairs (gradient of `loss`, variable), by default for all trainable variables.

        A gradient is a Tensor, IndexedSlices, or None where the loss does not depend on the variable.
        Raises TypeError or ValueError for a loss, gradient or variable that is no float tensor.
        """
        if callable(loss) and not isinstance(loss, Tensor):
            raise RuntimeError("`loss` passed to Optimizer.compute_gradients should be a Tensor, not a function")
        if gate_gradients not in (Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH):
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH.  "
                f"Not {gate_gradients}"
            )
        self._assert_valid_dtypes([convert_to_tensor(loss)])
        if grad_loss is not None:
            self._assert_valid_dtypes([convert_to_tensor(grad_loss)])
        variables = trainable_variables() if var_list is None else _flatten(var_list)
        if not variables:
            raise ValueError("No variables to optimize.")
        grads = gradients(
            loss,
            [_target(v) for v in variables],
            grad_ys=grad_loss,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        if gate_gradients == Optimizer.GATE_GRAPH:
            grads = constant_op.tuple(grads)
        pairs = list(zip(grads, variables))
        self._assert_valid_dtypes([v for g, v in pairs if g is not None])
        return pairs

    def apply_gradients(
        self, grads_and_vars: Iterable[GradientAndVariable], global_step: Any = None, name: str | None = None
    ) -> Operation:
        """The Operation that applies these gradients, and then adds 1 to `global_step` if given.

        Pairs whose gradient is None are skipped. Raises ValueError if none is left, TypeError for
        what cannot be a gradient.
        """
        pairs = [(_as_gradient(g), v) for g, v in grads_and_vars]
        if not pairs:
            raise ValueError("No variables provided.")
        for _, v in pairs:
            if not isinstance(v, Variable):
                raise NotImplementedError(f"Trying to update a {type(v).__name__}, not a variable: {v}")
        given = [(g, v) for g, v in pairs if g is not None]
        if not given:
            raise ValueError(f"No gradients provided for any variable: {[str(v) for _, v in pairs]}.")
        with control_dependencies(None):
            self._create_slots([v for _, v in given])
        with name_scope(name, self._name) as scope:
            self._prepare()
            updates = []
            for grad, var in given:
                with name_scope("update_" + var.op.name), graph_lib.colocate_with(var.op):
                    updates.append(self._update(grad, var))
            if global_step is None:
                step: Any = self._finish(updates, scope)
            else:
                with control_dependencies([self._finish(updates, "update")]), graph_lib.colocate_with(global_step.op):
                    one = convert_to_tensor(1, global_step.dtype.base_dtype, name="value")
                    step = raw.AssignAdd(global_step, one, name=scope)
            step = getattr(step, "op", step)
            train_ops = step.graph.get_collection_ref(GraphKeys.TRAIN_OP)
            if step not in train_ops:
                train_ops.append(step)
            return step

    def _update(self, grad: Any, var: Variable) -> Any:
        constraint = var.constraint
        if isinstance(grad, IndexedSlices):
            if constraint is not None:
                raise RuntimeError("Cannot use a constraint function on a sparse variable.")
            return self._apply_sparse_duplicate_indices(grad, var)
        update = self._apply_dense(grad, var)
        if constraint is None:
            return update
        with control_dependencies([update]):
            return var.assign(constraint(var.read_value()))

    # --- slots -----------------------------------------------------------------------------------
    def get_slot(self, var: Any, name: str) -> Any:
        """The slot `name` of a variable; None if there is none (yet: apply_gradients makes them)."""
        return self._slots.get(name, {}).get(var)

    def get_slot_names(self) -> list[str]:
        """The names of all slots, sorted."""
        return sorted(self._slots)

    def variables(self) -> list[Any]:
        """All variables of this optimizer in the current graph: slots, and others such as Adam's powers of beta."""
        found = [*self._non_slots.values(), *(s for slots in self._slots.values() for s in slots.values())]
        graph = get_default_graph()
        return sorted((v for v in found if v.graph is graph), key=lambda v: v.op.name)

    def _slot_dict(self, slot_name: str) -> dict[Any, Any]:
        return self._slots.setdefault(slot_name, {})

    def _get_or_make_slot(self, var: Any, val: Tensor, slot_name: str, op_name: str) -> Any:
        slots = self._slot_dict(slot_name)
        if var not in slots:
            slots[var] = slot_creator.create_slot(var, val, op_name)
        return slots[var]

    def _get_or_make_slot_with_initializer(
        self, var: Any, initializer: Any, shape: Any, dtype: Any, slot_name: str, op_name: str
    ) -> Any:
        slots = self._slot_dict(slot_name)
        if var not in slots:
            slots[var] = slot_creator.create_slot_with_initializer(var, initializer, shape, dtype, op_name)
        return slots[var]

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Any:
        slots = self._slot_dict(slot_name)
        if var not in slots:
            slots[var] = slot_creator.create_zeros_slot(var, op_name)
        return slots[var]

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Any) -> Any:
        """A variable of the optimizer itself, one per graph."""
        key = (name, colocate_with.graph)
        if key not in self._non_slots:
            with graph_lib.colocate_with(colocate_with.op):
                self._non_slots[key] = Variable(initial_value, name=name, trainable=False)
        return self._non_slots[key]

    def _get_non_slot_variable(self, name: str, graph: Any = None) -> Any:
        return self._non_slots.get((name, graph))

    # --- for subclasses ----------------------------------------------------------------------------
    def _valid_dtypes(self) -> set[Any]:
        return {dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64}

    def _assert_valid_dtypes(self, tensors: Iterable[Any]) -> None:
        valid = self._valid_dtypes()
        for t in tensors:
            if t.dtype.base_dtype not in valid:
                names = sorted(d.name for d in valid)
                raise ValueError(f"Invalid type {t.dtype.base_dtype.name} for {t.name}, expected: {names}.")

    def _create_slots(self, var_list: list[Any]) -> None:
        """Makes the slots of these variables that do not exist yet."""

    def _prepare(self) -> None:
        """Makes the tensors of the hyperparameters, inside the optimizer's name scope."""

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        raise NotImplementedError()

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        """`grad` has no index twice."""
        raise NotImplementedError()

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Any:
        """Sums the rows of equal indices first, since one update by a sum is not two updates. Optimizers for which
        it is override this."""
        values, indices = deduplicate_indexed_slices(grad.values, grad.indices)
        return self._apply_sparse(IndexedSlices(values, indices, grad.dense_shape), var)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        """The Operation that stands for all updates."""
        return constant_op.group(*update_ops, name=name_scope)

    def _call_if_callable(self, param: Any) -> Any:
        return param() if callable(param) else param

    def _hyper(self, value: Any, name: str) -> Tensor:
        """A hyperparameter (number, tensor or function) as a tensor."""
        return convert_to_tensor(self._call_if_callable(value), name=name)


def as_dtype_of(value: Tensor, like: Any) -> Tensor:
    """A hyperparameter in the dtype of a variable or gradient."""
    dtype = like.dtype.base_dtype
    return value if value.dtype.base_dtype == dtype else raw.Cast(value, DstT=dtype)


def deduplicate_indexed_slices(values: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    """(sums of the rows of equal indices, the different indices in order of first appearance)."""
    different, position = raw.Unique(indices)
    count = raw.StridedSlice(raw.Shape(different), [0], [1], [1], shrink_axis_mask=1)
    return raw.UnsortedSegmentSum(values, position, count), different


def _flatten(variables: Any) -> list[Any]:
    """All variables of a nested structure, or a single one."""
    if isinstance(variables, dict):
        variables = list(variables.values())
    if isinstance(variables, (str, Variable, Tensor)) or not isinstance(variables, Iterable):
        return [variables]
    return [v for item in variables for v in _flatten(item)]


def _target(v: Any) -> Tensor:
    """What to differentiate with respect to: a variable's reference, from which all its reads come."""
    if isinstance(v, Variable):
        return v._ref()
    if isinstance(v, Tensor):
        return v
    raise TypeError(f"Argument is not a tf.Variable: {v}")


def _as_gradient(g: Any) -> Any:
    if g is None:
        return None
    try:
        return convert_to_tensor_or_indexed_slices(g)
    except TypeError:
        raise TypeError(f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {g}") from None
