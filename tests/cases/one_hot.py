"""one_hot, against its definition."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, ints

LABELS = ints(7, low=-1, high=6)
TABLE = ints(3, 4, high=5, dtype="int64")


def one_hot(indices, depth, axis=-1):
    indices = np.asarray(indices)
    rows = (indices[..., None] == np.arange(depth)).astype(np.float64)
    return np.moveaxis(rows, -1, axis)


FED = {"dtypes": (), "grad": False}

CASES = [
    Case("one_hot", lambda i: tf.one_hot(i, 5), [LABELS], lambda i: one_hot(i, 5), ops=("OneHot",), **FED),
    Case("one_hot_scalar", lambda i: tf.one_hot(i, 5), [np.int32(2)], lambda i: one_hot(i, 5), **FED),
    Case("one_hot_table", lambda i: tf.one_hot(i, 5), [TABLE], lambda i: one_hot(i, 5), **FED),
    Case("one_hot_first", lambda i: tf.one_hot(i, 5, axis=0), [TABLE], lambda i: one_hot(i, 5, 0), **FED),
    Case("one_hot_middle", lambda i: tf.one_hot(i, 5, axis=1), [TABLE], lambda i: one_hot(i, 5, 1), **FED),
    Case("one_hot_uint8", lambda i: tf.one_hot(i, 300), [np.uint8([255, 0])], lambda i: one_hot(i, 300), **FED),
    Case("one_hot_depth_0", lambda i: tf.one_hot(i, 0), [LABELS], lambda i: np.zeros((7, 0)), **FED),
    Case("one_hot_empty", lambda i: tf.one_hot(i, 3), [np.zeros(0, np.int32)], lambda i: np.zeros((0, 3)), **FED),
    Case("one_hot_fed_depth", tf.one_hot, [LABELS, np.int32(4)], lambda i, d: one_hot(i, 4), **FED),
    Case(
        "one_hot_int64",
        lambda i: tf.one_hot(i, 5, dtype=tf.int64),
        [LABELS],
        lambda i: one_hot(i, 5).astype(int),
        **FED,
    ),
    Case(
        "one_hot_values",
        lambda i, on, off: tf.one_hot(i, 5, on, off),
        [LABELS, np.array(3.0), np.array(-1.0)],
        lambda i, on, off: np.where(one_hot(i, 5) > 0, on, off),
        dtypes=(*ALL_FLOATS, "int32", "int8"),
        grad=False,
    ),
    Case(
        "one_hot_bool",
        lambda i: tf.one_hot(i, 3, True, False),
        [LABELS],
        lambda i: one_hot(i, 3).astype(bool),
        **FED,
    ),
    Case(
        "one_hot_strings",
        lambda i: tf.one_hot(i, 2, "yes", "no"),
        [np.int32([1, 0])],
        lambda i: np.array([[b"no", b"yes"], [b"yes", b"no"]]),
        **FED,
    ),
]


def _run(depth):
    with tf.Session() as sess:
        d = tf.placeholder(tf.int32, [])
        sess.run(tf.one_hot([1], d), {d: depth})


BAD = [
    Bad("depth", lambda: tf.one_hot([0], -1), ValueError, "non-negative"),
    Bad("depth_rank", lambda: tf.one_hot([0], [3]), ValueError, "rank 0"),
    Bad("axis", lambda: tf.one_hot([0], 3, axis=2), ValueError, "out of range"),
    Bad("dtypes", lambda: tf.one_hot([0], 3, 1.0, 0), (TypeError, ValueError), "float32|int32"),
    Bad("dtype", lambda: tf.one_hot([0], 3, tf.constant(1.0), dtype=tf.int32), TypeError, "do not match"),
    Bad("float_indices", lambda: tf.one_hot([0.5], 3), (TypeError, ValueError), "float"),
    Bad("run_depth", lambda: _run(-2), tf.errors.InvalidArgumentError, "non-negative"),
]
