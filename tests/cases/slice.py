"""slice, against NumPy's."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")


def row(name, x, begin, size, **kwargs):
    box = tuple(slice(b, None if s < 0 else b + s) for b, s in zip(begin, size))
    return Case(f"slice_{name}", lambda t: tf.slice(t, begin, size), [x], lambda a: a[box], ops=("Slice",), **kwargs)


CASES = [
    row("box", rand(4, 5, 6), [1, 0, 2], [2, 4, 3], dtypes=MOVED, second=True),
    row("rest", rand(4, 5), [1, 2], [-1, -1]),
    row("all", rand(4, 5), [0, 0], [4, 5]),
    row("one", rand(4, 5), [3, 4], [1, 1]),
    row("nothing", rand(4, 5), [4, 2], [0, 3]),
    row("scalar", rand(), np.zeros(0, np.int32), np.zeros(0, np.int32)),
    row("wide", rand(3, 999), [1, 1], [2, 997]),
    Case(
        "slice_fed",
        lambda t, b, s: tf.slice(t, b, s),
        [rand(4, 5), np.int64([1, 2]), np.int64([2, -1])],
        lambda a, b, s: a[1:3, 2:],
    ),
    Case(
        "slice_fed_begin",
        lambda t, b: tf.slice(t, b, [2, 3]),
        [rand(4, 5), np.int32([1, 2])],
        lambda a, b: a[1:3, 2:5],
    ),
]


def _run(begin, size):
    with tf.Session() as sess:
        b = tf.placeholder(tf.int32, [2])
        sess.run(tf.slice(tf.zeros([4, 5]), b, size), {b: begin})


BAD = [
    Bad("beyond", lambda: tf.slice(tf.zeros([4, 5]), [1, 1], [2, 5]), ValueError, "beyond dimension 1"),
    Bad("begin", lambda: tf.slice(tf.zeros([4]), [5], [-1]), ValueError, "beyond"),
    Bad("begin_negative", lambda: tf.slice(tf.zeros([4]), [-1], [1]), ValueError, "negative"),
    Bad("size_negative", lambda: tf.slice(tf.zeros([4]), [0], [-2]), ValueError, ">= -1"),
    Bad("length", lambda: tf.slice(tf.zeros([4, 5]), [0], [1]), ValueError, "one element per dimension"),
    Bad("lengths", lambda: tf.slice(tf.zeros([4, 5]), [0, 0], [1]), ValueError, "must agree"),
    Bad("overflow", lambda: tf.slice(tf.zeros([4]), [1], [2**31 - 1]), ValueError, "beyond"),
    Bad("run_beyond", lambda: _run([3, 0], [2, 2]), tf.errors.InvalidArgumentError, "beyond dimension 0"),
    Bad("run_negative", lambda: _run([-1, 0], [2, 2]), tf.errors.InvalidArgumentError, "negative"),
    Bad("run_rest", lambda: _run([5, 0], [-1, -1]), tf.errors.InvalidArgumentError, "beyond"),
]
