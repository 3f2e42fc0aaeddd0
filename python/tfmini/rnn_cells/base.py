"""What all recurrent cells share: state structures, variables made once and found again."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfmini import dtypes, nest, raw
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor, name_scope
from tfmini.ops.fill import zeros
from tfmini.tensor_shape import Dimension, TensorShape
from tfmini.variable_scope import VariableScope, get_variable, variable_scope

__all__ = ["RNNCell", "check_cell", "dense", "state_shape", "static_size", "zeros_of"]


def static_size(value: Any) -> int | None:
    """A dimension as an int, or None if it is not known."""
    if isinstance(value, Dimension):
        return value.value
    return None if value is None else int(value)


def state_shape(batch: Any, size: Any) -> Any:
    """[batch] + size, where size is an int, a shape, or a tensor: as numbers, or as a tensor where `batch` is one."""
    if isinstance(size, (int, np.integer, Dimension)):
        dims = [static_size(size)]
    else:
        dims = TensorShape(size).as_list()
    if not isinstance(batch, Tensor):
        return [static_size(batch), *dims]
    return raw.Pack([raw.Cast(batch, DstT=dtypes.int32), *(convert_to_tensor(d, dtypes.int32) for d in dims)], axis=0)


def zeros_of(size: Any, batch: Any, dtype: Any) -> Any:
    """Zeros of shape [batch] + size for every size in a nested structure."""

    def one(s: Any) -> Tensor:
        out = zeros(state_shape(batch, s), dtype)
        if isinstance(batch, Tensor):
            out.set_shape(state_shape(None, s))
        return out

    return nest.map_structure(one, size)


def check_cell(name: str, cell: Any) -> None:
    """Raises TypeError unless `cell` behaves like an RNNCell."""
    missing = [a for a in ("output_size", "state_size") if not hasattr(cell, a)]
    if missing or not callable(cell) or isinstance(cell, type):
        raise TypeError(
            f"The argument {name!r} ({cell!r}) is not an RNNCell: "
            + (f"{', '.join(missing)} missing" if missing else "it is not callable")
        )


def dense(inputs: list[Tensor], kernel: Any, bias: Any) -> Tensor:
    """One product of the inputs side by side with the kernel, plus the bias."""
    x = inputs[0] if len(inputs) == 1 else raw.ConcatV2(inputs, 1)
    return raw.BiasAdd(raw.MatMul(x, kernel), bias)


class RNNCell:
    """A recurrent cell: `output, new_state = cell(inputs, state)`.

    inputs: [batch, depth]. state: as state_size says, with [batch] put in front of every shape in it.

    A subclass defines state_size, output_size, call(inputs, state) and, for its variables,
    build(input_shape), which runs before the first call. The variables live in the variable scope of
    that first call, under the cell's name, and every later call uses them again. Subclasses written
    for early TensorFlow, which override __call__ and use tf.get_variable, work too.
    """

    # Class attributes: old subclasses do not call __init__.
    built = False
    trainable = True
    _name: str | None = None
    _dtype: Any = None
    _reuse: Any = None
    _scope: VariableScope | None = None

    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None, **kwargs: Any):
        self._reuse = kwargs.pop("_reuse", None)
        if kwargs:
            raise TypeError(f"{type(self).__name__} got unknown arguments: {', '.join(kwargs)}")
        self.trainable = trainable
        self._name = name
        self._dtype = None if dtype is None else dtypes.as_dtype(dtype)

    # --- to be defined --------------------------------------------------------------------------
    @property
    def state_size(self) -> Any:
        """Size or shape of the state, without the batch: an int, a shape, or a structure of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        raise NotImplementedError("Abstract method")

    def build(self, input_shape: Any) -> None:
        """Makes the variables, with add_variable."""

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        raise NotImplementedError(f"{type(self).__name__} must define call(inputs, state)")

    # --- given ----------------------------------------------------------------------------------
    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        """Runs the cell for one step. `scope` names the variable scope of the first call."""
        with self._in_scope(scope):
            if not self.built:
                first = nest.flatten(inputs)[0]
                if self._dtype is None:
                    self._dtype = convert_to_tensor(first).dtype.base_dtype
                self.build(nest.map_structure(lambda x: convert_to_tensor(x).shape, inputs))
                self.built = True
            return self.call(inputs, state, **kwargs)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The state before the first step. batch_size: an int or a scalar tensor."""
        with name_scope(type(self).__name__ + "ZeroState"):
            return zeros_of(self.state_size, batch_size, dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """zero_state for the batch and dtype of `inputs`, or those given."""
        if inputs is not None:
            inputs = convert_to_tensor(inputs)
            batch_size, dtype = raw.Unpack(raw.Shape(inputs), num=inputs.shape.ndims, axis=0)[0], inputs.dtype
        if batch_size is None or dtype is None:
            raise ValueError("batch_size and dtype are needed unless inputs are given")
        return self.zero_state(batch_size, dtype)

    def add_variable(
        self,
        name: str,
        shape: Any,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
        partitioner: Any = None,
    ) -> Any:
        """A variable of this cell, for use in build. The default initializer is that of the variable scope."""
        variable = get_variable(
            name,
            shape,
            dtype or self._dtype,
            initializer,
            regularizer,
            trainable=trainable and self.trainable,
            partitioner=partitioner,
            constraint=constraint,
        )
        self.__dict__.setdefault("_variables", []).append(variable)
        return variable

    add_weight = add_variable

    @property
    def name(self) -> str:
        return self._name or _snake_case(type(self).__name__)

    @property
    def dtype(self) -> Any:
        return self._dtype

    @property
    def scope_name(self) -> str:
        if self._scope is None:
            raise ValueError(f"No name available for cell {self.name}: it has not been used yet")
        return self._scope.name

    @property
    def variables(self) -> list[Any]:
        """The variables of this cell and of the cells it wraps, in order of creation."""
        own = list(self.__dict__.get("_variables", []))
        return own + [v for cell in self._inner_cells() for v in getattr(cell, "variables", [])]

    weights = variables

    @property
    def trainable_variables(self) -> list[Any]:
        return [v for v in self.variables if getattr(v, "trainable", True)] if self.trainable else []

    trainable_weights = trainable_variables

    def _inner_cells(self) -> list[Any]:
        return []

    @contextlib.contextmanager
    def _in_scope(self, scope: Any) -> Iterator[None]:
        """The cell's variable scope and name scope; the first call decides where they are."""
        if self._scope is None:
            if self._reuse:
                opened = variable_scope(self.name if scope is None else scope)
            else:
                opened = variable_scope(scope, default_name=self.name)
            with opened as captured:
                self._scope = captured
        with (
            variable_scope(self._scope, reuse=self.built or self._reuse, auxiliary_name_scope=False) as current,
            name_scope(current.original_name_scope),
        ):
            yield


def _snake_case(name: str) -> str:
    """BasicLSTMCell -> basic_lstm_cell"""
    name = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    name = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
    return "private" + name if name.startswith("_") else name
