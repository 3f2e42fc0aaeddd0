"""Gradient descent with momentum."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.graph import Tensor
from tfmini.indexed_slices import IndexedSlices
from tfmini.train.optimizer import Optimizer, as_dtype_of

__all__ = ["MomentumOptimizer"]


class MomentumOptimizer(Optimizer):
    """accum = momentum * accum + gradient; var -= learning_rate * accum. Slot: "momentum".

    Args:
      use_nesterov: step along gradient + momentum * accum instead (Sutskever et al., 2013).
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov

    def _create_slots(self, var_list: list[Any]) -> None:
        for v in var_list:
            self._zeros_slot(v, "momentum", self._name)

    def _prepare(self) -> None:
        self._learning_rate_tensor = self._hyper(self._learning_rate, "learning_rate")
        self._momentum_tensor = self._hyper(self._momentum, "momentum")

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return raw.ApplyMomentum(
            var,
            self.get_slot(var, "momentum"),
            as_dtype_of(self._learning_rate_tensor, var),
            grad,
            as_dtype_of(self._momentum_tensor, var),
            use_locking=self._use_locking,
            use_nesterov=self._use_nesterov,
        )

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return raw.SparseApplyMomentum(
            var,
            self.get_slot(var, "momentum"),
            as_dtype_of(self._learning_rate_tensor, var),
            grad.values,
            grad.indices,
            as_dtype_of(self._momentum_tensor, var),
            use_locking=self._use_locking,
            use_nesterov=self._use_nesterov,
        )
