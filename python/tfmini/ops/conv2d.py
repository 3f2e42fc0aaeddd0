"""Convolution of images: conv2d and its transpose, dilated ("atrous"), one-dimensional."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope
from tfmini.windows import attrs_of, data_format_and_name, four, padding_attrs, spatial

__all__ = [
    "atrous_conv2d",
    "atrous_conv2d_transpose",
    "conv1d",
    "conv1d_transpose",
    "conv2d",
    "conv2d_backprop_filter",
    "conv2d_backprop_input",
    "conv2d_transpose",
    "convolution",
    "deconv2d",
]

_WINDOW = ("strides", "use_cudnn_on_gpu", "padding", "explicit_paddings", "data_format", "dilations")


def _either(a: Any, b: Any, old: str, new: str) -> Any:
    """An argument under its old or its new name. Raises ValueError unless exactly one is given."""
    if a is not None and b is not None:
        raise ValueError(f"Cannot specify both '{old}' and '{new}'")
    if a is None and b is None:
        raise ValueError(f"The argument '{old}' is missing")
    return b if a is None else a


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = True,
    data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """out[b, i, j, k] = sum over di, dj, q of input[b, i*s + di*d - pad, j*s + dj*d - pad, q] * filter[di, dj, q, k].

    Args:
      input: [batch, height, width, in_channels], or channels second with data_format "NCHW"; floating point.
      filter: [height, width, in_channels, out_channels]. A filter that takes in_channels / g channels makes
        a convolution in g independent groups.
      strides, dilations: a number, one per spatial dimension, or one per dimension of `input`.
      padding: "SAME" (output size ceil(input / stride), the odd pixel of padding goes after), "VALID"
        (windows inside the input only), or [[0, 0], [top, bottom], [left, right], [0, 0]].
      use_cudnn_on_gpu: accepted and not used.

    Returns [batch, out_height, out_width, out_channels] in the input's dtype and layout. Raises ValueError
    for shapes that do not fit each other.
    """
    filter = _either(filter, filters, "filter", "filters")
    data_format, name = data_format_and_name(data_format, name)
    return raw.Conv2D(
        input,
        filter,
        strides=four(strides, "strides", data_format),
        use_cudnn_on_gpu=use_cudnn_on_gpu is not False,
        data_format=data_format,
        dilations=four(dilations, "dilations", data_format),
        name=name,
        **padding_attrs(padding),
    )


def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any = None,
    out_backprop: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = True,
    data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """Gradient of `conv2d` with respect to its input, whose shape is `input_sizes` (int32 vector)."""
    filter = _either(filter, filters, "filter", "filters")
    data_format, name = data_format_and_name(data_format, name)
    return raw.Conv2DBackpropInput(
        input_sizes,
        filter,
        out_backprop,
        strides=four(strides, "strides", data_format),
        use_cudnn_on_gpu=use_cudnn_on_gpu is not False,
        data_format=data_format,
        dilations=four(dilations, "dilations", data_format),
        name=name,
        **padding_attrs(padding),
    )


def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool | None = True,
    data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """Gradient of `conv2d` with respect to its filter, whose shape is `filter_sizes` (int32 vector)."""
    data_format, name = data_format_and_name(data_format, name)
    return raw.Conv2DBackpropFilter(
        input,
        filter_sizes,
        out_backprop,
        strides=four(strides, "strides", data_format),
        use_cudnn_on_gpu=use_cudnn_on_gpu is not False,
        data_format=data_format,
        dilations=four(dilations, "dilations", data_format),
        name=name,
        **padding_attrs(padding),
    )


def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The transpose ("deconvolution") of `conv2d`: what its gradient does, as a forward operation.

    Args:
      value: [batch, height, width, in_channels] (or NCHW).
      filter: [height, width, output_channels, in_channels].
      output_shape: shape of the result, [batch, out_height, out_width, output_channels]; may hold tensors.
        `conv2d` with these strides and padding must take this shape to that of `value`.

    Returns a tensor of `output_shape`. Raises ValueError for shapes that do not fit each other.
    """
    value = _either(value, input, "value", "input")
    filter = _either(filter, filters, "filter", "filters")
    if output_shape is None:
        raise ValueError("The argument 'output_shape' is missing")
    data_format, name = data_format_and_name(data_format, name)
    with name_scope(name, "conv2d_transpose", [value, filter, output_shape]) as scope:
        return raw.Conv2DBackpropInput(
            _sizes(output_shape),
            filter,
            value,
            strides=four(strides, "strides", data_format),
            data_format=data_format,
            dilations=four(dilations, "dilations", data_format),
            name=scope,
            **padding_attrs(padding),
        )


