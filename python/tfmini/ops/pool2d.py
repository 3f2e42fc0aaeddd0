"""Max and average pooling of images."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, errors, raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope
from tfmini.windows import attrs_of, data_format_and_name, four, padding_attrs, spatial

__all__ = [
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool_with_argmax",
    "pool",
]

_WINDOW = ("ksize", "strides", "padding", "data_format")


def _image(value: Any, input: Any) -> Any:
    if (value is None) == (input is None):
        raise ValueError("Pass the images to pool as 'value' or as 'input', and not as both")
    return input if value is None else value


def _sizes(ksize: Any, strides: Any, data_format: str) -> dict[str, Any]:
    sizes = {"ksize": four(ksize, "ksize", data_format), "strides": four(strides, "strides", data_format)}
    for what, values in sizes.items():
        if 0 in values:
            raise ValueError(f"`{what}` cannot be zero. Received: {what}={values}")
    return sizes


def max_pool(
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The largest value of each window, per channel.

    Args:
      value: [batch, height, width, channels], or channels second with data_format "NCHW"; any real type.
      ksize, strides: a number, one per spatial dimension, or one per dimension (1 for batch and channels).
      padding: "SAME", "VALID", or [before, after] of each dimension. Padding never wins.

    NaN loses against any number; a window without numbers gives the lowest finite one, as in
    TensorFlow. The gradient goes to the first maximum of a window. Raises ValueError if no window fits.
    """
    data_format, name = data_format_and_name(data_format, name)
    with name_scope(name, "MaxPool", [value]) as scope:
        return raw.MaxPool(
            _image(value, input),
            data_format=data_format,
            name=scope,
            **_sizes(ksize, strides, data_format),
            **padding_attrs(padding),
        )


def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NHWC", name: str | None = None
) -> Tensor:
    """`max_pool` under its later name."""
    return max_pool(input, ksize, strides, padding, data_format, name or "MaxPool2d")


