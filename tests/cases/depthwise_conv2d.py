"""Depthwise convolutions against sums over taps."""

import numpy as np

import tfmini as tf
from tests.cases.conv2d import TOL, taps
from tests.cases.table import ALL_FLOATS, Bad, Case, rand


def reference(x, f, strides, dilations, padding, nchw=False):
    x = x.transpose(0, 2, 3, 1) if nchw else x
    y = np.einsum("ijnhwc,ijcq->nhwcq", taps(x, f.shape[:2], strides, dilations, padding), f)
    y = y.reshape(*y.shape[:3], y.shape[3] * y.shape[4])
    return y.transpose(0, 3, 1, 2) if nchw else y


def linear_gradient(fn, shape, grad):
    """Gradient of sum(fn(x) * grad) for x of this shape, fn being linear."""
    x, out = np.zeros(shape), np.zeros(shape)
    for i in np.ndindex(*shape):
        x[i] = 1
        out[i] = np.sum(fn(x) * grad)
        x[i] = 0
    return out


def pair(values, nchw):
    return [1, 1, *values] if nchw else [1, *values, 1]


def rows(name, image, kernel, strides=(1, 1), dilations=(1, 1), padding="SAME", nchw=False, gradients=True, **kwargs):
    """image (batch, height, width, channels), kernel (height, width, channels, multiplier)."""
    n, h, w, c = image
    shape = (n, c, h, w) if nchw else image
    x, f = rand(*shape), rand(*kernel)
    window = (strides, dilations, padding, nchw)
    grad = rand(*reference(x, f, *window).shape)
    attrs = dict(
        strides=pair(strides, nchw),
        dilations=pair(dilations, nchw),
        padding=padding if isinstance(padding, str) else [[0, 0], *padding[1:3], [0, 0]],
        data_format="NCHW" if nchw else "NHWC",
    )
    out = [
        Case(
            "depthwise_" + name,
            lambda x, f: tf.nn.depthwise_conv2d_native(x, f, **attrs),
            [x, f],
            lambda x, f: reference(x, f, *window),
            ops=("DepthwiseConv2dNative",),
            **{"tol": {**TOL, "float16": 2e-2, "bfloat16": 2e-1}, "second": gradients, **kwargs},
        )
    ]
    if gradients:
        tol = {"float32": 2e-4, "float16": 4e-2, "bfloat16": 3e-1}
        out += [
            Case(
                f"depthwise_{name}_backprop_input",
                lambda f, g: tf.nn.depthwise_conv2d_native_backprop_input(list(shape), f, g, **attrs),
                [f, grad],
                lambda f, g: linear_gradient(lambda x: reference(x, f, *window), shape, g),
                ALL_FLOATS,
                ops=("DepthwiseConv2dNativeBackpropInput",),
                tol=tol,
                second=True,
            ),
            Case(
                f"depthwise_{name}_backprop_filter",
                lambda x, g: tf.nn.depthwise_conv2d_native_backprop_filter(x, list(kernel), g, **attrs),
                [x, grad],
                lambda x, g: linear_gradient(lambda f: reference(x, f, *window), kernel, g),
                ALL_FLOATS,
                ops=("DepthwiseConv2dNativeBackpropFilter",),
                tol=tol,
                second=True,
            ),
        ]
    return out