def deconv2d(
    value: Any, filter: Any, output_shape: Any, strides: Any, padding: Any = "SAME", name: str | None = None
) -> Tensor:
    """The name `conv2d_transpose` had in TensorFlow 0.5."""
    return conv2d_transpose(value, filter, output_shape, strides, padding, name=name)


def _sizes(shape: Any) -> Tensor:
    sizes = convert_to_tensor(shape, name="output_shape")
    return sizes if sizes.dtype.base_dtype == dtypes.int32 else raw.Cast(sizes, DstT=dtypes.int32)


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: Any, name: str | None = None) -> Tensor:
    """`conv2d` with stride 1 whose filter taps lie `rate` pixels apart."""
    return convolution(value, filters, padding, dilation_rate=[rate, rate], name=name)


def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: Any, name: str | None = None
) -> Tensor:
    """The transpose of `atrous_conv2d`; filters are [height, width, output_channels, in_channels]."""
    with name_scope(name, "atrous_conv2d_transpose", [value, filters, output_shape]) as scope:
        return conv2d_transpose(value, filters, output_shape, 1, padding, name=scope, dilations=[1, rate, rate, 1])


def convolution(
    input: Any,
    filter: Any = None,
    padding: Any = None,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Convolution over one or two spatial dimensions, as many as `filter` has.

    input: [batch, spatial..., channels] ("NWC", "NHWC"), or channels second ("NCW", "NCHW"); filter:
    [spatial..., in_channels, out_channels]. Strides and dilation rates are numbers or one per spatial
    dimension; they decide how many there are if neither rank is known. Raises ValueError for another
    number of dimensions.
    """
    filter = _either(filter, filters, "filter", "filters")
    rate = dilation_rate if dilation_rate is not None else dilations
    with name_scope(name, "convolution", [input, filter]) as scope:
        input = convert_to_tensor(input, name="input")
        filter = convert_to_tensor(filter, input.dtype.base_dtype, name="filter")
        rank = filter.shape.ndims or input.shape.ndims or 2 + max(_length(strides), _length(rate), 1)
        if rank not in (3, 4):
            raise ValueError(
                f"convolution takes 1 or 2 spatial dimensions, got input {input.shape} and filter {filter.shape}"
            )
        n = rank - 2
        first = data_format is not None and data_format.startswith("NC")
        strides, rates = spatial(strides, n, "strides", first), spatial(rate, n, "dilation_rate", first)
        if n == 1:
            return _conv1d(input, filter, strides[0], padding, first, rates[0], scope)
        data_format = "NCHW" if first else "NHWC"
        return raw.Conv2D(
            input,
            filter,
            strides=four(strides, "strides", data_format),
            data_format=data_format,
            dilations=four(rates, "dilations", data_format),
            name=scope,
            **padding_attrs(padding),
        )


def _length(values: Any) -> int:
    return len(values) if hasattr(values, "__len__") else 0


def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = None,
    data_format: str | None = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Convolution over time: value [batch, width, in_channels] ("NWC") or [batch, in_channels, width] ("NCW").

    filters: [width, in_channels, out_channels]. Returns [batch, out_width, out_channels] or its NCW form.
    """
    del use_cudnn_on_gpu
    value = _either(value, input, "value", "input")
    data_format, name = data_format_and_name(data_format, name, ("NWC", "NHWC", "NCW", "NCHW"))
    first = data_format.startswith("NC")
    with name_scope(name, "conv1d", [value, filters]) as scope:
        strides, rates = spatial(stride, 1, "stride", first), spatial(dilations, 1, "dilations", first)
        return _conv1d(value, filters, strides[0], padding, first, rates[0], scope)


def _one_row(sizes: list[int], first: bool) -> list[int]:
    """Width alone as an attribute of a two-dimensional convolution over images of height 1."""
    return [1, 1, 1, *sizes] if first else [1, 1, *sizes, 1]


def _one_row_padding(padding: Any, first: bool) -> dict[str, Any]:
    if not isinstance(padding, (str, bytes)) and padding is not None:
        pairs = list(padding)
        if len(pairs) != 3:
            raise ValueError(f"explicit padding must be 3 pairs [before, after], one per dimension, got {padding!r}")
        padding = [*pairs[:2], [0, 0], pairs[2]] if first else [pairs[0], [0, 0], *pairs[1:]]
    return padding_attrs(padding)


def _conv1d(value: Any, filters: Any, stride: int, padding: Any, first: bool, rate: int, scope: str) -> Tensor:
    height = 2 if first else 1
    out = raw.Conv2D(
        raw.ExpandDims(value, height),
        raw.ExpandDims(filters, 0),
        strides=_one_row([stride], first),
        data_format="NCHW" if first else "NHWC",
        dilations=_one_row([rate], first),
        name=scope,
        **_one_row_padding(padding, first),
    )
    return raw.Squeeze(out, squeeze_dims=[height])


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The transpose of `conv1d`: filters [width, output_channels, in_channels], result of `output_shape` (3 values)."""
    data_format, name = data_format_and_name(data_format, name, ("NWC", "NCW"))
    first = data_format == "NCW"
    height = 2 if first else 1
    with name_scope(name, "conv1d_transpose", [input, filters, output_shape]) as scope:
        if isinstance(output_shape, (list, tuple)):
            shape: Any = [*output_shape[:height], 1, *output_shape[height:]]
        else:
            sizes = _sizes(output_shape)
            parts = [raw.Slice(sizes, [0], [height]), [1], raw.Slice(sizes, [height], [-1])]
            shape = raw.ConcatV2(parts, 0)
        out = raw.Conv2DBackpropInput(
            _sizes(shape),
            raw.ExpandDims(filters, 0),
            raw.ExpandDims(input, height),
            strides=_one_row(spatial(strides, 1, "strides", first), first),
            data_format="NCHW" if first else "NHWC",
            dilations=_one_row(spatial(dilations, 1, "dilations", first), first),
            name=scope,
            **_one_row_padding(padding, first),
        )
        return raw.Squeeze(out, squeeze_dims=[height])


@gradient("Conv2D")
def _conv2d_grad(op: Operation, grad: Any) -> list[Any]:
    input, filter = op.inputs
    input_shape, filter_shape = raw.ShapeN([input, filter])
    attrs = attrs_of(op, *_WINDOW)
    return [
        raw.Conv2DBackpropInput(input_shape, filter, grad, **attrs),
        raw.Conv2DBackpropFilter(input, filter_shape, grad, **attrs),
    ]


@gradient("Conv2DBackpropInput")
def _conv2d_backprop_input_grad(op: Operation, grad: Any) -> list[Any]:
    _, filter, out_backprop = op.inputs
    attrs = attrs_of(op, *_WINDOW)
    return [
        None,
        raw.Conv2DBackpropFilter(grad, raw.Shape(filter), out_backprop, **attrs),
        raw.Conv2D(grad, filter, **attrs),
    ]


@gradient("Conv2DBackpropFilter")
def _conv2d_backprop_filter_grad(op: Operation, grad: Any) -> list[Any]:
    input, _, out_backprop = op.inputs
    attrs = attrs_of(op, *_WINDOW)
    return [
        raw.Conv2DBackpropInput(raw.Shape(input), grad, out_backprop, **attrs),
        None,
        raw.Conv2D(input, grad, **attrs),
    ]
