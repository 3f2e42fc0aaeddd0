"""Biases per channel."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, ALL_INTS, Bad, Case, ints, rand
from tfmini import raw


def wide(x, b):
    return b.reshape(1, -1, *[1] * (x.ndim - 2))


def rows(name, shape, channels_first=False, **kwargs):
    channels = shape[1] if channels_first else shape[-1]
    data_format = "NCHW" if channels_first else "NHWC"
    axes = tuple(i for i in range(len(shape)) if i != (1 if channels_first else len(shape) - 1))
    return [
        Case(
            "bias_add_" + name,
            lambda x, b: tf.nn.bias_add(x, b, data_format),
            [rand(*shape), rand(channels)],
            lambda x, b: x + (wide(x, b) if channels_first else b),
            ops=("BiasAdd",),
            second=True,
            **kwargs,
        ),
        Case(
            "bias_add_grad_" + name,
            lambda g: raw.BiasAddGrad(g, data_format=data_format),
            [rand(*shape)],
            lambda g: g.sum(axes),
            ops=("BiasAddGrad",),
            second=True,
            **{"tol": {"float32": 1e-4, "float16": 1e-1, "bfloat16": 1.0}, **kwargs},
        ),
    ]


CASES = [
    *rows("matrix", (5, 7), dtypes=ALL_FLOATS),
    *rows("image", (2, 5, 6, 33), dtypes=ALL_FLOATS),
    *rows("nchw", (2, 5, 4, 3), True, dtypes=ALL_FLOATS),
    *rows("ncw", (3, 17, 9), True),
    *rows("rank5", (2, 3, 2, 3, 4)),
    *rows("rank5_first", (2, 3, 2, 3, 4), True),
    *rows("one_channel", (40, 1)),
    *rows("empty", (0, 5)),
    *rows("empty_pixels", (2, 5, 0, 3), True),
    *rows("no_channels", (4, 0)),
    *rows("many_rows", (5000, 3)),
    *rows("large_planes", (2, 3, 70, 80), True, grad=False),
    *(
        Case(
            f"bias_add_{dtype}",
            lambda x, b: tf.nn.bias_add(x, b),
            [ints(3, 5, dtype=dtype), ints(5, dtype=dtype)],
            lambda x, b: x + b,
            dtypes=(),
            grad=False,
        )
        for dtype in ALL_INTS
    ),
    Case("bias_add_early_signature", lambda x, b: tf.nn.bias_add(x, b, "layer/bias"), [rand(3, 4), rand(4)], np.add),
    Case(
        "bias_add_v1",
        lambda x, b: tf.nn.bias_add_v1(x, b),
        [rand(2, 3, 4), rand(4)],
        np.add,
        ops=("BiasAddV1",),
        dtypes=ALL_FLOATS,
    ),
]


def image(*shape):
    return tf.placeholder(tf.float32, shape)


def add_at_run(shape, channels):
    x, b = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    y = tf.nn.bias_add(x, b)
    with tf.Session() as sess:
        sess.run(y, {x: np.zeros(shape), b: np.zeros(channels)})


BAD = [
    Bad("bias_channels", lambda: tf.nn.bias_add(image(None, 8, 8, 3), image(4)), ValueError, "3 channels"),
    Bad("bias_rank", lambda: tf.nn.bias_add(image(None, 3), image(3, 1)), ValueError, "rank 1"),
    Bad("bias_value_rank", lambda: tf.nn.bias_add(image(3), image(3)), ValueError, "at least 2"),
    Bad("bias_format", lambda: tf.nn.bias_add(image(2, 3), image(3), "CHW"), ValueError, "data_format"),
    Bad(
        "bias_dtype",
        lambda: tf.nn.bias_add(image(2, 3), tf.placeholder(tf.float64, [3])),
        (TypeError, ValueError),
        "float64",
    ),
    Bad("bias_channels_at_run", lambda: add_at_run((2, 3), 4), tf.errors.InvalidArgumentError, "3 channels"),
]
