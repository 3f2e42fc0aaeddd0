"""concat and stack, against NumPy's."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, ints, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")


def concat(name, axis, *xs, **kwargs):
    return Case(
        f"concat_{name}",
        lambda *t: tf.concat(t, axis),
        xs,
        lambda *a: np.concatenate(a, axis),
        ops=("ConcatV2",),
        **kwargs,
    )


def stack(name, axis, *xs, **kwargs):
    return Case(
        f"stack_{name}", lambda *t: tf.stack(t, axis), xs, lambda *a: np.stack(a, axis), ops=("Pack",), **kwargs
    )


CASES = [
    concat("rows", 0, rand(2, 3), rand(4, 3), rand(1, 3), dtypes=MOVED, second=True),
    concat("columns", 1, rand(3, 2), rand(3, 5), dtypes=MOVED),
    concat("equal", -1, rand(3, 2), rand(3, 2)),
    concat("middle", 1, rand(2, 3, 5), rand(2, 1, 5), rand(2, 4, 5)),
    concat("negative", -2, rand(2, 3, 5), rand(2, 4, 5)),
    concat("with_empty", 0, rand(0, 3), rand(2, 3)),
    concat("vectors", 0, rand(3), rand(1), rand(17)),
    concat("one", 0, rand(3)),
    Case(
        "concat_old_order",
        lambda a, b: tf.concat(1, [a, b]),
        [rand(3, 2), rand(3, 5)],
        lambda a, b: np.concatenate([a, b], 1),
    ),
    Case(
        "concat_dim_keyword",
        lambda a, b: tf.concat(concat_dim=1, values=[a, b]),
        [rand(3, 2), rand(3, 5)],
        lambda a, b: np.concatenate([a, b], 1),
    ),
    Case(
        "concat_fed_axis",
        lambda a, b, axis: tf.concat([a, b], axis),
        [rand(3, 2), rand(3, 2), np.int64(1)],
        lambda a, b, axis: np.concatenate([a, b], 1),
    ),
    Case(
        "concat_v1",
        lambda a, b, axis: tf.raw.Concat(axis, [a, b]),
        [rand(3, 2), rand(3, 2), np.int32(-1)],
        lambda a, b, axis: np.concatenate([a, b], 1),
        ops=("Concat",),
    ),
    Case(
        "concat_strings",
        lambda a, b: tf.concat([a, b], 0),
        [np.array([b"a", b"b" * 50], object), np.array([b""], object)],
        lambda a, b: np.concatenate([a, b]),
        dtypes=(),
        grad=False,
    ),
    Case(
        "concat_offset",
        lambda *s: tf.raw.ConcatOffset(1, list(s)),
        [np.int32([2, 3, 5]), np.int32([2, 4, 5]), np.int32([2, 1, 5])],
        lambda *s: [np.int32([0, 0, 0]), np.int32([0, 3, 0]), np.int32([0, 7, 0])],
        dtypes=(),
        grad=False,
        ops=("ConcatOffset",),
    ),
    stack("first", 0, rand(2, 3), rand(2, 3), dtypes=MOVED, second=True),
    stack("middle", 1, rand(2, 3), rand(2, 3), rand(2, 3)),
    stack("last", -1, rand(2, 3), rand(2, 3)),
    stack("scalars", 0, rand(), rand(), rand()),
    stack("one", 0, rand(5)),
    stack("empty", 1, rand(2, 0), rand(2, 0)),
    Case("stack_mixed", lambda t: tf.stack([t, 2.0, t]), [rand()], lambda a: np.array([a, 2.0, a])),
    Case("stack_constants", lambda: tf.stack([1, 2]), [], lambda: np.int32([1, 2]), dtypes=(), grad=False),
    Case(
        "parallel_stack",
        lambda a: tf.parallel_stack([tf.ones([2]), tf.zeros([2])]),
        [ints(1)],
        lambda a: np.eye(2)[:, :1] * np.ones(2),
        (),
        False,
    ),
]


def _run(a, b, axis=0):
    with tf.Session() as sess:
        p, q = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
        k = tf.placeholder(tf.int32, [])
        sess.run(tf.concat([p, q], k), {p: a, q: b, k: axis})


BAD = [
    Bad("scalars", lambda: tf.concat([1.0, 2.0], 0), ValueError, "use tf.stack"),
    Bad("ranks", lambda: tf.concat([tf.zeros([2]), tf.zeros([2, 2])], 0), ValueError, "same rank"),
    Bad("sizes", lambda: tf.concat([tf.zeros([2, 3]), tf.zeros([2, 4])], 0), ValueError, "only dimension 0 may differ"),
    Bad("axis", lambda: tf.concat([tf.zeros([2]), tf.zeros([2])], 1), ValueError, "out of range"),
    Bad("dtypes", lambda: tf.concat([tf.zeros([2]), tf.zeros([2], tf.int32)], 0), (TypeError, ValueError), "int32"),
    Bad("no_axis", lambda: tf.concat([tf.zeros([2])]), TypeError, "axis"),
    Bad("run_sizes", lambda: _run(np.zeros((2, 3)), np.zeros((2, 4))), tf.errors.InvalidArgumentError, "may differ"),
    Bad(
        "run_axis", lambda: _run(np.zeros((2, 3)), np.zeros((2, 3)), 2), tf.errors.InvalidArgumentError, "out of range"
    ),
    Bad("run_scalars", lambda: _run(np.float32(1), np.float32(2)), tf.errors.InvalidArgumentError, "use tf.stack"),
    Bad("stack_shapes", lambda: tf.stack([tf.zeros([2]), tf.zeros([3])]), ValueError, "not compatible"),
    Bad("stack_axis", lambda: tf.stack([tf.zeros([2]), tf.zeros([2])], 2), ValueError, "axis = 2 not in"),
]
