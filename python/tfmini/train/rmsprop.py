"""RMSProp."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.graph import Tensor
from tfmini.indexed_slices import IndexedSlices
from tfmini.train.adagrad import make_constant_slot
from tfmini.train.optimizer import Optimizer, as_dtype_of

__all__ = ["RMSPropOptimizer"]


class RMSPropOptimizer(Optimizer):
    """Gradients divided by a running root mean square (Tieleman and Hinton, 2012).

        ms = decay * ms + (1 - decay) * gradient^2
        mom = momentum * mom + learning_rate * gradient / sqrt(ms + epsilon)
        var -= mom

    Slots: "rms", which starts at 1, "momentum", and with `centered`, which divides by the standard
    deviation instead, "mg", the mean gradient.
    """

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered

    def _create_slots(self, var_list: list[Any]) -> None:
        for v in var_list:
            make_constant_slot(self, v, 1.0, "rms", self._name)
            if self._centered:
                self._zeros_slot(v, "mg", self._name)
            self._zeros_slot(v, "momentum", self._name)

    def _prepare(self) -> None:
        self._hypers = [
            self._hyper(self._learning_rate, "learning_rate"),
            self._hyper(self._decay, "decay"),
            self._hyper(self._momentum, "momentum"),
            self._hyper(self._epsilon, "epsilon"),
        ]

    def _states(self, var: Any) -> list[Any]:
        names = ["mg", "rms", "momentum"] if self._centered else ["rms", "momentum"]
        return [var, *(self.get_slot(var, n) for n in names), *(as_dtype_of(h, var) for h in self._hypers)]

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        apply = raw.ApplyCenteredRMSProp if self._centered else raw.ApplyRMSProp
        return apply(*self._states(var), grad, use_locking=self._use_locking)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        apply = raw.SparseApplyCenteredRMSProp if self._centered else raw.SparseApplyRMSProp
        return apply(*self._states(var), grad.values, grad.indices, use_locking=self._use_locking)
