"""Batch normalization (Ioffe and Szegedy, 2015), with moving averages for inference."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, init_ops, nn, raw, tensor_shape
from tfmini.convert import constant, convert_to_tensor
from tfmini.graph import Tensor, colocate_with, name_scope
from tfmini.layers.base import InputSpec, Layer, known_bool, known_channels, smart_cond
from tfmini.ops.variable import assign_sub

__all__ = ["BatchNormalization", "batch_norm", "batch_normalization"]


class BatchNormalization(Layer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, per channel.

    While training, mean and variance are those of the batch, and operations that update the moving averages join
    GraphKeys.UPDATE_OPS: make the train op depend on them. Otherwise the moving averages are used.

    Args:
      axis: the dimension of the channels.
      momentum: of the moving averages.
      center, scale: whether there are beta and gamma.
      fused: use the one-pass kernel; by default where it applies (four dimensions, channels last or second).
    """

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = init_ops.zeros_initializer(),  # noqa: B008
        gamma_initializer: Any = init_ops.ones_initializer(),  # noqa: B008
        moving_mean_initializer: Any = init_ops.zeros_initializer(),  # noqa: B008
        moving_variance_initializer: Any = init_ops.ones_initializer(),  # noqa: B008
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        fused: bool | None = None,
        trainable: bool = True,
        virtual_batch_size: int | None = None,
        adjustment: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(trainable, name, **kwargs)
        if renorm or virtual_batch_size is not None or adjustment is not None:
            raise NotImplementedError("batch_normalization: no renorm, virtual_batch_size or adjustment")
        if isinstance(axis, (list, tuple)):
            if len(axis) != 1:
                raise NotImplementedError("batch_normalization: one axis only")
            axis = axis[0]
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self._settings: dict[str, tuple[bool, Any, Any, Any]] = {
            "gamma": (scale, gamma_initializer, gamma_regularizer, gamma_constraint),
            "beta": (center, beta_initializer, beta_regularizer, beta_constraint),
        }
        self._moving_initializers = (moving_mean_initializer, moving_variance_initializer)
        self.fused = fused
        self.gamma: Any = None
        self.beta: Any = None
        self.moving_mean: Any = None
        self.moving_variance: Any = None

    def build(self, input_shape: tensor_shape.TensorShape) -> None:
        if input_shape.ndims is None:
            raise ValueError("Input has undefined rank")
        rank = input_shape.ndims
        axis = self.axis + rank if self.axis < 0 else self.axis
        if not 0 <= axis < rank:
            raise ValueError(f"Invalid axis: {self.axis} for an input of rank {rank}")
        self._axis = axis
        channels = known_channels(input_shape, axis)
        self.input_spec = InputSpec(ndim=rank, axes={axis: channels})
        fusable = rank == 4 and axis in (1, 3)
        if self.fused and not fusable:
            raise ValueError("Batch normalization layers with `fused=True` take 4D inputs with channels last or second")
        self.fused = fusable if self.fused is None else self.fused
        # Statistics of 16-bit inputs are kept in float32.
        dtype = dtypes.float32 if self._dtype in (dtypes.float16, dtypes.bfloat16) else self._dtype
        for name, (wanted, initializer, regularizer, constraint) in self._settings.items():
            if wanted:
                weight = self.add_weight(
                    name, [channels], dtype, initializer, regularizer=regularizer, constraint=constraint
                )
                setattr(self, name, weight)
        mean_initializer, variance_initializer = self._moving_initializers
        self.moving_mean = self.add_weight("moving_mean", [channels], dtype, mean_initializer, trainable=False)
        self.moving_variance = self.add_weight(
            "moving_variance", [channels], dtype, variance_initializer, trainable=False
        )

    def call(self, inputs: Tensor, training: Any = False, **_: Any) -> Tensor:
        outputs, mean, variance = (self._fused if self.fused else self._composed)(inputs, training)
        known = known_bool(training)
        if known is not False:
            momentum = self.momentum if known else smart_cond(training, lambda: constant(self.momentum),
                                                              lambda: constant(1.0))  # fmt: skip
            self.add_update([
                _update_average(self.moving_mean, mean, momentum),
                _update_average(self.moving_variance, variance, momentum),
            ])  # fmt: skip
        return outputs

    def _fused(self, inputs: Tensor, training: Any) -> tuple[Tensor, Tensor, Tensor]:
        channels = self.moving_mean.shape.as_list()
        dtype = self.moving_mean.dtype.base_dtype
        gamma = self.gamma if self.gamma is not None else constant(1.0, dtype, channels)
        beta = self.beta if self.beta is not None else constant(0.0, dtype, channels)
        layout = "NHWC" if self._axis == 3 else "NCHW"

        def train() -> Any:
            return nn.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon, data_format=layout)

        def infer() -> Any:
            return nn.fused_batch_norm(
                inputs, gamma, beta, mean=self.moving_mean, variance=self.moving_variance, epsilon=self.epsilon,
                is_training=False, data_format=layout,
            )  # fmt: skip

        return smart_cond(training, train, infer)

    def _composed(self, inputs: Tensor, training: Any) -> tuple[Tensor, Tensor, Tensor]:
        axes = [i for i in range(inputs.shape.ndims or 0) if i != self._axis]
        mean, variance = self.moving_mean.value(), self.moving_variance.value()
        if known_bool(training) is not False:
            batch_mean, batch_variance = nn.moments(inputs, axes)
            averages = (mean, variance)
            mean = smart_cond(training, lambda: batch_mean, lambda: averages[0])
            variance = smart_cond(training, lambda: batch_variance, lambda: averages[1])

        def spread(vector: Any) -> Any:
            """The vector along the channel axis of the input."""
            if vector is None or self._axis == (inputs.shape.ndims or 0) - 1:
                return vector
            return raw.Reshape(vector, [-1 if i == self._axis else 1 for i in range(inputs.shape.ndims or 0)])

        outputs = nn.batch_normalization(
            inputs, spread(mean), spread(variance), spread(self.beta), spread(self.gamma), self.epsilon
        )
        outputs.set_shape(inputs.shape)
        return outputs, mean, variance


