"""Gradient descent."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.graph import Tensor
from tfmini.indexed_slices import IndexedSlices
from tfmini.train.optimizer import Optimizer, as_dtype_of

__all__ = ["GradientDescentOptimizer"]


class GradientDescentOptimizer(Optimizer):
    """var -= learning_rate * gradient.

    Args:
      learning_rate: a number, a scalar tensor, or a function that returns one.
    """

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def _prepare(self) -> None:
        self._learning_rate_tensor = self._hyper(self._learning_rate, "learning_rate")

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        rate = as_dtype_of(self._learning_rate_tensor, var)
        return raw.ApplyGradientDescent(var, rate, grad, use_locking=self._use_locking)

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Any:
        # Rows that occur twice are subtracted twice, which is what their sum means.
        delta = raw.Mul(grad.values, as_dtype_of(self._learning_rate_tensor, var), name="mul")
        return raw.ScatterSub(var, grad.indices, delta, use_locking=self._use_locking)
