"""Depthwise convolution (each channel has its own filters) and separable convolution."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope
from tfmini.windows import attrs_of, data_format_and_name, four, padding_attrs

__all__ = [
    "depthwise_conv2d",
    "depthwise_conv2d_native",
    "depthwise_conv2d_native_backprop_filter",
    "depthwise_conv2d_native_backprop_input",
    "separable_conv2d",
]

_WINDOW = ("strides", "padding", "explicit_paddings", "data_format", "dilations")


def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """out[b, i, j, c * m + q] = sum over di, dj of input[b, i*s + di, j*s + dj, c] * filter[di, dj, c, q].

    input [batch, height, width, channels] (or NCHW), filter [height, width, channels, m]; returns
    channels * m channels. Raises ValueError for shapes that do not fit each other.
    """
    data_format, name = data_format_and_name(data_format, name)
    return raw.DepthwiseConv2dNative(
        input,
        filter,
        strides=four(strides, "strides", data_format),
        data_format=data_format,
        dilations=four(dilations, "dilations", data_format),
        name=name,
        **padding_attrs(padding),
    )


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Depthwise convolution; `rate` (or `dilations`) sets its taps that many pixels apart.

    See `depthwise_conv2d_native` for shapes. Raises ValueError if both strides and rates exceed 1.
    """
    data_format, name = data_format_and_name(data_format, name)
    with name_scope(name, "depthwise", [input, filter]) as scope:
        rates = four(rate if rate is not None else dilations, "rate", data_format)
        strides = four(strides, "strides", data_format)
        if max(rates) > 1 and max(strides) > 1:
            raise ValueError(
                f"strides > 1 are not supported together with rate > 1, got strides={strides}, rate={rate}"
            )
        return depthwise_conv2d_native(input, filter, strides, padding, data_format, rates, scope)


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """A depthwise convolution and then a 1x1 convolution, which mixes the channels.

    depthwise_filter [height, width, channels, m], pointwise_filter [1, 1, channels * m, out_channels].
    Raises ValueError for shapes that do not fit each other.
    """
    data_format, name = data_format_and_name(data_format, name)
    with name_scope(name, "separable_conv2d", [input, depthwise_filter, pointwise_filter]) as scope:
        pointwise_filter = convert_to_tensor(pointwise_filter, name="pointwise_filter")
        size = pointwise_filter.shape
        if size.ndims is not None and (size.ndims != 4 or any(n not in (1, None) for n in size.as_list()[:2])):
            raise ValueError(
                f"pointwise_filter must have shape [1, 1, channels, out_channels], got {pointwise_filter.shape}"
            )
        rates = four(rate if rate is not None else dilations, "rate", data_format)
        between = depthwise_conv2d(input, depthwise_filter, strides, padding, rates, "depthwise", data_format)
        return raw.Conv2D(
            between, pointwise_filter, strides=[1, 1, 1, 1], padding="VALID", data_format=data_format, name=scope
        )


def depthwise_conv2d_native_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """Gradient of `depthwise_conv2d_native` with respect to its input, whose shape is `input_sizes`."""
    data_format, name = data_format_and_name(data_format, name)
    return raw.DepthwiseConv2dNativeBackpropInput(
        input_sizes,
        filter,
        out_backprop,
        strides=four(strides, "strides", data_format),
        data_format=data_format,
        dilations=four(dilations, "dilations", data_format),
        name=name,
        **padding_attrs(padding),
    )


def depthwise_conv2d_native_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """Gradient of `depthwise_conv2d_native` with respect to its filter, whose shape is `filter_sizes`."""
    data_format, name = data_format_and_name(data_format, name)
    return raw.DepthwiseConv2dNativeBackpropFilter(
        input,
        filter_sizes,
        out_backprop,
        strides=four(strides, "strides", data_format),
        data_format=data_format,
        dilations=four(dilations, "dilations", data_format),
        name=name,
        **padding_attrs(padding),
    )


@gradient("DepthwiseConv2dNative")
def _depthwise_grad(op: Operation, grad: Any) -> list[Any]:
    input, filter = op.inputs
    attrs = attrs_of(op, *_WINDOW)
    return [
        raw.DepthwiseConv2dNativeBackpropInput(raw.Shape(input), filter, grad, **attrs),
        raw.DepthwiseConv2dNativeBackpropFilter(input, raw.Shape(filter), grad, **attrs),
    ]


@gradient("DepthwiseConv2dNativeBackpropInput")
def _depthwise_backprop_input_grad(op: Operation, grad: Any) -> list[Any]:
    _, filter, out_backprop = op.inputs
    attrs = attrs_of(op, *_WINDOW)
    return [
        None,
        raw.DepthwiseConv2dNativeBackpropFilter(grad, raw.Shape(filter), out_backprop, **attrs),
        raw.DepthwiseConv2dNative(grad, filter, **attrs),
    ]


@gradient("DepthwiseConv2dNativeBackpropFilter")
def _depthwise_backprop_filter_grad(op: Operation, grad: Any) -> list[Any]:
    input, _, out_backprop = op.inputs
    attrs = attrs_of(op, *_WINDOW)
    return [
        raw.DepthwiseConv2dNativeBackpropInput(raw.Shape(input), grad, out_backprop, **attrs),
        None,
        raw.DepthwiseConv2dNative(input, grad, **attrs),
    ]
