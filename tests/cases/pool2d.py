"""Pooling against maxima and means over taps. Ties, NaN and -inf follow TensorFlow: literal values below
were computed by TensorFlow 2.21."""

import numpy as np

import tfmini as tf
from tests.cases.conv2d import taps
from tests.cases.table import ALL_FLOATS, ALL_INTS, Bad, Case, distinct, ints, rand
from tfmini import raw


def last(x, nchw):
    return x.transpose(0, 2, 3, 1) if nchw else x


def first(y, nchw):
    return y.transpose(0, 3, 1, 2) if nchw else y


def maximum(x, ksize, strides, padding, nchw=False):
    seen = taps(last(np.asarray(x, np.float64), nchw), ksize, strides, (1, 1), padding, fill=-np.inf)
    return first(seen.max((0, 1)), nchw).astype(x.dtype)


def mean(x, ksize, strides, padding, nchw=False):
    seen = taps(last(x, nchw), ksize, strides, (1, 1), padding, fill=np.nan)
    return first(np.nanmean(seen, (0, 1)), nchw)


def winners(x, ksize, strides, padding):
    """For each output and channel, (y, x) of the first maximum; padding is marked -1."""
    positions = np.arange(x.shape[1] * x.shape[2], dtype=np.float64).reshape(1, *x.shape[1:3], 1)
    seen = taps(x, ksize, strides, (1, 1), padding, fill=-np.inf)
    where = taps(np.broadcast_to(positions, x.shape), ksize, strides, (1, 1), padding, fill=-1)
    k = ksize[0] * ksize[1]
    best = seen.reshape(k, *seen.shape[2:]).argmax(0)
    return np.take_along_axis(where.reshape(k, *where.shape[2:]), best[None], 0)[0].astype(int)