def _update_average(variable: Any, value: Tensor, momentum: Any) -> Tensor:
    """variable -= (variable - value) * (1 - momentum)."""
    with name_scope("AssignMovingAvg") as scope, colocate_with(variable):
        dtype = variable.dtype.base_dtype
        known = isinstance(momentum, (int, float))
        decay = convert_to_tensor(1.0 - momentum, dtype, name="decay") if known else raw.Cast(
            raw.Sub(1.0, momentum), DstT=dtype)  # fmt: skip
        if value.dtype.base_dtype is not dtype:
            value = raw.Cast(value, DstT=dtype)
        return assign_sub(variable, raw.Mul(raw.Sub(variable, value), decay), name=scope)


def batch_normalization(
    inputs: Any,
    axis: int = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = init_ops.zeros_initializer(),  # noqa: B008
    gamma_initializer: Any = init_ops.ones_initializer(),  # noqa: B008
    moving_mean_initializer: Any = init_ops.zeros_initializer(),  # noqa: B008
    moving_variance_initializer: Any = init_ops.ones_initializer(),  # noqa: B008
    beta_regularizer: Any = None,
    gamma_regularizer: Any = None,
    beta_constraint: Any = None,
    gamma_constraint: Any = None,
    training: Any = False,
    trainable: bool = True,
    name: str | None = None,
    reuse: bool | None = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_momentum: float = 0.99,
    fused: bool | None = None,
    virtual_batch_size: int | None = None,
    adjustment: Any = None,
) -> Tensor:
    """See `BatchNormalization`. `training`: a bool, a bool tensor or a placeholder."""
    layer = BatchNormalization(
        axis, momentum, epsilon, center, scale, beta_initializer, gamma_initializer, moving_mean_initializer,
        moving_variance_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint, renorm,
        renorm_clipping, renorm_momentum, fused, trainable, virtual_batch_size, adjustment, name, _scope=name,
        _reuse=reuse,
    )  # fmt: skip
    return layer.apply(inputs, training=training)


batch_norm = batch_normalization
