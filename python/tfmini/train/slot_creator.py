"""Slots: variables that an optimizer or a moving average keeps beside a variable, named `<variable>/<slot>`."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, init_ops, raw
from tfmini.graph import Tensor, colocate_with
from tfmini.variable_scope import get_variable_scope, no_regularizer, variable_scope

__all__ = ["create_slot", "create_slot_with_initializer", "create_zeros_slot"]


def create_slot(primary: Any, val: Any, name: str, colocate_with_primary: bool = True) -> Any:
    """A variable `<primary>/<name>` (made unique) that starts as the tensor `val`. It is not trained."""
    known = val.shape.is_fully_defined()
    return _make(primary, name, colocate_with_primary, initializer=val, validate_shape=known)


def create_slot_with_initializer(
    primary: Any, initializer: Any, shape: Any, dtype: Any, name: str, colocate_with_primary: bool = True
) -> Any:
    """A variable `<primary>/<name>` that starts as `initializer(shape, dtype)`."""
    known = shape.is_fully_defined()
    return _make(
        primary, name, colocate_with_primary, initializer=initializer, shape=shape, dtype=dtype, validate_shape=known
    )


def create_zeros_slot(primary: Any, name: str, dtype: Any = None, colocate_with_primary: bool = True) -> Any:
    """A variable `<primary>/<name>` of zeros, of the shape of `primary`."""
    dtype = primary.dtype.base_dtype if dtype is None else dtypes.as_dtype(dtype)
    if primary.shape.is_fully_defined():
        return create_slot_with_initializer(
            primary, init_ops.zeros_initializer(), primary.shape, dtype, name, colocate_with_primary
        )
    start = primary.initialized_value() if hasattr(primary, "initialized_value") else primary
    zeros = raw.ZerosLike(start)
    if zeros.dtype.base_dtype != dtype:
        zeros = raw.Cast(zeros, DstT=dtype)
    return create_slot(primary, zeros, name, colocate_with_primary)


def _make(primary: Any, name: str, colocate: bool, **kwargs: Any) -> Any:
    with variable_scope(None, f"{primary.op.name}/{name}"):
        scope = get_variable_scope()
        scope.set_partitioner(None)
        kwargs.update(trainable=False, regularizer=no_regularizer)
        if not colocate:
            return scope.get_variable("", **kwargs)
        with colocate_with(primary if isinstance(primary, Tensor) else primary.op):
            return scope.get_variable("", **kwargs)
