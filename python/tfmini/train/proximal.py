"""Optimizers with proximal steps: gradient descent and Adagrad with exact L1 and L2 regularization."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.graph import Tensor
from tfmini.indexed_slices import IndexedSlices
from tfmini.train.adagrad import make_constant_slot
from tfmini.train.optimizer import Optimizer, as_dtype_of

__all__ = ["ProximalAdagradOptimizer", "ProximalGradientDescentOptimizer"]


class ProximalGradientDescentOptimizer(Optimizer):
    """Forward-backward splitting (Duchi and Singer, 2009): a gradient step, then shrinkage by l1 and l2."""

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength

    def _prepare(self) -> None:
        self._hypers = [
            self._hyper(self._learning_rate, "learning_rate"),
            self._hyper(self._l1, "l1_regularization_strength"),
            self._hyper(self._l2, "l2_regularization_strength"),
        ]

    def _states(self, var: Any) -> list[Any]:
        return [var, *(as_dtype_of(h, var) for h in self._hypers)]

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return raw.ApplyProximalGradientDescent(*self._states(var), grad, use_locking=self._use_locking)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return raw.SparseApplyProximalGradientDescent(
            *self._states(var), grad.values, grad.indices, use_locking=self._use_locking
        )


class ProximalAdagradOptimizer(ProximalGradientDescentOptimizer):
    """The same with Adagrad's rates. Slot: "accumulator"."""

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ):
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(learning_rate, l1_regularization_strength, l2_regularization_strength, use_locking, name)
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list: list[Any]) -> None:
        for v in var_list:
            make_constant_slot(self, v, self._initial_accumulator_value, "accumulator", self._name)

    def _states(self, var: Any) -> list[Any]:
        return [var, self.get_slot(var, "accumulator"), *(as_dtype_of(h, var) for h in self._hypers)]

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return raw.ApplyProximalAdagrad(*self._states(var), grad, use_locking=self._use_locking)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return raw.SparseApplyProximalAdagrad(
            *self._states(var), grad.values, grad.indices, use_locking=self._use_locking
        )
