"""Shapes as tensors: shape, shape_n, size, rank, broadcasting of shapes."""

import numpy as np

import tfmini as tf
from tests.cases.table import FLOATS, Bad, Case, rand

CASES = [
    Case(
        "shape",
        tf.shape,
        [rand(3, 5)],
        lambda a: np.int32(a.shape),
        dtypes=(*FLOATS, "bool"),
        grad=False,
        ops=("Shape",),
    ),
    Case("shape_scalar", tf.shape, [rand()], lambda a: np.zeros(0, np.int32), grad=False),
    Case(
        "shape_int64", lambda t: tf.shape(t, out_type=tf.int64), [rand(0, 2)], lambda a: np.int64(a.shape), grad=False
    ),
    Case(
        "shape_of_where",
        lambda t: tf.shape(tf.where(t > 0)),
        [np.array([1.0, -1.0, 2.0])],
        lambda a: np.int32([2, 1]),
        grad=False,
    ),
    Case(
        "shape_n",
        lambda a, b: tf.shape_n([a, b]),
        [rand(2, 3), rand(4)],
        lambda a, b: [np.int32(a.shape), np.int32(b.shape)],
        grad=False,
        ops=("ShapeN",),
    ),
    Case("size", tf.size, [rand(3, 5)], lambda a: np.int32(15), grad=False, ops=("Size",)),
    Case("size_int64", lambda t: tf.size(t, out_type=tf.int64), [rand()], lambda a: np.int64(1), grad=False),
    Case("rank", tf.rank, [rand(3, 5, 1)], lambda a: np.int32(3), grad=False, ops=("Rank",)),
    Case(
        "broadcast_dynamic",
        tf.broadcast_dynamic_shape,
        [np.int32([3, 1, 5]), np.int32([4, 1])],
        lambda a, b: np.int32([3, 4, 5]),
        dtypes=(),
        grad=False,
        ops=("BroadcastArgs",),
    ),
]


def _broadcast(a, b):
    with tf.Session() as sess:
        p, q = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int32, [None])
        sess.run(tf.broadcast_dynamic_shape(p, q), {p: a, q: b})


BAD = [
    Bad("broadcast_static", lambda: tf.broadcast_static_shape([2, 3], [2]), ValueError, "Incompatible shapes"),
    Bad("broadcast", lambda: _broadcast([2, 3], [2]), tf.errors.InvalidArgumentError, "broadcast"),
    Bad(
        "out_type",
        lambda: tf.shape(tf.placeholder(tf.float32), out_type=tf.float32),
        (TypeError, ValueError),
        "out_type",
    ),
]
