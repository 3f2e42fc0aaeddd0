"""Dense, Dropout, Flatten."""

from __future__ import annotations

from typing import Any

from tfmini import init_ops, nn, raw, tensor_shape
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor
from tfmini.layers.base import InputSpec, Layer, smart_cond
from tfmini.ops.contraction import tensordot

__all__ = ["Dense", "Dropout", "Flatten", "dense", "dropout", "flatten", "fully_connected"]


class Dense(Layer):
    """activation(inputs * kernel + bias), over the last dimension of the input.

    Args:
      units: size of the last dimension of the output.
      activation: a function of a tensor, or None.
      use_bias: whether there is a bias.
      kernel_initializer, bias_initializer: initializers; the kernel's default is that of the variable scope.
      kernel_regularizer, bias_regularizer, activity_regularizer: functions whose results join REGULARIZATION_LOSSES.
      kernel_constraint, bias_constraint: functions that optimizers apply after each update.
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = init_ops.zeros_initializer(),  # noqa: B008
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **kwargs)
        self.units = int(units)
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.kernel: Any = None
        self.bias: Any = None
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: tensor_shape.TensorShape) -> None:
        size = input_shape.as_list()[-1]
        if size is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.add_weight(
            "kernel", [size, self.units], initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", [self.units], initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip

    def call(self, inputs: Tensor, **_: Any) -> Tensor:
        rank = inputs.shape.ndims
        if rank == 2:
            outputs = raw.MatMul(inputs, self.kernel)
        else:
            outputs = tensordot(inputs, self.kernel, [[rank - 1], [0]])  # type: ignore[operator]
            outputs.set_shape(inputs.shape.as_list()[:-1] + [self.units])
        if self.use_bias:
            outputs = raw.BiasAdd(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


def dense(
    inputs: Any,
    units: int,
    activation: Any = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = init_ops.zeros_initializer(),  # noqa: B008
    kernel_regularizer: Any = None,
    bias_regularizer: Any = None,
    activity_regularizer: Any = None,
    kernel_constraint: Any = None,
    bias_constraint: Any = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
) -> Tensor:
    """activation(inputs * kernel + bias). See `Dense`. `reuse`: share the variables of the layer called `name`."""
    layer = Dense(
        units, activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        activity_regularizer, kernel_constraint, bias_constraint, trainable, name, _scope=name, _reuse=reuse,
    )  # fmt: skip
    return layer.apply(inputs)


fully_connected = dense


class Dropout(Layer):
    """While training, zeroes a fraction `rate` of the input and scales the rest by 1 / (1 - rate).

    `noise_shape`: the shape of the decisions, broadcast to the input's; by default one for each element.
    """

    def __init__(
        self, rate: Any = 0.5, noise_shape: Any = None, seed: Any = None, name: str | None = None, **kwargs: Any
    ):
        super().__init__(name=name, **kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def call(self, inputs: Tensor, training: Any = False, **_: Any) -> Tensor:
        def dropped() -> Tensor:
            return nn.dropout(inputs, noise_shape=self.noise_shape, seed=self.seed, rate=self.rate)

        return smart_cond(training, dropped, lambda: raw.Identity(inputs))


def dropout(
    inputs: Any,
    rate: Any = 0.5,
    noise_shape: Any = None,
    seed: Any = None,
    training: Any = False,
    name: str | None = None,
) -> Tensor:
    """See `Dropout`. `training`: a bool, a bool tensor or a placeholder; nothing is dropped unless it is True."""
    return Dropout(rate, noise_shape, seed, name).apply(inputs, training=training)


class Flatten(Layer):
    """All dimensions but the first in one."""

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._channels_first = data_format == "channels_first"
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor, **_: Any) -> Tensor:
        dims = inputs.shape.as_list()
        if self._channels_first and len(dims) > 2:
            inputs = raw.Transpose(inputs, [0, *range(2, len(dims)), 1])
        batch = dims[0]
        if batch is None:
            shape = raw.Shape(inputs)
            batch = raw.StridedSlice(shape, [0], [1], [1], shrink_axis_mask=1, name="strided_slice")
        outputs = raw.Reshape(inputs, convert_to_tensor([batch, -1], name="Reshape/shape"))
        rest = tensor_shape.TensorShape(dims[1:]).num_elements()
        outputs.set_shape([dims[0], rest])
        return outputs


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Tensor:
    """[batch, a, b, ...] -> [batch, a * b * ...]."""
    return Flatten(name=name, data_format=data_format).apply(inputs)
