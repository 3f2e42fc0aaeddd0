"""Clipping by norms."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, rand


def by_norm(x, norm, axes=None):
    size = np.sqrt(np.sum(x * x, axis=axes, keepdims=True))
    return x * norm / np.maximum(size, norm)


def by_global_norm(xs, norm):
    size = np.sqrt(sum(np.sum(x * x) for x in xs))
    return [x * norm / max(size, norm) for x in xs]


CASES = [
    Case("norm", lambda x: tf.clip_by_norm(x, 1.5), [rand(3, 5)], lambda x: by_norm(x, 1.5), second=True),
    Case("norm_axis", lambda x: tf.clip_by_norm(x, 1.5, [1]), [rand(3, 5)], lambda x: by_norm(x, 1.5, 1)),
    Case("norm_small", lambda x: tf.clip_by_norm(x, 100.0), [rand(3, 5)], lambda x: x),
    Case("norm_zero", lambda x: tf.clip_by_norm(x, 1.0), [np.zeros((2, 2))], lambda x: x),
    Case("norm_scalar", lambda x: tf.clip_by_norm(x, 1.0), [np.array(-3.0)], lambda x: np.array(-1.0), grad=False),
    Case("norm_empty", lambda x: tf.clip_by_norm(x, 1.0), [np.zeros((0, 3))], lambda x: x),
    Case(
        "average_norm",
        lambda x: tf.clip_by_average_norm(x, 0.05),
        [rand(3, 5)],
        lambda x: x * 0.05 * min(x.size / np.sqrt(np.sum(x * x)), 1 / 0.05),
    ),
    Case(
        "global_norm",
        lambda *xs: tf.clip_by_global_norm(xs, 2.0)[0],
        [rand(3, 5), rand(7), rand()],
        lambda *xs: by_global_norm(xs, 2.0),
    ),
    Case(
        "global_norm_known",
        lambda x: tf.clip_by_global_norm([x, None], 2.0, use_norm=tf.constant(4.0, x.dtype))[0][0],
        [rand(3)],
        lambda x: x / 2,
    ),
    Case(
        "global_norm_of_infinity",
        lambda x: tf.clip_by_global_norm([x], 2.0)[0],
        [np.array([1.0, np.inf])],
        lambda x: [np.full(2, np.nan)],
        grad=False,
    ),
]

BAD = [
    Bad("not_a_list", lambda: tf.clip_by_global_norm(tf.constant(1.0), 1.0), TypeError, "should be a sequence"),
    Bad("norm_broadcasts", lambda: tf.clip_by_norm(tf.zeros([2]), tf.zeros([3, 2])), ValueError, "not compatible"),
]
