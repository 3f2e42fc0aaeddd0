"""Batch normalization: the fused kernels and the composed formula. Statistics follow TensorFlow's: the
variance handed out has Bessel's correction, the one that normalizes has not."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, positive, rand
from tfmini import raw

# Epsilons are float32 attributes.
MILLI, CENTI = float(np.float32(0.001)), float(np.float32(0.01))
TOL = {"float32": 5e-5, "float64": 1e-11, "float16": 6e-3, "bfloat16": 5e-2}
HALVES_TOO = ("float32", "float64", "float16", "bfloat16")


def layout(rank, nchw):
    axes = tuple(i for i in range(rank) if i != (1 if nchw else rank - 1))
    return axes, (lambda v: v.reshape(1, -1, *[1] * (rank - 2))) if nchw else (lambda v: v)


def statistics(x, nchw):
    axes, wide = layout(x.ndim, nchw)
    mean = x.mean(axes)
    return mean, ((x - wide(mean)) ** 2).mean(axes)


def normalized(x, scale, offset, mean, variance, epsilon, nchw):
    _, wide = layout(x.ndim, nchw)
    return (x - wide(mean)) / np.sqrt(wide(variance) + epsilon) * wide(scale) + wide(offset)


def training(x, scale, offset, epsilon=MILLI, nchw=False):
    mean, variance = statistics(x, nchw)
    n = x.size // scale.size
    y = normalized(x, scale, offset, mean, variance, epsilon, nchw)
    return [y, mean, variance * n / max(1, n - 1)]


def gradient(g, x, scale, mean, variance, epsilon, nchw, is_training):
    axes, wide = layout(x.ndim, nchw)
    normal = (x - wide(mean)) / np.sqrt(wide(variance) + epsilon)
    factor = wide(scale) / np.sqrt(wide(variance) + epsilon)
    dx = g * factor
    if is_training:
        dx = factor * (g - g.mean(axes, keepdims=True) - normal * (g * normal).mean(axes, keepdims=True))
    return [dx, (g * normal).sum(axes), g.sum(axes)]


def single(x):
    """Statistics are float32 whatever 16-bit type images have; float64 goes with float64."""
    return tf.cast(x, tf.float32) if x.dtype in (tf.float16, tf.bfloat16) else x


def forward(name, shape, nchw=False, **kwargs):
    channels = shape[1] if nchw else shape[-1]
    fmt = {4: ("NHWC", "NCHW"), 5: ("NDHWC", "NCDHW")}[len(shape)][nchw]
    halves = "float16" in kwargs.get("dtypes", ())
    statistic = (lambda t: single(t)) if halves else (lambda t: t)
    return Case(
        "fused_batch_norm_" + name,
        lambda x, s, o: list(tf.nn.fused_batch_norm(x, statistic(s), statistic(o), epsilon=0.001, data_format=fmt)),
        [rand(*shape), positive(channels), rand(channels)],
        lambda x, s, o: training(x, s, o, nchw=nchw),
        ops=("FusedBatchNormV3", "FusedBatchNormGradV3"),
        **{"tol": TOL, "grad": False, **kwargs},
    )


def y_only(name, shape, nchw=False, **kwargs):
    """Only y has a gradient."""
    channels = shape[1] if nchw else shape[-1]
    fmt = "NCHW" if nchw else "NHWC"
    return Case(
        "fused_batch_norm_y_" + name,
        lambda x, s, o: tf.nn.fused_batch_norm(x, s, o, epsilon=0.01, data_format=fmt)[0],
        [rand(*shape), positive(channels), rand(channels)],
        lambda x, s, o: training(x, s, o, CENTI, nchw)[0],
        **{"tol": TOL, "second": True, **kwargs},
    )


def with_relu(name, shape, nchw=False, shortcut=False, **kwargs):
    """What follows a batch normalization in training, and is computed with it."""
    channels = shape[1] if nchw else shape[-1]
    fmt = "NCHW" if nchw else "NHWC"

    def fn(x, s, o, *side):
        y = tf.nn.fused_batch_norm(x, single(s), single(o), epsilon=0.01, data_format=fmt)[0]
        return tf.nn.relu(side[0] + y if side else y)

    return Case(
        "batch_norm_relu_" + name,
        fn,
        [rand(*shape), positive(channels), rand(channels), *[rand(*shape)] * shortcut],
        lambda x, s, o, *side: np.maximum(training(x, s, o, CENTI, nchw)[0] + (side[0] if side else 0), 0),
        tol=TOL,
        ops=("_BatchNormRelu",) if shortcut else ("_BatchNormRelu", "_BatchNormReluGrad"),
        **kwargs,
    )


def inference(name, shape, nchw=False, **kwargs):
    channels = shape[1] if nchw else shape[-1]
    fmt = "NCHW" if nchw else "NHWC"

    def fn(x, s, o, m, v):
        return list(tf.nn.fused_batch_norm(x, s, o, m, v, 0.01, fmt, is_training=False))

    return [
        Case(
            "fused_batch_norm_inference_" + name,
            fn,
            [rand(*shape), positive(channels), rand(channels), rand(channels), positive(channels)],
            lambda x, s, o, m, v: [normalized(x, s, o, m, v, CENTI, nchw), m, v],
            tol=TOL,
            grad=False,
            **kwargs,
        ),
        Case(
            "fused_batch_norm_inference_y_" + name,
            lambda *a: fn(*a)[0],
            [rand(*shape), positive(channels), rand(channels), rand(channels), positive(channels)],
            lambda x, s, o, m, v: normalized(x, s, o, m, v, CENTI, nchw),
            tol=TOL,
            grad=(0, 1, 2),
            second=True,
            **kwargs,
        ),
    ]


def grad_op(name, op, shape, nchw, is_training, reserves=0):
    channels = shape[1] if nchw else shape[-1]
    x = rand(*shape)
    mean, variance = statistics(x, nchw) if is_training else (rand(channels), positive(channels))
    attrs = dict(epsilon=0.01, data_format="NCHW" if nchw else "NHWC", is_training=is_training)
    return Case(
        name,
        lambda g, x, s, m, v: list(getattr(raw, op)(g, x, s, m, v, *[v] * reserves, **attrs)[:3]),
        [rand(*shape), x, positive(channels), mean, variance],
        lambda g, x, s, m, v: gradient(g, x, s, m, v, CENTI, nchw, is_training),
        tol={"float32": 2e-4, "float64": 1e-11},
        grad=False,
        ops=(op,),
    )


def old(name, op):
    """The versions of old graphs, whose outputs are the same."""
    return Case(
        name,
        lambda x, s, o: list(
            getattr(raw, op)(x, s, o, tf.zeros([0], s.dtype), tf.zeros([0], s.dtype), epsilon=0.001)[:3]
        ),
        [rand(2, 3, 4, 5), positive(5), rand(5)],
        training,
        tol=TOL,
        grad=False,
        ops=(op,),
    )


def averaged(x, s, o, m, v):
    y, mean, variance = training(x, s, o)
    return [y, 0.75 * m + 0.25 * mean, 0.75 * v + 0.25 * variance]


NAN2 = np.full(2, np.nan)
CASES = [
    forward("nhwc", (2, 4, 5, 7), dtypes=HALVES_TOO),
    forward("nchw", (3, 5, 4, 3), True, dtypes=HALVES_TOO),
    forward("one_channel", (3, 5, 4, 1)),
    forward("three_channels", (2, 31, 17, 3)),
    forward("wide", (2, 3, 3, 130)),
    forward("vector_tail", (4, 5, 5, 67)),
    forward("chunks", (7, 40, 40, 17)),
    forward("ndhwc", (2, 3, 2, 3, 4)),
    forward("ncdhw", (2, 3, 2, 3, 4), True),
    Case(
        "fused_batch_norm_far_from_zero",
        lambda x, s, o: list(tf.nn.fused_batch_norm(x + 1000.0, s, o)),
        [rand(4, 9, 9, 6), positive(6), rand(6)],
        lambda x, s, o: training(x + 1000.0, s, o),
        tol={"float32": 2e-3, "float64": 1e-9},
        grad=False,
    ),
    Case(
        "fused_batch_norm_single_pixel",
        lambda x, s, o: list(tf.nn.fused_batch_norm(x, s, o)),
        [rand(1, 1, 1, 3), positive(3), rand(3)],
        lambda x, s, o: [o.reshape(1, 1, 1, 3), x.reshape(3), np.zeros(3)],
        grad=False,
    ),
    Case(
        "fused_batch_norm_empty",
        lambda x, s, o: list(tf.nn.fused_batch_norm(x, s, o)),
        [rand(0, 3, 3, 2), positive(2), rand(2)],
        lambda x, s, o: [x, NAN2, NAN2],
        grad=False,
    ),
    Case(
        "fused_batch_norm_running_averages",
        lambda x, s, o, m, v: list(tf.nn.fused_batch_norm(x, s, o, m, v, exponential_avg_factor=0.25)),
        [rand(2, 3, 4, 5), positive(5), rand(5), rand(5), positive(5)],
        averaged,
        tol=TOL,
        grad=False,
    ),
    y_only("nhwc", (2, 3, 4, 3)),
    y_only("nchw", (2, 3, 4, 2), True),
    y_only("wide", (2, 2, 3, 70), second=False),
    with_relu("nhwc", (2, 3, 4, 3), dtypes=HALVES_TOO, second=True),
    with_relu("nchw", (2, 3, 4, 2), True),
    with_relu("wide", (3, 2, 3, 131)),
    with_relu("chunks", (7, 40, 40, 17), grad=False),
    with_relu("shortcut", (2, 3, 4, 19), shortcut=True, dtypes=HALVES_TOO),
    with_relu("shortcut_nchw", (2, 3, 4, 2), True, shortcut=True),
    *inference("nhwc", (2, 3, 4, 5)),
    *inference("nchw", (2, 5, 3, 2), True),
    old("fused_batch_norm_v1", "FusedBatchNorm"),
    old("fused_batch_norm_v2", "FusedBatchNormV2"),
    grad_op("fused_batch_norm_grad_v1", "FusedBatchNormGrad", (2, 3, 4, 5), False, True),
    grad_op("fused_batch_norm_grad_v2", "FusedBatchNormGradV2", (2, 5, 4, 3), True, True),
    grad_op("fused_batch_norm_grad_v3", "FusedBatchNormGradV3", (5, 30, 31, 20), False, True, 1),
    grad_op("fused_batch_norm_grad_inference", "FusedBatchNormGradV3", (2, 3, 4, 35), False, False, 1),
    Case(
        "batch_normalization",
        lambda x, m, v, o, s: tf.nn.batch_normalization(x, m, v, o, s, 0.001),
        [rand(4, 3, 5), rand(5), positive(5), rand(5), positive(5)],
        lambda x, m, v, o, s: (x - m) / np.sqrt(v + 0.001) * s + o,
        ("float32", "float64", "float16"),
        tol={**TOL, "float16": 2e-2, "bfloat16": 2e-1},
        second=True,
    ),
    Case(
        "batch_normalization_bare",
        lambda x, m, v: tf.nn.batch_normalization(x, m, v, None, None, 0.01),
        [rand(4, 5), rand(5), positive(5)],
        lambda x, m, v: (x - m) / np.sqrt(v + 0.01),
        tol=TOL,
    ),
    Case(
        "batch_norm_with_global_normalization",
        lambda x, m, v, b, g: tf.nn.batch_norm_with_global_normalization(x, m, v, b, g, 0.001, True),
        [rand(2, 3, 3, 4), rand(4), positive(4), rand(4), positive(4)],
        lambda x, m, v, b, g: (x - m) / np.sqrt(v + 0.001) * g + b,
        tol=TOL,
    ),
    Case(
        "batch_norm_with_global_normalization_unscaled",
        lambda x, m, v, b, g: tf.nn.batch_norm_with_global_normalization(x, m, v, b, g, 0.001, False),
        [rand(2, 3, 3, 4), rand(4), positive(4), rand(4), positive(4)],
        lambda x, m, v, b, g: (x - m) / np.sqrt(v + 0.001) + b,
        tol=TOL,
        grad=(0, 1, 2, 3),
    ),
]


def image(*shape):
    return tf.placeholder(tf.float32, shape)


BAD = [
    Bad("batch_norm_rank", lambda: tf.nn.fused_batch_norm(image(2, 3), image(3), image(3)), ValueError, "rank 4"),
    Bad(
        "batch_norm_channels",
        lambda: tf.nn.fused_batch_norm(image(2, 3, 3, 4), image(3), image(3)),
        ValueError,
        "per channel",
    ),
    Bad(
        "batch_norm_no_statistics",
        lambda: tf.nn.fused_batch_norm(image(2, 3, 3, 3), image(3), image(3), is_training=False),
        ValueError,
        "mean",
    ),
    Bad(
        "batch_norm_statistics",
        lambda: tf.nn.fused_batch_norm(image(2, 3, 3, 3), image(3), image(3), image(2), image(2), is_training=False),
        ValueError,
        "per channel",
    ),
    Bad(
        "batch_norm_dtype",
        lambda: tf.nn.fused_batch_norm(tf.placeholder(tf.int32, [2, 3, 3, 3]), image(3), image(3)),
        TypeError,
        "int32",
    ),
    Bad(
        "batch_norm_scale_dtype",
        lambda: tf.nn.fused_batch_norm(image(2, 3, 3, 3), tf.placeholder(tf.float64, [3]), image(3)),
        (TypeError, ValueError),
        "float64",
    ),
    Bad(
        "batch_norm_format",
        lambda: tf.nn.fused_batch_norm(image(2, 3, 3, 3), image(3), image(3), data_format="NWHC"),
        ValueError,
        "data_format",
    ),
]
