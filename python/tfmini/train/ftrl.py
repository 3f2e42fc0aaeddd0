"""FTRL-Proximal."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.graph import Tensor
from tfmini.indexed_slices import IndexedSlices
from tfmini.train.adagrad import make_constant_slot
from tfmini.train.optimizer import Optimizer, as_dtype_of

__all__ = ["FtrlOptimizer"]


class FtrlOptimizer(Optimizer):
    """Follow the regularized leader, for sparse linear models (McMahan et al., 2013).

    Args:
      learning_rate_power: at most 0; -0.5 lets the rate fall with the root of the summed squares.
      initial_accumulator_value: at least 0.
      l1_regularization_strength, l2_regularization_strength: at least 0; l1 makes weights exactly 0.
      accum_name, linear_name: names of the slot variables.
      l2_shrinkage_regularization_strength: at least 0; an L2 penalty on the weights themselves.

    Slots: "accum" and "linear".
    """

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float | None = None,
    ):
        super().__init__(use_locking, name)
        if initial_accumulator_value < 0.0:
            raise ValueError(f"initial_accumulator_value {initial_accumulator_value} needs to be positive or zero")
        if learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power {learning_rate_power} needs to be negative or zero")
        for what, strength in (
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if strength < 0.0:
                raise ValueError(f"{what} {strength} needs to be positive or zero")
        self._learning_rate = learning_rate
        self._learning_rate_power = learning_rate_power
        self._initial_accumulator_value = initial_accumulator_value
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength
        self._l2_shrinkage = l2_shrinkage_regularization_strength
        self._beta = 0.0 if beta is None else beta
        self._accum_name = accum_name
        self._linear_name = linear_name

    def _create_slots(self, var_list: list[Any]) -> None:
        for v in var_list:
            make_constant_slot(self, v, self._initial_accumulator_value, "accum", self._accum_name or self._name)
            self._zeros_slot(v, "linear", self._linear_name or self._name)

    def _prepare(self) -> None:
        rate = self._hyper(self._learning_rate, "learning_rate")
        l1 = self._hyper(self._l1, "l1_regularization_strength")
        l2 = self._hyper(self._l2, "l2_regularization_strength")
        if self._beta:
            # Adds beta / (2 * learning_rate) to l2, which keeps early steps small.
            l2 = raw.AddV2(l2, raw.RealDiv(self._beta, raw.Mul(2.0, rate)))
        self._hypers = [rate, l1, l2]
        if self._l2_shrinkage > 0:
            self._hypers.append(self._hyper(self._l2_shrinkage, "l2_shrinkage_regularization_strength"))
        self._hypers.append(self._hyper(self._learning_rate_power, "learning_rate_power"))

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        apply = raw.ApplyFtrlV2 if self._l2_shrinkage > 0 else raw.ApplyFtrl
        slots = (self.get_slot(var, "accum"), self.get_slot(var, "linear"))
        hypers = (as_dtype_of(h, var) for h in self._hypers)
        return apply(var, *slots, grad, *hypers, use_locking=self._use_locking)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        apply = raw.SparseApplyFtrlV2 if self._l2_shrinkage > 0 else raw.SparseApplyFtrl
        slots = (self.get_slot(var, "accum"), self.get_slot(var, "linear"))
        hypers = (as_dtype_of(h, var) for h in self._hypers)
        return apply(var, *slots, grad.values, grad.indices, *hypers, use_locking=self._use_locking)