def max_gradient(x, g, ksize, strides, padding):
    at = winners(x, ksize, strides, padding)
    out = np.zeros_like(x)
    for n, y, j, c in np.ndindex(*g.shape):
        p = at[n, y, j, c]
        out[n, p // x.shape[2], p % x.shape[2], c] += g[n, y, j, c]
    return out


def picked(x, g, ksize, strides, padding):
    at = winners(x, ksize, strides, padding)
    n, c = np.ogrid[: x.shape[0], : x.shape[3]]
    flat = g.reshape(x.shape[0], -1, x.shape[3])
    return flat[n[:, None, None], at, c[None, None]] if at.size else np.zeros(at.shape)


def four(values, nchw):
    return [1, 1, *values] if nchw else [1, *values, 1]


def both(name, image, ksize, strides, padding, nchw=False, **kwargs):
    n, h, w, c = image
    shape = (n, c, h, w) if nchw else image
    attrs = (four(ksize, nchw), four(strides, nchw), padding, "NCHW" if nchw else "NHWC")
    window = (ksize, strides, padding, nchw)
    return [
        Case(
            "max_pool_" + name,
            lambda x: tf.nn.max_pool(x, *attrs),
            [distinct(*shape)],
            lambda x: maximum(x, *window),
            ops=("MaxPool", "MaxPoolGrad", "MaxPoolGradGrad"),
            second=True,
            **kwargs,
        ),
        Case(
            "avg_pool_" + name,
            lambda x: tf.nn.avg_pool(x, *attrs),
            [rand(*shape)],
            lambda x: mean(x, *window),
            ops=("AvgPool", "AvgPoolGrad"),
            second=True,
            **kwargs,
        ),
    ]


def order(name, image, ksize, strides, padding):
    """The gradient ops by themselves, with ties: small integers."""
    x = np.round(rand(*image))
    y = maximum(x, ksize, strides, padding)
    attrs = dict(ksize=[1, *ksize, 1], strides=[1, *strides, 1], padding=padding)
    window = (ksize, strides, padding)
    return [
        Case(
            "max_pool_grad_" + name,
            lambda x, y, g: raw.MaxPoolGrad(x, y, g, **attrs),
            [x, y, rand(*y.shape)],
            lambda x, y, g: max_gradient(x, g, *window),
            ALL_FLOATS,
            grad=(2,),
            ops=("MaxPoolGrad",),
            tol={"float16": 5e-3, "bfloat16": 5e-2},
        ),
        Case(
            "max_pool_grad_grad_" + name,
            lambda x, y, g: raw.MaxPoolGradGrad(x, y, g, **attrs),
            [x, y, rand(*image)],
            lambda x, y, g: picked(x, g, *window),
            ALL_FLOATS,
            grad=(2,),
            ops=("MaxPoolGradGrad",),
        ),
    ]


def argmax_case(name, image, ksize, strides, padding, **attrs):
    def ref(x):
        at = winners(x, ksize, strides, padding)
        index = at * image[3] + np.arange(image[3])
        if attrs.get("include_batch_in_index"):
            index = index + np.arange(image[0])[:, None, None, None] * np.prod(image[1:])
        dtype = "int32" if attrs.get("output_dtype") == tf.int32 else "int64"
        return [maximum(x, ksize, strides, padding), index.astype(dtype)]

    return Case(
        "max_pool_with_argmax_" + name,
        lambda x: list(tf.nn.max_pool_with_argmax(x, [1, *ksize, 1], [1, *strides, 1], padding, **attrs)),
        [distinct(*image)],
        ref,
        grad=False,
        ops=("MaxPoolWithArgmax", "MaxPoolGradWithArgmax"),
    )


NAN = np.nan
PAIRS = np.float32([[1, NAN], [NAN, 1], [NAN, NAN], [2, 2], [-np.inf, -np.inf], [-np.inf, NAN]]).reshape(6, 1, 2, 1)
LOWEST = np.finfo(np.float32).min
PAIR_MAX = np.float32([1, 1, LOWEST, 2, LOWEST, LOWEST]).reshape(6, 1, 1, 1)


def gradient_of_pairs(x):
    y = tf.nn.max_pool(x, [1, 1, 2, 1], [1, 1, 2, 1], "VALID")
    return [y, tf.gradients(y, x)[0]]


CASES = [
    *both("2x2", (2, 6, 8, 5), (2, 2), (2, 2), "VALID", dtypes=ALL_FLOATS),
    *both("2x2_same_odd", (2, 7, 5, 3), (2, 2), (2, 2), "SAME"),
    *both("3x3_stride2", (2, 7, 8, 17), (3, 3), (2, 2), "SAME"),
    *both("3x3_stride1", (1, 5, 6, 33), (3, 3), (1, 1), "SAME"),
    *both("3x2_stride_2x3", (2, 8, 9, 4), (3, 2), (2, 3), "VALID"),
    *both("stride_beyond_window", (1, 7, 7, 3), (1, 2), (3, 3), "SAME"),
    *both("global", (2, 7, 7, 70), (7, 7), (1, 1), "VALID"),
    *both("window_beyond_image", (2, 3, 2, 4), (5, 9), (2, 2), "SAME"),
    *both("few_channels_wide", (1, 6, 41, 3), (3, 3), (2, 2), "SAME"),
    *both("one_channel", (2, 6, 6, 1), (2, 2), (2, 2), "SAME"),
    *both("empty_batch", (0, 6, 6, 3), (2, 2), (2, 2), "SAME"),
    *both("no_channels", (2, 6, 6, 0), (2, 2), (2, 2), "SAME"),
    *both("nchw", (2, 7, 8, 5), (3, 3), (2, 2), "SAME", nchw=True, dtypes=ALL_FLOATS),
    *both("nchw_2x2", (2, 9, 37, 3), (2, 2), (2, 2), "VALID", nchw=True),
    *both("nchw_stride1", (1, 6, 35, 2), (3, 3), (1, 1), "SAME", nchw=True),
    *both("nchw_stride_beyond_window", (1, 7, 8, 2), (1, 2), (3, 3), "SAME", nchw=True),
    *both("nchw_window_beyond_image", (1, 3, 2, 3), (5, 9), (2, 2), "SAME", nchw=True),
    *both("one_channel_stride1", (1, 5, 41, 1), (2, 3), (1, 1), "SAME"),
    *both("three_channels_stride2", (1, 7, 12, 3), (3, 3), (2, 2), "SAME"),
    *both("seven_channels", (1, 5, 9, 7), (3, 2), (1, 3), "VALID"),
    *both("67_channels", (1, 5, 4, 67), (2, 2), (1, 2), "SAME"),
    *order("few_channels_wide", (2, 5, 43, 2), (3, 3), (2, 3), "SAME"),
    *order("bands", (1, 40, 33, 131), (3, 3), (1, 1), "SAME"),
    *order("2x2", (2, 6, 4, 5), (2, 2), (2, 2), "VALID"),
    *order("3x3_overlapping", (2, 5, 6, 3), (3, 3), (1, 2), "SAME"),
    argmax_case("2x2", (2, 4, 6, 3), (2, 2), (2, 2), "VALID"),
    argmax_case("3x3", (2, 5, 6, 3), (3, 3), (2, 2), "SAME", output_dtype=tf.int32),
    argmax_case("batch", (3, 4, 4, 2), (2, 2), (2, 2), "SAME", include_batch_in_index=True),
    Case(
        "max_pool_with_argmax_value",
        lambda x: tf.nn.max_pool_with_argmax(x, 2, 2, "SAME")[0],
        [distinct(2, 5, 5, 3)],
        lambda x: maximum(x, (2, 2), (2, 2), "SAME"),
    ),
    Case(
        "max_pool_with_argmax_value_of_batch",
        lambda x: tf.nn.max_pool_with_argmax(x, 3, 2, "SAME", include_batch_in_index=True)[0],
        [distinct(2, 5, 5, 3)],
        lambda x: maximum(x, (3, 3), (2, 2), "SAME"),
        second=True,
    ),
    *(
        Case(
            f"max_pool_{dtype}",
            lambda x: tf.nn.max_pool(x, 2, 2, "SAME"),
            [ints(2, 5, 6, 35, low=0, high=100, dtype=dtype)],
            lambda x: maximum(x, (2, 2), (2, 2), "SAME"),
            dtypes=(),
            grad=False,
        )
        for dtype in ALL_INTS
    ),
    Case(
        "max_pool_nan",
        gradient_of_pairs,
        [PAIRS],
        lambda x: [PAIR_MAX, np.tile(np.float32([1, 0]), 6).reshape(PAIRS.shape)],
        dtypes=(),
        grad=False,
    ),
    Case(
        "max_pool_explicit",
        lambda x: tf.nn.max_pool(x, [1, 3, 3, 1], 2, [[0, 0], [1, 2], [2, 0], [0, 0]]),
        [distinct(2, 6, 7, 3)],
        lambda x: maximum(x, (3, 3), (2, 2), [[0, 0], [1, 2], [2, 0], [0, 0]]),
    ),
    Case(
        "max_pool_explicit_nchw",
        lambda x: tf.nn.max_pool(x, 3, 2, [[0, 0], [0, 0], [1, 2], [2, 0]], data_format="NCHW"),
        [distinct(2, 3, 6, 7)],
        lambda x: maximum(x, (3, 3), (2, 2), [[0, 0], [1, 2], [2, 0], [0, 0]], True),
    ),
    Case(
        "max_pool1d",
        lambda x: tf.nn.max_pool1d(x, 3, 2, "SAME"),
        [distinct(2, 8, 3)],
        lambda x: maximum(x[:, None], (1, 3), (1, 2), "SAME")[:, 0],
    ),
    Case(
        "avg_pool1d_ncw",
        lambda x: tf.nn.avg_pool1d(x, 2, 2, "SAME", "NCW"),
        [rand(2, 3, 7)],
        lambda x: mean(x[:, :, None], (1, 2), (1, 2), "SAME", True)[:, :, 0],
    ),
    Case(
        "max_pool2d",
        lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"),
        [distinct(1, 4, 4, 2)],
        lambda x: maximum(x, (2, 2), (2, 2), "VALID"),
    ),
    Case(
        "avg_pool2d",
        lambda x: tf.nn.avg_pool2d(x, [2, 3], [1, 2], "VALID"),
        [rand(1, 4, 6, 2)],
        lambda x: mean(x, (2, 3), (1, 2), "VALID"),
    ),
    Case(
        "pool_max",
        lambda x: tf.nn.pool(x, [2, 2], "MAX", "SAME"),
        [distinct(1, 5, 4, 2)],
        lambda x: maximum(x, (2, 2), (1, 1), "SAME"),
    ),
    Case(
        "pool_avg_1d",
        lambda x: tf.nn.pool(x, [3], "AVG", "VALID", strides=[2]),
        [rand(2, 7, 3)],
        lambda x: mean(x[:, None], (1, 3), (1, 2), "VALID")[:, 0],
    ),
]


def image(*shape):
    return tf.placeholder(tf.float32, shape)


BAD = [
    Bad("pool_rank", lambda: tf.nn.max_pool(image(8, 8, 3), 2, 2, "SAME"), ValueError, "4 dimensions"),
    Bad(
        "pool_negative_size",
        lambda: tf.nn.max_pool(image(1, 2, 2, 3), 3, 1, "VALID"),
        ValueError,
        "negative output size",
    ),
    Bad(
        "pool_zero_window",
        lambda: tf.nn.max_pool(image(1, 8, 8, 3), [1, 0, 1, 1], 1, "SAME"),
        ValueError,
        "cannot be zero",
    ),
    Bad(
        "pool_zero_stride",
        lambda: tf.nn.avg_pool(image(1, 8, 8, 3), 2, [1, 0, 1, 1], "SAME"),
        ValueError,
        "cannot be zero",
    ),
    Bad("pool_negative_stride", lambda: tf.nn.avg_pool(image(1, 8, 8, 3), 2, -1, "SAME"), ValueError, "positive"),
    Bad(
        "pool_batch",
        lambda: tf.nn.max_pool(image(2, 8, 8, 3), [2, 2, 2, 1], 1, "SAME"),
        tf.errors.UnimplementedError,
        "batch and channels",
    ),
    Bad("pool_padding", lambda: tf.nn.max_pool(image(1, 8, 8, 3), 2, 2, "same"), ValueError, "(?i)padding"),
    Bad("pool_dtype", lambda: tf.nn.avg_pool(tf.placeholder(tf.int32, [1, 8, 8, 3]), 2, 2, "SAME"), TypeError, "int32"),
    Bad("pool_no_input", lambda: tf.nn.avg_pool(None, 2, 2, "SAME"), ValueError, "value"),
    Bad("pool_type", lambda: tf.nn.pool(image(1, 8, 8, 3), [2, 2], "MIN", "SAME"), ValueError, "pooling_type"),
    Bad(
        "pool_grad_shape",
        lambda: raw.MaxPoolGrad(
            image(1, 4, 4, 1),
            image(1, 2, 2, 1),
            image(1, 3, 2, 1),
            ksize=[1, 2, 2, 1],
            strides=[1, 2, 2, 1],
            padding="SAME",
        ),
        ValueError,
        "grad has shape",
    ),
    Bad(
        "pool_grad_input_shape",
        lambda: raw.AvgPoolGrad([4, 4, 1], image(1, 2, 2, 1), ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME"),
        ValueError,
        "orig_input_shape",
    ),
]
