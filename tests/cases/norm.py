"""L2 loss, norms, moments."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, positive, rand, randn

_W = positive(4, 1)


def _weighted(a, w):
    w = np.broadcast_to(w, a.shape)
    mean = (a * w).sum(0) / w.sum(0)
    return [mean, (w * (a - mean) ** 2).sum(0) / w.sum(0)]


CASES = [
    Case(
        "l2_loss",
        tf.nn.l2_loss,
        [rand(5, 7)],
        lambda a: (a * a).sum() / 2,
        dtypes=ALL_FLOATS,
        ops=("L2Loss",),
        second=True,
    ),
    Case("l2_loss_scalar", tf.nn.l2_loss, [np.float64(3)], lambda a: a * a / 2),
    Case("l2_loss_empty", tf.nn.l2_loss, [np.zeros([0, 2])], lambda a: 0.0),
    Case("l2_loss_long", tf.nn.l2_loss, [randn(200_003)], lambda a: (a * a).sum() / 2, grad=False),
    Case(
        "norm",
        lambda x: [tf.norm(x), tf.norm(x, axis=1), tf.norm(x, 1), tf.norm(x, np.inf, 0), tf.norm(x, 3, 1, True)],
        [rand(4, 5)],
        lambda a: [
            np.linalg.norm(a),
            np.linalg.norm(a, axis=1),
            np.abs(a).sum(),
            np.abs(a).max(0),
            (np.abs(a) ** 3).sum(1, keepdims=True) ** (1 / 3),
        ],
    ),
    Case(
        "norm_matrix",
        lambda x: [tf.norm(x, axis=[1, 2]), tf.norm(x, 1, [-2, -1]), tf.norm(x, np.inf, (-2, -1), keep_dims=True)],
        [rand(3, 4, 5)],
        lambda a: [
            np.linalg.norm(a, axis=(1, 2)),
            np.linalg.norm(a, 1, axis=(1, 2)),
            np.linalg.norm(a, np.inf, axis=(1, 2), keepdims=True),
        ],
    ),
    Case(
        "l2_normalize",
        lambda x: [tf.nn.l2_normalize(x, 1), tf.nn.l2_normalize(x), tf.nn.l2_normalize(x, dim=[0], epsilon=100.0)],
        [rand(4, 5)],
        lambda a: [
            a / np.sqrt((a * a).sum(1, keepdims=True)),
            a / np.sqrt((a * a).sum()),
            a / np.sqrt(np.maximum((a * a).sum(0), 100)),
        ],
    ),
    Case(
        "moments",
        lambda x: [*tf.nn.moments(x, [0]), *tf.nn.moments(x, [0, 1, 2], keep_dims=True), *tf.nn.moments(x, [1, -1])],
        [rand(3, 4, 5, 6)],
        lambda a: [
            a.mean(0),
            a.var(0),
            a.mean((0, 1, 2), keepdims=True),
            a.var((0, 1, 2), keepdims=True),
            a.mean((1, 3)),
            a.var((1, 3)),
        ],
        dtypes=ALL_FLOATS,
    ),
    Case(
        "moments_of_large",
        lambda x: list(tf.nn.moments(x, [0])),
        [rand(50, 3) + 1e4],
        lambda a: [a.mean(0), a.var(0)],
        grad=False,
        tol={"float32": 1e-4},
    ),
    Case("weighted_moments", lambda x, w: list(tf.nn.weighted_moments(x, [0], w)), [rand(4, 3), _W], _weighted),
    Case(
        "weighted_moments_kept",
        lambda x: list(tf.nn.weighted_moments(x, [0], 2.0, keepdims=True)),
        [rand(4, 3)],
        lambda a: [a.mean(0, keepdims=True), a.var(0, keepdims=True)],
    ),
    Case(
        "sufficient_statistics",
        lambda x: [
            *tf.nn.sufficient_statistics(x, [0])[:3],
            *tf.nn.sufficient_statistics(x, [0, 1], shift=0.5, keep_dims=True),
        ],
        [rand(4, 3)],
        lambda a: [
            4.0,
            a.sum(0),
            (a * a).sum(0),
            12.0,
            (a - 0.5).sum(keepdims=True),
            ((a - 0.5) ** 2).sum(keepdims=True),
            0.5,
        ],
    ),
    Case(
        "normalize_moments",
        lambda x: [
            *tf.nn.normalize_moments(*tf.nn.sufficient_statistics(x, [0])),
            *tf.nn.normalize_moments(*tf.nn.sufficient_statistics(x, [1], shift=0.5)),
        ],
        [rand(4, 3)],
        lambda a: [a.mean(0), a.var(0), a.mean(1), a.var(1)],
    ),
]

BAD = [
    Bad("l2_loss_int", lambda: tf.nn.l2_loss([1, 2]), TypeError, "int32"),
    Bad("norm_order", lambda: tf.norm([1.0], ord="nuclear"), ValueError, "ord"),
    Bad("norm_axes", lambda: tf.norm(np.zeros([2, 3, 4]), axis=[0, 1, 2]), ValueError, "axis"),
    Bad("norm_same_axis", lambda: tf.norm(np.zeros([2, 3]), axis=[0, 0]), ValueError, "axis"),
    Bad("moments_axis", lambda: tf.nn.moments(np.zeros([2, 3]), [2]), ValueError, "dimension 2"),
    Bad("l2_normalize_two_axes", lambda: tf.nn.l2_normalize([1.0], axis=0, dim=0), ValueError, "Cannot specify both"),
]
