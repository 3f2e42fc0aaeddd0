"""Adagrad."""

from __future__ import annotations

from typing import Any

from tfmini import init_ops, raw
from tfmini.graph import Tensor
from tfmini.indexed_slices import IndexedSlices
from tfmini.train.optimizer import Optimizer, as_dtype_of

__all__ = ["AdagradOptimizer"]


class AdagradOptimizer(Optimizer):
    """accum += gradient^2; var -= learning_rate * gradient / sqrt(accum) (Duchi, Hazan and Singer, 2011).

    Slot: "accumulator", which starts at `initial_accumulator_value` > 0.
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ):
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list: list[Any]) -> None:
        for v in var_list:
            make_constant_slot(self, v, self._initial_accumulator_value, "accumulator", self._name)

    def _prepare(self) -> None:
        self._learning_rate_tensor = self._hyper(self._learning_rate, "learning_rate")

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        rate = as_dtype_of(self._learning_rate_tensor, var)
        return raw.ApplyAdagrad(var, self.get_slot(var, "accumulator"), rate, grad, use_locking=self._use_locking)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        rate = as_dtype_of(self._learning_rate_tensor, var)
        return raw.SparseApplyAdagrad(
            var, self.get_slot(var, "accumulator"), rate, grad.values, grad.indices, use_locking=self._use_locking
        )


def make_constant_slot(optimizer: Optimizer, var: Any, value: float, slot_name: str, op_name: str) -> None:
    """A slot of the variable's shape that starts as `value` everywhere."""
    dtype = var.dtype.base_dtype
    if var.shape.is_fully_defined():
        start = init_ops.constant_initializer(value, dtype=dtype)
        optimizer._get_or_make_slot_with_initializer(var, start, var.shape, dtype, slot_name, op_name)
    elif optimizer.get_slot(var, slot_name) is None:
        like = raw.Fill(raw.Shape(var.initialized_value()), raw.Cast(value, DstT=dtype))
        optimizer._get_or_make_slot(var, like, slot_name, op_name)