def avg_pool(
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The mean of each window, per channel; padding does not count. Floating point; see `max_pool`."""
    data_format, name = data_format_and_name(data_format, name)
    with name_scope(name, "AvgPool", [value]) as scope:
        return raw.AvgPool(
            _image(value, input),
            data_format=data_format,
            name=scope,
            **_sizes(ksize, strides, data_format),
            **padding_attrs(padding),
        )


def avg_pool2d(
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """`avg_pool` under its later name."""
    return avg_pool(_image(value, input), ksize, strides, padding, data_format, name)


def _pool1d(op: Any, value: Any, ksize: Any, strides: Any, padding: Any, first: bool, scope: str) -> Tensor:
    """Pools [batch, width, channels] (or NCW) as an image of height 1."""
    height = 2 if first else 1
    sizes = {
        what: [1, 1, 1, n] if first else [1, 1, n, 1]
        for what, n in (
            ("ksize", spatial(ksize, 1, "ksize", first)[0]),
            ("strides", spatial(strides, 1, "strides", first)[0]),
        )
    }
    data_format = "NCHW" if first else "NHWC"
    out = op(raw.ExpandDims(value, height), data_format=data_format, name=scope, **sizes, **padding_attrs(padding))
    return raw.Squeeze(out, squeeze_dims=[height])


def max_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NWC", name: str | None = None
) -> Tensor:
    """`max_pool` over time: input [batch, width, channels] ("NWC") or [batch, channels, width] ("NCW")."""
    data_format, name = data_format_and_name(data_format, name, ("NWC", "NCW"))
    with name_scope(name, "MaxPool1d", [input]) as scope:
        return _pool1d(raw.MaxPool, input, ksize, strides, padding, data_format == "NCW", scope)


def avg_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NWC", name: str | None = None
) -> Tensor:
    """`avg_pool` over time: input [batch, width, channels] ("NWC") or [batch, channels, width] ("NCW")."""
    data_format, name = data_format_and_name(data_format, name, ("NWC", "NCW"))
    with name_scope(name, "AvgPool1d", [input]) as scope:
        return _pool1d(raw.AvgPool, input, ksize, strides, padding, data_format == "NCW", scope)


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    Targmax: Any = None,
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> tuple[Tensor, Tensor]:
    """Max pooling of NHWC images that also tells where each maximum is.

    Returns (output, argmax): argmax, of `output_dtype` (int64 or int32), is an index into the flattened
    [height, width, channels] of one image, or into the whole batch with `include_batch_in_index`.
    """
    if data_format != "NHWC":
        raise ValueError(f"Data format for max_pool_with_argmax must be NHWC, got {data_format!r}")
    return raw.MaxPoolWithArgmax(
        input,
        Targmax=Targmax or output_dtype or dtypes.int64,
        include_batch_in_index=include_batch_in_index,
        name=name,
        **_sizes(ksize, strides, data_format),
        **padding_attrs(padding),
    )


def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    padding: Any,
    dilation_rate: Any = None,
    strides: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Pooling over one or two spatial dimensions, by windows of `window_shape`.

    pooling_type: "MAX" or "AVG". Strides default to 1. Raises ValueError for other numbers of
    dimensions, UnimplementedError for dilated windows.
    """
    ops = {"MAX": (raw.MaxPool, "max_pool"), "AVG": (raw.AvgPool, "avg_pool")}
    if pooling_type not in ops:
        raise ValueError(f"pooling_type must be 'MAX' or 'AVG', got {pooling_type!r}")
    op, default = ops[pooling_type]
    n = len(window_shape) if hasattr(window_shape, "__len__") else 1
    if n not in (1, 2):
        raise ValueError(f"pool takes 1 or 2 spatial dimensions, got window_shape {window_shape}")
    first = data_format is not None and data_format.startswith("NC")
    rates = spatial(dilation_rate if dilation_rate is not None else dilations, n, "dilation_rate", first)
    if any(r != 1 for r in rates):
        raise errors.UnimplementedError(None, None, f"pool does not support dilation_rate {rates}")
    with name_scope(name, default, [input]) as scope:
        input = convert_to_tensor(input, name="input")
        if n == 1:
            return _pool1d(op, input, window_shape, strides, padding, first, scope)
        layout = "NCHW" if first else "NHWC"
        return op(
            input,
            data_format=layout,
            name=scope,
            **_sizes(spatial(window_shape, 2, "window_shape"), spatial(strides, 2, "strides"), layout),
            **padding_attrs(padding),
        )


@gradient("MaxPool")
def _max_pool_grad(op: Operation, grad: Any) -> Any:
    attrs = attrs_of(op, *_WINDOW, "explicit_paddings")
    return raw.MaxPoolGrad(op.inputs[0], op.outputs[0], grad, **attrs)


@gradient("MaxPoolGrad")
def _max_pool_grad_grad(op: Operation, grad: Any) -> list[Any]:
    # Which element wins a window does not change with its value: only `grad` has a gradient.
    input, output, _ = op.inputs
    second = raw.MaxPoolGradGrad(input, output, grad, **attrs_of(op, *_WINDOW))
    return [raw.ZerosLike(input), raw.ZerosLike(output), second]


@gradient("MaxPoolGradGrad")
def _max_pool_grad_grad_grad(op: Operation, grad: Any) -> list[Any]:
    input, output, _ = op.inputs
    third = raw.MaxPoolGrad(input, output, grad, **attrs_of(op, *_WINDOW))
    return [raw.ZerosLike(input), raw.ZerosLike(output), third]


@gradient("MaxPoolWithArgmax")
def _max_pool_with_argmax_grad(op: Operation, grad: Any, _: Any) -> Any:
    attrs = attrs_of(op, "ksize", "strides", "padding", "include_batch_in_index")
    return raw.MaxPoolGradWithArgmax(op.inputs[0], grad, op.outputs[1], **attrs)


@gradient("MaxPoolGradWithArgmax")
def _max_pool_grad_with_argmax_grad(op: Operation, grad: Any) -> list[Any]:
    input, pooled_grad, _ = op.inputs
    attrs = attrs_of(op, "ksize", "strides", "padding")
    second = raw.MaxPoolGradGrad(input, raw.ZerosLike(pooled_grad), grad, **attrs)
    return [raw.ZerosLike(input), second, None]


@gradient("AvgPool")
def _avg_pool_grad(op: Operation, grad: Any) -> Any:
    return raw.AvgPoolGrad(raw.Shape(op.inputs[0]), grad, **attrs_of(op, *_WINDOW))


@gradient("AvgPoolGrad")
def _avg_pool_grad_grad(op: Operation, grad: Any) -> list[Any]:
    return [None, raw.AvgPool(grad, **attrs_of(op, *_WINDOW))]
