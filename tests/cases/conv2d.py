"""Convolutions against sums over taps. Sizes straddle the register tiles (8 pixels x 4 vectors of up to
16 channels); strides, dilations and paddings are odd on purpose."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

TOL = {"float32": 2e-5, "float64": 1e-12, "float16": 8e-3, "bfloat16": 6e-2}


def extent(size, kernel, stride, dilation, padding):
    """(output size, padding before, padding after) of one dimension, as TensorFlow documents them."""
    reach = (kernel - 1) * dilation + 1
    if padding == "SAME":
        out = -(-size // stride)
        pad = max(0, (out - 1) * stride + reach - size)
        return out, pad // 2, pad - pad // 2
    before, after = (0, 0) if padding == "VALID" else padding
    return (size + before + after - reach) // stride + 1, before, after


def taps(x, kernel, strides=(1, 1), dilations=(1, 1), padding="SAME", fill=0.0):
    """[kernel h, kernel w, batch, out h, out w, channels]: what each tap of the window sees in NHWC images."""
    pads = padding if isinstance(padding, str) else None
    h, top, bottom = extent(x.shape[1], kernel[0], strides[0], dilations[0], pads or padding[1])
    w, left, right = extent(x.shape[2], kernel[1], strides[1], dilations[1], pads or padding[2])
    x = np.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)], constant_values=fill)
    out = np.empty((*kernel, x.shape[0], h, w, x.shape[3]))
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            y0, x0 = i * dilations[0], j * dilations[1]
            out[i, j] = x[:, y0 : y0 + (h - 1) * strides[0] + 1, x0 : x0 + (w - 1) * strides[1] + 1][
                :, :: strides[0], :: strides[1]
            ]
    return out


def reference(x, f, strides, dilations, padding, nchw=False):
    x = x.transpose(0, 2, 3, 1) if nchw else x
    groups = x.shape[3] // f.shape[2] if f.shape[2] else 1
    seen = taps(x, f.shape[:2], strides, dilations, padding)
    parts = [np.einsum("ijnhwc,ijco->nhwo", a, b) for a, b in zip(np.split(seen, groups, -1), np.split(f, groups, -1))]
    y = np.concatenate(parts, -1)
    return y.transpose(0, 3, 1, 2) if nchw else y


def transposed(shape, f, grad, strides, dilations, padding, nchw=False):
    """Gradient of sum(conv(x, f) * grad) for x of this shape: the convolution is linear in x."""
    x = np.zeros(shape)
    out = np.zeros(shape)
    for i in np.ndindex(*shape):
        x[i] = 1
        out[i] = np.sum(reference(x, f, strides, dilations, padding, nchw) * grad)
        x[i] = 0
    return out


def filter_gradient(x, shape, grad, strides, dilations, padding, nchw=False):
    f = np.zeros(shape)
    out = np.zeros(shape)
    for i in np.ndindex(*shape):
        f[i] = 1
        out[i] = np.sum(reference(x, f, strides, dilations, padding, nchw) * grad)
        f[i] = 0
    return out


def pair(values, nchw):
    return [1, 1, *values] if nchw else [1, *values, 1]


def conv(name, image, kernel, strides=(1, 1), dilations=(1, 1), padding="SAME", nchw=False, **kwargs):
    """image (batch, height, width, channels), kernel (height, width, in, out); laid out NCHW on request."""
    n, h, w, c = image
    x = rand(n, c, h, w) if nchw else rand(n, h, w, c)
    explicit = [[0, 0], *padding[1:3], [0, 0]] if not isinstance(padding, str) else padding
    given = [explicit[i] for i in (0, 3, 1, 2)] if nchw and not isinstance(explicit, str) else explicit
    attrs = dict(
        strides=pair(strides, nchw),
        dilations=pair(dilations, nchw),
        padding=given,
        data_format="NCHW" if nchw else "NHWC",
    )
    kwargs.setdefault("tol", TOL)
    return Case(
        "conv2d_" + name,
        lambda x, f: tf.nn.conv2d(x, f, **attrs),
        [x, rand(*kernel) / max(1, np.sqrt(np.prod(kernel[:3])))],
        lambda x, f: reference(x, f, strides, dilations, padding, nchw),
        ops=("Conv2D",),
        **kwargs,
    )


def gradients_of(name, image, kernel, strides=(1, 1), dilations=(1, 1), padding="SAME", nchw=False):
    """The two gradient ops as ops of their own, and so their gradients, which are convolutions again."""
    n, h, w, c = image
    shape = (n, c, h, w) if nchw else image
    out = reference(np.zeros(shape), np.zeros(kernel), strides, dilations, padding, nchw).shape
    f, x, grad = rand(*kernel), rand(*shape), rand(*out)
    attrs = dict(
        strides=pair(strides, nchw),
        dilations=pair(dilations, nchw),
        padding=padding,
        data_format="NCHW" if nchw else "NHWC",
    )
    tol = {"float32": 2e-4, "float16": 4e-2, "bfloat16": 2e-1}
    return [
        Case(
            f"conv2d_backprop_input_{name}",
            lambda f, g: tf.nn.conv2d_backprop_input(list(shape), f, g, **attrs),
            [f, grad],
            lambda f, g: transposed(shape, f, g, strides, dilations, padding, nchw),
            ALL_FLOATS,
            tol=tol,
            ops=("Conv2DBackpropInput",),
            second=True,
        ),
        Case(
            f"conv2d_backprop_filter_{name}",
            lambda x, g: tf.nn.conv2d_backprop_filter(x, list(kernel), g, **attrs),
            [x, grad],
            lambda x, g: filter_gradient(x, kernel, g, strides, dilations, padding, nchw),
            ALL_FLOATS,
            tol=tol,
            ops=("Conv2DBackpropFilter",),
            second=True,
        ),
    ]


def one_row(fn):
    """A reference for images of height 1 from one for images, for tensors without height."""
    return lambda x, f: fn(x[:, None], f[None])[:, 0]


def sized(values):
    """A float tensor as int32: a shape only the run knows."""
    return tf.cast(values, tf.int32)


CASES = [
    conv("pointwise_nchw", (3, 5, 7, 13), (1, 1, 13, 19), nchw=True),
    conv("pointwise_strided_nchw", (2, 7, 8, 5), (1, 1, 5, 11), (3, 2), nchw=True),
    conv("pointwise_padded", (2, 4, 5, 3), (1, 1, 3, 4), (2, 1), padding=[[0, 0], [0, 2], [1, 0], [0, 0]]),
    conv("pointwise_one_channel", (2, 5, 7, 1), (1, 1, 1, 1)),
    conv("3x3", (2, 9, 11, 5), (3, 3, 5, 7), dtypes=ALL_FLOATS, second=True),
    conv("same_stride2_odd", (2, 7, 9, 3), (3, 3, 3, 4), strides=(2, 2), second=True),
    conv("same_stride2_even_kernel", (1, 8, 7, 2), (2, 4, 2, 3), strides=(2, 3)),
    conv("valid_stride3", (2, 10, 11, 3), (3, 2, 3, 5), strides=(3, 3), padding="VALID"),
    conv("stride_beyond_kernel", (2, 9, 9, 2), (1, 1, 2, 3), strides=(3, 2)),
    conv("dilated", (1, 11, 12, 3), (3, 3, 3, 4), dilations=(2, 3), second=True),
    conv("dilated_stride", (1, 13, 12, 2), (3, 2, 2, 3), strides=(2, 1), dilations=(2, 2), padding="VALID"),
    conv("explicit", (2, 6, 7, 3), (3, 3, 3, 4), padding=[[0, 0], [1, 2], [3, 0], [0, 0]]),
    conv("explicit_wide", (1, 4, 4, 2), (2, 2, 2, 3), strides=(2, 2), padding=[[0, 0], [4, 3], [5, 5], [0, 0]]),
    conv("empty_batch", (0, 5, 6, 3), (3, 3, 3, 4)),
    conv("no_output_channels", (2, 5, 6, 3), (3, 3, 3, 0)),
    conv("no_channels", (2, 5, 6, 0), (3, 3, 0, 4)),
    conv("no_pixels", (2, 0, 6, 3), (3, 3, 3, 4)),
    conv("1x1", (2, 5, 7, 17), (1, 1, 17, 33)),
    conv("1x1_stride2", (2, 5, 7, 6), (1, 1, 6, 5), strides=(2, 2)),
    conv("single_pixel", (3, 1, 1, 40), (1, 1, 40, 64), padding="VALID"),
    conv("kernel_beyond_image", (2, 3, 2, 3), (7, 9, 3, 4)),
    conv("one_channel_5x5", (2, 14, 14, 1), (5, 5, 1, 32)),
    conv("three_channels_7x7", (1, 21, 20, 3), (7, 7, 3, 16), strides=(2, 2)),
    conv("to_one_channel", (2, 6, 6, 20), (3, 3, 20, 1)),
    conv("vector_tails", (1, 6, 5, 15), (3, 3, 15, 70)),
    conv("many_channels", (2, 4, 5, 130), (3, 3, 130, 129), grad=False, tol={"float32": 5e-5}),
    conv("deep_run", (1, 3, 3, 1100), (1, 2, 1100, 16), grad=False, tol={"float32": 1e-4}),
    conv("wide_rows", (1, 3, 900, 40), (3, 3, 40, 8), grad=False, tol={"float32": 5e-5}),
    conv("many_images", (40, 4, 4, 3), (3, 3, 3, 8)),
    conv("groups", (2, 6, 7, 12), (3, 3, 4, 15), second=True),
    conv("groups_stride2", (2, 7, 7, 6), (3, 3, 2, 6), strides=(2, 2)),
    conv("nchw", (2, 7, 9, 5), (3, 3, 5, 7), nchw=True, dtypes=ALL_FLOATS, second=True),
    conv("nchw_stride2", (2, 8, 9, 17), (3, 3, 17, 20), strides=(2, 2), nchw=True),
    conv("nchw_explicit", (1, 6, 6, 2), (3, 3, 2, 3), padding=[[0, 0], [2, 1], [0, 3], [0, 0]], nchw=True),
    conv("nchw_groups", (2, 5, 6, 4), (3, 3, 2, 6), nchw=True),
    conv(
        "bench_3x3",
        (8, 56, 56, 64),
        (3, 3, 64, 64),
        grad=False,
        dtypes=("float32",),
        tol=1e-4,
        work=(2.0 * 8 * 56 * 56 * 64 * 64 * 9, 4.0 * 2 * 8 * 56 * 56 * 64),
    ),
    conv(
        "bench_5x5_one_channel",
        (32, 28, 28, 1),
        (5, 5, 1, 32),
        grad=False,
        dtypes=("float32",),
        work=(2.0 * 32 * 28 * 28 * 25 * 32, 4.0 * 32 * 28 * 28 * 33),
    ),
    *gradients_of("bundled", (2, 5, 6, 9), (3, 3, 9, 4)),
    *gradients_of("bundled_stride2", (2, 5, 6, 13), (1, 1, 13, 7), strides=(2, 2)),
    *gradients_of("bundled_groups", (1, 4, 5, 20), (3, 2, 10, 4)),
    *gradients_of("bundled_nchw", (2, 5, 4, 9), (3, 3, 9, 2), strides=(2, 1), nchw=True),
    *gradients_of("3x3", (2, 5, 6, 3), (3, 3, 3, 4)),
    *gradients_of("stride2", (2, 5, 6, 2), (3, 2, 2, 3), strides=(2, 2)),
    *gradients_of("stride3_valid", (1, 7, 8, 2), (2, 2, 2, 3), strides=(3, 3), padding="VALID"),
    *gradients_of("dilated", (1, 7, 6, 2), (3, 3, 2, 2), dilations=(2, 1)),
    *gradients_of("one_channel", (3, 6, 6, 1), (3, 3, 1, 5)),
    *gradients_of("nchw", (2, 5, 4, 3), (3, 3, 3, 2), strides=(2, 1), nchw=True),
    *gradients_of("groups", (1, 4, 5, 4), (3, 3, 2, 4)),
    Case(
        "conv2d_filters_that_only_the_run_knows",
        lambda x, f, s: tf.nn.conv2d_backprop_input(sized(s), f, x, [1, 2, 2, 1], "SAME"),
        [rand(2, 3, 4, 5), rand(3, 3, 2, 5), np.array([2.0, 6.0, 7.0, 2.0])],
        lambda x, f, s: transposed((2, 6, 7, 2), f, x, (2, 2), (1, 1), "SAME"),
        grad=(0, 1),
        tol={"float32": 1e-4},
    ),
    Case(
        "conv2d_transpose",
        lambda x, f: tf.nn.conv2d_transpose(x, f, [2, 7, 8, 3], [1, 2, 2, 1]),
        [rand(2, 4, 4, 5), rand(3, 3, 3, 5)],
        lambda x, f: transposed((2, 7, 8, 3), f, x, (2, 2), (1, 1), "SAME"),
        tol={"float32": 1e-4},
        second=True,
    ),
    Case(
        "conv2d_transpose_of_unknown_batch",
        lambda x, f: tf.nn.deconv2d(x, f, tf.stack([tf.shape(x)[0], 4, 4, 2]), [1, 2, 2, 1], "VALID", "up"),
        [rand(3, 2, 2, 3), rand(2, 2, 2, 3)],
        lambda x, f: transposed((3, 4, 4, 2), f, x, (2, 2), (1, 1), "VALID"),
        tol={"float32": 1e-4},
    ),
    Case(
        "atrous_conv2d",
        lambda x, f: tf.nn.atrous_conv2d(x, f, 2, "VALID"),
        [rand(2, 9, 8, 3), rand(3, 3, 3, 2)],
        lambda x, f: reference(x, f, (1, 1), (2, 2), "VALID"),
        tol=TOL,
    ),
    Case(
        "atrous_conv2d_transpose",
        lambda x, f: tf.nn.atrous_conv2d_transpose(x, f, [1, 7, 7, 2], 2, "SAME"),
        [rand(1, 7, 7, 3), rand(3, 3, 2, 3)],
        lambda x, f: transposed((1, 7, 7, 2), f, x, (1, 1), (2, 2), "SAME"),
        tol={"float32": 1e-4},
    ),
    Case(
        "conv1d",
        lambda x, f: tf.nn.conv1d(x, f, 2, "SAME"),
        [rand(2, 9, 3), rand(4, 3, 5)],
        one_row(lambda x, f: reference(x, f, (1, 2), (1, 1), "SAME")),
        tol=TOL,
    ),
    Case(
        "conv1d_ncw",
        lambda x, f: tf.nn.conv1d(x, f, 1, "VALID", data_format="NCW"),
        [rand(2, 3, 9), rand(4, 3, 5)],
        lambda x, f: reference(x[:, :, None], f[None], (1, 1), (1, 1), "VALID", True)[:, :, 0],
        tol=TOL,
    ),
    Case(
        "conv1d_transpose",
        lambda x, f: tf.nn.conv1d_transpose(x, f, [2, 9, 3], 2),
        [rand(2, 5, 4), rand(3, 3, 4)],
        one_row(lambda x, f: transposed((2, 1, 9, 3), f, x, (1, 2), (1, 1), "SAME")),
        tol={"float32": 1e-4},
    ),
    Case(
        "convolution_1d_dilated",
        lambda x, f: tf.nn.convolution(x, f, "SAME", dilation_rate=[2]),
        [rand(2, 9, 3), rand(3, 3, 2)],
        one_row(lambda x, f: reference(x, f, (1, 1), (1, 2), "SAME")),
        tol=TOL,
    ),
    Case(
        "convolution_2d",
        lambda x, f: tf.nn.convolution(x, f, "VALID", strides=[2, 1]),
        [rand(2, 9, 8, 3), rand(3, 2, 3, 2)],
        lambda x, f: reference(x, f, (2, 1), (1, 1), "VALID"),
        tol=TOL,
    ),
]


def image(*shape):
    return tf.placeholder(tf.float32, shape)


def run_with(shape, filter_shape, **kwargs):
    """Shapes that only the run knows."""
    x, f = image(None, None, None, None), image(None, None, None, None)
    y = tf.nn.conv2d(x, f, **{"strides": 1, "padding": "SAME", **kwargs})
    with tf.Session() as sess:
        sess.run(y, {x: np.zeros(shape), f: np.zeros(filter_shape)})


BAD = [
    Bad("channels", lambda: tf.nn.conv2d(image(None, 8, 8, 3), image(3, 3, 2, 4), 1, "SAME"), ValueError, "3 channels"),
    Bad("group_outputs", lambda: tf.nn.conv2d(image(1, 8, 8, 4), image(3, 3, 2, 3), 1, "SAME"), ValueError, "groups"),
    Bad("rank", lambda: tf.nn.conv2d(image(8, 8, 3), image(3, 3, 3, 4), 1, "SAME"), ValueError, "4 dimensions"),
    Bad("filter_rank", lambda: tf.nn.conv2d(image(1, 8, 8, 3), image(3, 3, 4), 1, "SAME"), ValueError, "4 dimensions"),
    Bad(
        "zero_stride",
        lambda: tf.nn.conv2d(image(1, 8, 8, 3), image(3, 3, 3, 4), [1, 0, 1, 1], "SAME"),
        ValueError,
        "strides must be positive",
    ),
    Bad(
        "stride_count",
        lambda: tf.nn.conv2d(image(1, 8, 8, 3), image(3, 3, 3, 4), [1, 1, 1], "SAME"),
        ValueError,
        "length 1, 2 or 4",
    ),
    Bad(
        "batch_stride",
        lambda: tf.nn.conv2d(image(1, 8, 8, 3), image(3, 3, 3, 4), [2, 1, 1, 1], "SAME"),
        tf.errors.UnimplementedError,
        "batch and channels",
    ),
    Bad(
        "zero_dilation",
        lambda: tf.nn.conv2d(image(1, 8, 8, 3), image(3, 3, 3, 4), 1, "SAME", dilations=[1, 0, 1, 1]),
        ValueError,
        "dilations must be positive",
    ),
    Bad("padding", lambda: tf.nn.conv2d(image(1, 8, 8, 3), image(3, 3, 3, 4), 1, "FOO"), ValueError, "(?i)padding"),
    Bad("no_padding", lambda: tf.nn.conv2d(image(1, 8, 8, 3), image(3, 3, 3, 4), 1), ValueError, "padding"),
    Bad(
        "padding_pairs",
        lambda: tf.nn.conv2d(image(1, 8, 8, 3), image(3, 3, 3, 4), 1, [[0, 0], [1, 1]]),
        ValueError,
        "4 pairs",
    ),
    Bad(
        "padded_channels",
        lambda: tf.nn.conv2d(image(1, 8, 8, 3), image(3, 3, 3, 4), 1, [[0, 0], [1, 1], [1, 1], [1, 0]]),
        ValueError,
        "batch and channels",
    ),
    Bad(
        "negative_size",
        lambda: tf.nn.conv2d(image(1, 2, 2, 3), image(3, 3, 3, 4), 1, "VALID"),
        ValueError,
        "negative output size",
    ),
    Bad(
        "data_format",
        lambda: tf.nn.conv2d(image(1, 8, 8, 3), image(3, 3, 3, 4), 1, "SAME", data_format="NWHC"),
        ValueError,
        "data_format",
    ),
    Bad("no_filter", lambda: tf.nn.conv2d(image(1, 8, 8, 3), strides=1, padding="SAME"), ValueError, "filter"),
    Bad(
        "dtype",
        lambda: tf.nn.conv2d(tf.placeholder(tf.int64, [1, 8, 8, 3]), tf.placeholder(tf.int64, [3, 3, 3, 4]), 1, "SAME"),
        TypeError,
        "int64",
    ),
    Bad(
        "mixed_dtypes",
        lambda: tf.nn.conv2d(image(1, 8, 8, 3), tf.placeholder(tf.float64, [3, 3, 3, 4]), 1, "SAME"),
        (TypeError, ValueError),
        "float64",
    ),
    Bad("channels_at_run", lambda: run_with((1, 8, 8, 3), (3, 3, 2, 4)), tf.errors.InvalidArgumentError, "3 channels"),
    Bad(
        "size_at_run",
        lambda: run_with((1, 2, 2, 3), (3, 3, 3, 4), padding="VALID"),
        tf.errors.InvalidArgumentError,
        "negative output size",
    ),
    Bad(
        "transpose_shape",
        lambda: tf.nn.conv2d_transpose(image(2, 8, 8, 3), image(3, 3, 4, 3), [2, 19, 16, 4], [1, 2, 2, 1]),
        ValueError,
        "out_backprop",
    ),
    Bad(
        "transpose_channels",
        lambda: tf.nn.conv2d_transpose(image(2, 8, 8, 3), image(3, 3, 4, 5), [2, 16, 16, 4], 2),
        ValueError,
        "out_backprop",
    ),
    Bad(
        "input_sizes",
        lambda: tf.nn.conv2d_backprop_input([8, 8, 3], image(3, 3, 3, 4), image(1, 8, 8, 4), 1, "SAME"),
        ValueError,
        "input_sizes",
    ),
    Bad(
        "filter_sizes",
        lambda: tf.nn.conv2d_backprop_filter(image(1, 8, 8, 3), [3, 3], image(1, 8, 8, 4), 1, "SAME"),
        ValueError,
        "filter_sizes",
    ),
    Bad(
        "convolution_3d",
        lambda: tf.nn.convolution(image(1, 4, 4, 4, 2), image(2, 2, 2, 2, 3), "SAME"),
        ValueError,
        "1 or 2 spatial",
    ),
]
