"""Adagrad with dual averaging."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.graph import Tensor, convert_to_tensor
from tfmini.indexed_slices import IndexedSlices
from tfmini.train.adagrad import make_constant_slot
from tfmini.train.optimizer import Optimizer, as_dtype_of

__all__ = ["AdagradDAOptimizer"]


class AdagradDAOptimizer(Optimizer):
    """Adagrad by dual averaging, for sparse linear models (Duchi, Hazan and Singer, 2011).

    Regularizes rows that have not been seen for a while, by `global_step`, when they are next seen.
    Slots: "gradient_accumulator" and "gradient_squared_accumulator".
    """

    def __init__(
        self,
        learning_rate: Any,
        global_step: Any,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ):
        start = initial_gradient_squared_accumulator_value
        if start <= 0.0:
            raise ValueError(f"initial_gradient_squared_accumulator_value must be positive: {start}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._global_step = global_step
        self._start = start
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength

    def _create_slots(self, var_list: list[Any]) -> None:
        for v in var_list:
            self._zeros_slot(v, "gradient_accumulator", self._name)
            make_constant_slot(self, v, self._start, "gradient_squared_accumulator", self._name)

    def _prepare(self) -> None:
        self._hypers = [
            self._hyper(self._learning_rate, "learning_rate"),
            self._hyper(self._l1, "l1_regularization_strength"),
            self._hyper(self._l2, "l2_regularization_strength"),
        ]
        step = convert_to_tensor(self._global_step)
        step = step if step.dtype.base_dtype == dtypes.int64 else raw.Cast(step, DstT=dtypes.int64)
        self._steps = raw.AddV2(step, 1, name="add")  # this one included

    def _slots_of(self, var: Any) -> list[Any]:
        return [self.get_slot(var, "gradient_accumulator"), self.get_slot(var, "gradient_squared_accumulator")]

    def _scalars(self, var: Any) -> list[Tensor]:
        return [*(as_dtype_of(h, var) for h in self._hypers), self._steps]

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return raw.ApplyAdagradDA(var, *self._slots_of(var), grad, *self._scalars(var), use_locking=self._use_locking)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return raw.SparseApplyAdagradDA(
            var, *self._slots_of(var), grad.values, grad.indices, *self._scalars(var), use_locking=self._use_locking
        )
