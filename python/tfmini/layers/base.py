"""`Layer`: variables in a scope of their own, and a function of tensors that uses them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tfmini import dtypes, tensor_shape
from tfmini.constant_value import constant_value
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor, name_scope
from tfmini.graph_keys import GraphKeys, add_to_collection, get_collection
from tfmini.ops.control_flow import cond
from tfmini.variable_scope import VariableScope, get_variable, variable_scope

__all__ = ["InputSpec", "Layer"]


class InputSpec:
    """What a layer expects of its input: a rank, a least rank, sizes of some axes."""

    def __init__(self, ndim: int | None = None, min_ndim: int | None = None, axes: dict[int, int] | None = None):
        self.ndim = ndim
        self.min_ndim = min_ndim
        self.axes = axes or {}

    def check(self, shape: tensor_shape.TensorShape, layer: str) -> None:
        """Raises ValueError if a tensor of this shape does not fit."""
        start, rank = f"Input 0 of layer {layer} is incompatible with the layer: ", shape.ndims
        if rank is None:
            raise ValueError(start + "its rank is undefined, but the layer requires a defined rank.")
        full = f". Full shape received: {shape.as_list()}"
        if self.ndim is not None and rank != self.ndim:
            raise ValueError(f"{start}expected ndim={self.ndim}, found ndim={rank}{full}")
        if self.min_ndim is not None and rank < self.min_ndim:
            raise ValueError(f"{start}expected min_ndim={self.min_ndim}, found ndim={rank}{full}")
        for axis, size in self.axes.items():
            if shape.as_list()[axis] not in (size, None):
                raise ValueError(
                    f"{start}expected axis {axis} of input shape to have value {size} but received input with shape "
                    f"{shape.as_list()}"
                )


class Layer:
    """Base of the classes in `tf.layers`. A subclass defines `build`, which makes variables, and `call`.

    The layer opens a variable scope at its first call, named `name` or, made unique, after its class; later calls
    share the variables.
    """

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        activity_regularizer: Callable[[Any], Any] | None = None,
        _scope: Any = None,
        _reuse: bool | None = None,
    ):
        self.trainable = trainable
        self.built = False
        self.input_spec: InputSpec | None = None
        self._base_name = name or _snake_case(type(self).__name__)
        self._dtype = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
        self._activity_regularizer = activity_regularizer
        self._reuse = _reuse
        self._scope: VariableScope | None = None
        self._variables: list[Any] = []
        self._updates: list[Any] = []
        if _scope:
            with variable_scope(_scope) as scope:
                self._scope = scope

    def build(self, input_shape: tensor_shape.TensorShape) -> None:
        """Makes the variables, once the shape of the input is known."""

    def call(self, inputs: Tensor, **kwargs: Any) -> Any:
        """What the layer computes."""
        return inputs

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        inputs = convert_to_tensor(inputs)
        scope = kwargs.pop("scope", None)
        if self._scope is None:
            # Sharing asks for the very name; otherwise it is made unique.
            named = variable_scope(scope or self._base_name) if self._reuse else variable_scope(scope, self._base_name)
            with named as opened:
                self._scope = opened
        if self._dtype is None:
            self._dtype = inputs.dtype.base_dtype
        with variable_scope(self._scope, reuse=self.built or self._reuse, auxiliary_name_scope=False) as current:
            with name_scope(current.original_name_scope):
                if self.input_spec is not None:
                    self.input_spec.check(inputs.shape, self.name)
                if not self.built:
                    self.build(inputs.shape)
                    self.built = True
                outputs = self.call(inputs, **kwargs)
                if self._activity_regularizer is not None:
                    with name_scope("ActivityRegularizer"):
                        add_to_collection(GraphKeys.REGULARIZATION_LOSSES, self._activity_regularizer(outputs))
                return outputs

    apply = __call__

    def add_weight(
        self,
        name: str,
        shape: Any,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
    ) -> Any:
        """A variable in the layer's scope."""
        variable = get_variable(
            name,
            shape=shape,
            dtype=dtype or self._dtype or dtypes.float32,
            initializer=initializer,
            regularizer=regularizer,
            trainable=trainable and self.trainable,
            constraint=constraint,
        )
        self._variables.append(variable)
        return variable

    add_variable = add_weight

    def add_update(self, updates: Any) -> None:
        """Adds operations to GraphKeys.UPDATE_OPS, to be run along with training."""
        for update in updates if isinstance(updates, (list, tuple)) else [updates]:
            self._updates.append(update)
            add_to_collection(GraphKeys.UPDATE_OPS, update)

    @property
    def name(self) -> str:
        return self._base_name if self._scope is None else self._scope.name.rpartition("/")[2]

    @property
    def scope_name(self) -> str:
        """The name of the variable scope, which exists from the first call on."""
        if self._scope is None:
            raise ValueError(f"The layer '{self._base_name}' has no scope before its first call.")
        return self._scope.name

    @property
    def dtype(self) -> dtypes.DType | None:
        return self._dtype

    @property
    def variables(self) -> list[Any]:
        return list(self._variables)

    weights = variables

    @property
    def trainable_variables(self) -> list[Any]:
        return [v for v in self._variables if v.trainable]

    trainable_weights = trainable_variables

    @property
    def non_trainable_variables(self) -> list[Any]:
        return [v for v in self._variables if not v.trainable]

    non_trainable_weights = non_trainable_variables

    @property
    def updates(self) -> list[Any]:
        return list(self._updates)

    @property
    def losses(self) -> list[Any]:
        """The regularization losses of this layer's variables."""
        return [] if self._scope is None else get_collection(GraphKeys.REGULARIZATION_LOSSES, self._scope.name + "/")

    def count_params(self) -> int:
        """The number of weights."""
        return sum(int(np.prod(v.shape.as_list())) for v in self._variables)


