"""Convolutions over one or two dimensions, transposed and separable ones."""

from __future__ import annotations

from typing import Any

from tfmini import init_ops, nn, raw, tensor_shape
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor
from tfmini.layers.base import InputSpec, Layer, channels_first, known_channels, padding_name, pair

__all__ = [
    "Conv1D", "Conv2D", "Conv2DTranspose", "SeparableConv2D", "conv1d", "conv2d", "conv2d_transpose",
    "separable_conv2d",
]  # fmt: skip


class _Conv(Layer):
    """What all convolutions share.

    Args:
      filters: number of output channels.
      kernel_size: size of the window, one number or one per spatial dimension.
      strides, dilation_rate: likewise; not both other than 1.
      padding: "valid" or "same".
      data_format: "channels_last" ([batch, height, width, channels]) or "channels_first".
      The rest is as for `Dense`.
    """

    _spatial = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
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
        self.filters = int(filters)
        self.kernel_size = pair(kernel_size, self._spatial, "kernel_size")
        self.strides = pair(strides, self._spatial, "strides")
        self.dilation_rate = pair(dilation_rate, self._spatial, "dilation_rate")
        self.padding = padding_name(padding)
        self._first = channels_first(data_format)
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.kernel: Any = None
        self.bias: Any = None
        self.input_spec = InputSpec(ndim=self._spatial + 2)

    @property
    def _layout(self) -> str:
        return "NCHW" if self._first else "NHWC"

    @property
    def _channel_axis(self) -> int:
        return 1 if self._first else self._spatial + 1

    def _per_dimension(self, sizes: list[int]) -> list[int]:
        return [1, 1, *sizes] if self._first else [1, *sizes, 1]

    def build(self, input_shape: tensor_shape.TensorShape) -> None:
        channels = known_channels(input_shape, self._channel_axis)
        self.input_spec = InputSpec(ndim=self._spatial + 2, axes={self._channel_axis: channels})
        self._make_kernels(channels)
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", [self.filters], initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip

    def _kernel(self, name: str, shape: list[int], initializer: Any = None, regularizer: Any = None) -> Any:
        return self.add_weight(
            name, shape, initializer=initializer, regularizer=regularizer, constraint=self.kernel_constraint
        )

    def _make_kernels(self, channels: int) -> None:
        shape = [*self.kernel_size, channels, self.filters]
        self.kernel = self._kernel("kernel", shape, self.kernel_initializer, self.kernel_regularizer)

    def _convolve(self, inputs: Tensor) -> Tensor:
        return nn.conv2d(
            inputs, self.kernel, strides=self._per_dimension(self.strides), padding=self.padding,
            data_format=self._layout, dilations=self._per_dimension(self.dilation_rate),
        )  # fmt: skip

    def call(self, inputs: Tensor, **_: Any) -> Tensor:
        outputs = self._convolve(inputs)
        if self.use_bias:
            outputs = nn.bias_add(outputs, self.bias, data_format="NCHW" if self._first else "NHWC")
        return outputs if self.activation is None else self.activation(outputs)


class Conv2D(_Conv):
    """A convolution of [batch, height, width, channels]."""


class Conv1D(_Conv):
    """A convolution of [batch, width, channels]."""

    _spatial = 1

    def _convolve(self, inputs: Tensor) -> Tensor:
        return nn.convolution(
            inputs, self.kernel, self.padding, strides=self.strides, dilation_rate=self.dilation_rate,
            data_format="NCW" if self._first else "NWC",
        )  # fmt: skip


