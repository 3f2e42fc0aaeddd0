"""Adam."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.composed import composed
from tfmini.graph import Operation, Tensor, colocate_with, control_dependencies, get_default_graph
from tfmini.indexed_slices import IndexedSlices
from tfmini.ops.constant import group
from tfmini.train.optimizer import Optimizer, as_dtype_of, deduplicate_indexed_slices

__all__ = ["AdamOptimizer"]


class AdamOptimizer(Optimizer):
    """Adaptive moments (Kingma and Ba, 2015).

        rate = learning_rate * sqrt(1 - beta2^t) / (1 - beta1^t)
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient^2
        var -= rate * m / (sqrt(v) + epsilon)

    Slots: "m" and "v"; the powers of beta are variables of the optimizer. Sparse gradients update the
    touched rows by their gradient, but let m and v decay, and m act, everywhere.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ):
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        graph = get_default_graph()
        powers = [self._get_non_slot_variable(name, graph) for name in ("beta1_power", "beta2_power")]
        return powers[0], powers[1]

    def _create_slots(self, var_list: list[Any]) -> None:
        first = min(var_list, key=lambda v: v.name)
        self._create_non_slot_variable(self._call_if_callable(self._beta1), "beta1_power", first)
        self._create_non_slot_variable(self._call_if_callable(self._beta2), "beta2_power", first)
        for v in var_list:
            self._zeros_slot(v, "m", self._name)
            self._zeros_slot(v, "v", self._name)

    def _prepare(self) -> None:
        self._lr_t = self._hyper(self._lr, "learning_rate")
        self._beta1_t = self._hyper(self._beta1, "beta1")
        self._beta2_t = self._hyper(self._beta2, "beta2")
        self._epsilon_t = self._hyper(self._epsilon, "epsilon")

    def _hypers(self, var: Any) -> list[Tensor]:
        powers = (p.value() for p in self._get_beta_accumulators())
        values = (*powers, self._lr_t, self._beta1_t, self._beta2_t, self._epsilon_t)
        return [as_dtype_of(v, var) for v in values]

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        return raw.ApplyAdam(var, m, v, *self._hypers(var), grad, use_locking=self._use_locking)

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Any:
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        hypers = self._hypers(var)
        return raw._SparseApplyAdam(var, m, v, *hypers, grad.values, grad.indices, use_locking=self._use_locking)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        with control_dependencies(update_ops):
            beta1_power, beta2_power = self._get_beta_accumulators()
            with colocate_with(beta1_power.op):
                advanced = [
                    raw.Assign(power, raw.Mul(power.value(), as_dtype_of(beta, power), name="mul"))
                    for power, beta in ((beta1_power, self._beta1_t), (beta2_power, self._beta2_t))
                ]
        return group(*update_ops, *advanced, name=name_scope)


@composed("_SparseApplyAdam")
def _sparse_apply_adam(
    op: Operation, var: Tensor, m: Tensor, v: Tensor, beta1_power: Tensor, beta2_power: Tensor, lr: Tensor,
    beta1: Tensor, beta2: Tensor, epsilon: Tensor, grad: Tensor, indices: Tensor,
) -> list[Tensor]:  # fmt: skip
    """As TensorFlow's AdamOptimizer updates a variable by rows: moments decay everywhere."""
    grad, indices = deduplicate_indexed_slices(grad, indices)
    locking = op.get_attr("use_locking")

    def moment(slot: Tensor, beta: Tensor, addend: Tensor) -> Tensor:
        decayed = raw.Assign(slot, raw.Mul(slot, beta), use_locking=locking)
        with control_dependencies([decayed]):
            return raw.ScatterAdd(slot, indices, raw.Mul(addend, raw.Sub(1.0, beta)), use_locking=locking)

    m, v = moment(m, beta1, grad), moment(v, beta2, raw.Mul(grad, grad))
    rate = raw.Mul(lr, raw.RealDiv(raw.Sqrt(raw.Sub(1.0, beta2_power)), raw.Sub(1.0, beta1_power)))
    step = raw.RealDiv(raw.Mul(rate, m), raw.Add(raw.Sqrt(v), epsilon))
    return [raw.AssignSub(var, step, use_locking=locking)]