def _snake_case(name: str) -> str:
    """Conv2DTranspose -> conv2d_transpose, as TensorFlow names layers."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def smart_cond(condition: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`cond`, or just the one branch if the condition is known."""
    known = known_bool(condition)
    if known is None:
        return cond(convert_to_tensor(condition), true_fn, false_fn)
    return true_fn() if known else false_fn()


def known_bool(condition: Any) -> bool | None:
    """The value of a condition if it is a Python value or a constant, else None."""
    if isinstance(condition, (bool, int, np.bool_, np.integer)):
        return bool(condition)
    if hasattr(condition, "_ref"):  # a variable
        return None
    value = constant_value(condition)
    return None if value is None else bool(value)


def known_channels(shape: tensor_shape.TensorShape, axis: int) -> int:
    """The size of the channel dimension; ValueError if it is unknown."""
    size = shape.as_list()[axis]
    if size is None:
        raise ValueError(
            "The channel dimension of the inputs should be defined. Found `None`; give placeholders their last size."
        )
    return size


def pair(value: Any, count: int, name: str) -> list[int]:
    """`count` integers, from one or several."""
    values = [value] * count if isinstance(value, (int, np.integer)) else list(value)
    if len(values) != count or not all(isinstance(v, (int, np.integer)) for v in values):
        raise ValueError(f"The `{name}` argument must be a tuple of {count} integers. Received: {value}")
    return [int(v) for v in values]


def channels_first(data_format: str) -> bool:
    """Whether a Keras layout name says so; ValueError if it is none."""
    lowered = str(data_format).lower()
    if lowered not in ("channels_first", "channels_last"):
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {data_format}'
        )
    return lowered == "channels_first"


def padding_name(padding: str) -> str:
    """ "SAME" or "VALID", from any case; ValueError for something else."""
    upper = str(padding).upper()
    if upper not in ("SAME", "VALID"):
        raise ValueError(f'The `padding` argument must be one of "valid", "same". Received: {padding}')
    return upper