CASES = [
    *rows("3x3", (2, 6, 7, 3), (3, 3, 3, 1), dtypes=ALL_FLOATS),
    *rows("multiplier", (1, 5, 6, 3), (3, 2, 3, 2), dtypes=ALL_FLOATS),
    *rows("stride2_odd", (1, 7, 6, 2), (3, 3, 2, 1), strides=(2, 2)),
    *rows("stride2_multiplier", (1, 5, 6, 2), (3, 3, 2, 3), strides=(2, 2), padding="VALID"),
    *rows("stride_beyond_kernel", (1, 7, 7, 2), (1, 2, 2, 2), strides=(3, 3)),
    *rows("dilated", (1, 7, 8, 2), (3, 3, 2, 1), dilations=(2, 2)),
    *rows("nchw", (2, 5, 4, 3), (3, 3, 3, 2), nchw=True),
    *rows("explicit", (1, 4, 5, 2), (3, 3, 2, 1), padding=[[0, 0], [2, 1], [0, 3], [0, 0]]),
    *rows("one_channel", (2, 6, 6, 1), (5, 5, 1, 1)),
    *rows("empty_batch", (0, 5, 6, 3), (3, 3, 3, 2)),
    *rows("vector_tail", (2, 9, 10, 35), (3, 3, 35, 1), gradients=False),
    *rows("kernel_beyond_image", (1, 3, 2, 17), (5, 7, 17, 2), gradients=False),
    *rows("strips", (2, 19, 23, 67), (3, 3, 67, 1), strides=(2, 1), gradients=False),
    *rows("bands_multiplier", (1, 37, 9, 5), (3, 3, 5, 3), gradients=False),
    *rows("tall", (1, 90, 41, 40), (3, 3, 40, 1), gradients=False, grad=False),
    *rows(
        "bench",
        (1, 112, 112, 32),
        (3, 3, 32, 1),
        gradients=False,
        grad=False,
        dtypes=("float32",),
        work=(2.0 * 112 * 112 * 32 * 9, 4.0 * 2 * 112 * 112 * 32),
    ),
    Case(
        "depthwise_conv2d_rate",
        lambda x, f: tf.nn.depthwise_conv2d(x, f, [1, 1, 1, 1], "VALID", rate=[2, 3]),
        [rand(2, 8, 9, 3), rand(3, 2, 3, 2)],
        lambda x, f: reference(x, f, (1, 1), (2, 3), "VALID"),
        tol=TOL,
    ),
    Case(
        "separable_conv2d",
        lambda x, d, p: tf.nn.separable_conv2d(x, d, p, [1, 2, 2, 1], "SAME"),
        [rand(2, 7, 6, 3), rand(3, 3, 3, 2), rand(1, 1, 6, 4)],
        lambda x, d, p: reference(x, d, (2, 2), (1, 1), "SAME") @ p[0, 0],
        tol={"float32": 1e-4},
        second=True,
    ),
]


def image(*shape):
    return tf.placeholder(tf.float32, shape)


BAD = [
    Bad(
        "depthwise_channels",
        lambda: tf.nn.depthwise_conv2d(image(1, 8, 8, 3), image(3, 3, 2, 1), 1, "SAME"),
        ValueError,
        "3 channels",
    ),
    Bad(
        "depthwise_rank",
        lambda: tf.nn.depthwise_conv2d(image(8, 8, 3), image(3, 3, 3, 1), 1, "SAME"),
        ValueError,
        "4 dimensions",
    ),
    Bad(
        "depthwise_rate_and_stride",
        lambda: tf.nn.depthwise_conv2d(image(1, 8, 8, 3), image(3, 3, 3, 1), [1, 2, 2, 1], "SAME", rate=[2, 2]),
        ValueError,
        "rate",
    ),
    Bad(
        "depthwise_sizes",
        lambda: tf.nn.depthwise_conv2d_native_backprop_input(
            [1, 9, 8, 3], image(3, 3, 3, 1), image(1, 8, 8, 3), 1, "SAME"
        ),
        ValueError,
        "out_backprop",
    ),
    Bad(
        "separable_pointwise",
        lambda: tf.nn.separable_conv2d(image(1, 8, 8, 3), image(3, 3, 3, 2), image(2, 1, 6, 4), 1, "SAME"),
        ValueError,
        "pointwise_filter",
    ),
    Bad(
        "separable_channels",
        lambda: tf.nn.separable_conv2d(image(1, 8, 8, 3), image(3, 3, 3, 2), image(1, 1, 5, 4), 1, "SAME"),
        ValueError,
        "channels",
    ),
]
