"""Adadelta."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.graph import Tensor
from tfmini.indexed_slices import IndexedSlices
from tfmini.train.optimizer import Optimizer, as_dtype_of

__all__ = ["AdadeltaOptimizer"]


class AdadeltaOptimizer(Optimizer):
    """Steps in proportion to the running root mean square of earlier steps (Zeiler, 2012).

    Slots: "accum" (squared gradients) and "accum_update" (squared steps).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ):
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._rho = rho
        self._epsilon = epsilon

    def _create_slots(self, var_list: list[Any]) -> None:
        for v in var_list:
            self._zeros_slot(v, "accum", self._name)
            self._zeros_slot(v, "accum_update", self._name)

    def _prepare(self) -> None:
        self._hypers = [
            self._hyper(self._lr, "lr"),
            self._hyper(self._rho, "rho"),
            self._hyper(self._epsilon, "epsilon"),
        ]

    def _states(self, var: Any) -> list[Any]:
        slots = (self.get_slot(var, "accum"), self.get_slot(var, "accum_update"))
        return [var, *slots, *(as_dtype_of(h, var) for h in self._hypers)]

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return raw.ApplyAdadelta(*self._states(var), grad, use_locking=self._use_locking)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return raw.SparseApplyAdadelta(*self._states(var), grad.values, grad.indices, use_locking=self._use_locking)