class Conv2DTranspose(_Conv):
    """The gradient of a convolution with respect to its input, as a layer: makes images `strides` times larger."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str = "channels_last", *args: Any, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(filters, kernel_size, strides, padding, data_format, 1, *args, **kwargs)

    def _make_kernels(self, channels: int) -> None:
        shape = [*self.kernel_size, self.filters, channels]
        self.kernel = self._kernel("kernel", shape, self.kernel_initializer, self.kernel_regularizer)

    def _out_size(self, size: Any, kernel: int, stride: int) -> Any:
        if size is None:
            return None
        return size * stride + (max(kernel - stride, 0) if self.padding == "VALID" else 0)

    def _convolve(self, inputs: Tensor) -> Tensor:
        known = inputs.shape.as_list()
        dynamic: Any = None
        sizes: list[Any] = list(known)
        for axis, size in enumerate(known):
            if size is None:
                dynamic = raw.Shape(inputs) if dynamic is None else dynamic
                sizes[axis] = raw.StridedSlice(dynamic, [axis], [axis + 1], [1], shrink_axis_mask=1)
        static: list[Any] = list(known)
        start = 2 if self._first else 1
        for i, (kernel, stride) in enumerate(zip(self.kernel_size, self.strides)):
            sizes[start + i] = self._out_size(sizes[start + i], kernel, stride)
            static[start + i] = self._out_size(static[start + i], kernel, stride)
        sizes[self._channel_axis] = static[self._channel_axis] = self.filters
        outputs = nn.conv2d_transpose(
            inputs, self.kernel, convert_to_tensor(sizes, name="stack"), strides=self._per_dimension(self.strides),
            padding=self.padding, data_format=self._layout,
        )  # fmt: skip
        outputs.set_shape(static)
        return outputs


class SeparableConv2D(_Conv):
    """A convolution of each channel by itself, then a 1x1 convolution across channels."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = init_ops.zeros_initializer(),  # noqa: B008
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer=bias_initializer, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = depth_multiplier
        self._initializers = (depthwise_initializer, pointwise_initializer)
        self._regularizers = (depthwise_regularizer, pointwise_regularizer)
        self.depthwise_kernel: Any = None
        self.pointwise_kernel: Any = None

    def _make_kernels(self, channels: int) -> None:
        names = ("depthwise_kernel", "pointwise_kernel")
        shapes = [
            [*self.kernel_size, channels, self.depth_multiplier],
            [1, 1, channels * self.depth_multiplier, self.filters],
        ]
        kernels = map(self._kernel, names, shapes, self._initializers, self._regularizers)
        self.depthwise_kernel, self.pointwise_kernel = kernels

    def _convolve(self, inputs: Tensor) -> Tensor:
        return nn.separable_conv2d(
            inputs, self.depthwise_kernel, self.pointwise_kernel, strides=self._per_dimension(self.strides),
            padding=self.padding, rate=self.dilation_rate, data_format=self._layout,
        )  # fmt: skip


def _applied(layer: Any, inputs: Any, name: str | None, reuse: bool | None, *args: Any, **kwargs: Any) -> Tensor:
    """The output of a new layer of this class, in the variable scope `name`."""
    return layer(*args, name=name, _scope=name, _reuse=reuse, **kwargs).apply(inputs)


def conv2d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = (1, 1),
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
    """See `Conv2D`. `reuse`: share the variables of the layer called `name`."""
    layer = Conv2D(
        filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, kernel_initializer,
        bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
        bias_constraint, trainable, name, _scope=name, _reuse=reuse,
    )  # fmt: skip
    return layer.apply(inputs)


def conv1d(
    inputs: Any, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", *args: Any,
    name: str | None = None, reuse: bool | None = None, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """See `Conv1D`, whose arguments follow."""
    sizes = (filters, kernel_size, strides, padding)
    return _applied(Conv1D, inputs, name, reuse, *sizes, *args, **kwargs)


def conv2d_transpose(
    inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", *args: Any,
    name: str | None = None, reuse: bool | None = None, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """See `Conv2DTranspose`, whose arguments follow."""
    sizes = (filters, kernel_size, strides, padding)
    return _applied(Conv2DTranspose, inputs, name, reuse, *sizes, *args, **kwargs)


def separable_conv2d(
    inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", *args: Any,
    name: str | None = None, reuse: bool | None = None, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """See `SeparableConv2D`, whose arguments follow."""
    sizes = (filters, kernel_size, strides, padding)
    return _applied(SeparableConv2D, inputs, name, reuse, *sizes, *args, **kwargs)
