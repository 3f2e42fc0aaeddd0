"""Local response normalization. The literal values were computed by TensorFlow 2.21."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand
from tfmini import raw


def scale(x, radius, bias, alpha):
    n = x.shape[-1]
    sums = [np.sum(x[..., max(0, c - radius) : c + radius + 1] ** 2, -1) for c in range(n)]
    return bias + alpha * (np.stack(sums, -1) if n else x)


def reference(x, radius=5, bias=1.0, alpha=1.0, beta=0.5):
    return x * scale(x, radius, bias, alpha) ** -beta


def gradient(g, x, y, radius, bias, alpha, beta):
    s = scale(x, radius, bias, alpha)
    t = g * y / s
    n = x.shape[-1]
    around = np.stack([t[..., max(0, c - radius) : c + radius + 1].sum(-1) for c in range(n)], -1)
    return g * s**-beta - 2 * alpha * beta * x * around


X = rand(2, 3, 2, 6)
CASES = [
    Case(
        "lrn",
        tf.nn.lrn,
        [rand(2, 3, 2, 9)],
        reference,
        ALL_FLOATS,
        ops=("LRN", "LRNGrad"),
        tol={"float16": 5e-3, "bfloat16": 3e-2},
    ),
    Case(
        "lrn_alexnet",
        lambda x: tf.nn.lrn(x, 2, bias=2.0, alpha=0.25, beta=0.75),
        [rand(1, 2, 3, 17)],
        lambda x: reference(x, 2, 2.0, 0.25, 0.75),
        ops=("LRN",),
    ),
    Case(
        "lrn_radius_0",
        lambda x: tf.nn.local_response_normalization(x, 0),
        [rand(1, 2, 2, 5)],
        lambda x: reference(x, 0),
    ),
    Case("lrn_radius_beyond_channels", lambda x: tf.nn.lrn(x, 100), [rand(1, 2, 2, 5)], lambda x: reference(x, 100)),
    Case("lrn_empty", tf.nn.lrn, [rand(0, 2, 2, 5)], reference),
    Case("lrn_no_channels", tf.nn.lrn, [rand(1, 2, 2, 0)], reference),
    Case(
        "lrn_early_signature",
        lambda x: tf.nn.lrn(x, None, None, 0.5, None, "norm"),
        [rand(1, 2, 2, 5)],
        lambda x: reference(x, alpha=0.5),
    ),
    Case(
        "lrn_grad",
        lambda g, x, y: raw.LRNGrad(g, x, y, depth_radius=1, bias=1.5, alpha=0.5, beta=0.75),
        [rand(2, 3, 2, 6), X, reference(X, 1, 1.5, 0.5, 0.75)],
        lambda g, x, y: gradient(g, x, y, 1, 1.5, 0.5, 0.75),
        grad=False,
        ops=("LRNGrad",),
    ),
    Case(
        "lrn_values",
        lambda x: tf.nn.lrn(x, 2, 1.5, 0.3, 0.75)[0, 0, 0, :6],
        [np.arange(1, 9, dtype=np.float32).reshape(1, 1, 1, 8)],
        lambda x: np.float32([0.27107772, 0.34287673, 0.34329447, 0.3242846, 0.30306306, 0.283651]),
        dtypes=(),
        grad=False,
        tol=1e-6,
    ),
    Case(
        "lrn_nan_stays_local",
        lambda x: tf.nn.lrn(x, 1),
        [np.float32([[[[1, np.nan, 2, 3, 4]]]])],
        lambda x: reference(x.astype(np.float64), 1),
        dtypes=(),
        grad=False,
        tol=1e-5,
    ),
]

BAD = [
    Bad("lrn_rank", lambda: tf.nn.lrn(tf.placeholder(tf.float32, [2, 3])), ValueError, "rank 4"),
    Bad("lrn_dtype", lambda: tf.nn.lrn(tf.placeholder(tf.int32, [1, 2, 2, 3])), TypeError, "int32"),
    Bad(
        "lrn_grad_shapes",
        lambda: raw.LRNGrad(*(tf.placeholder(tf.float32, [1, 2, 2, n]) for n in (3, 3, 4))),
        ValueError,
        "incompatible|agree|differ|match|compatible",
    ),
]
