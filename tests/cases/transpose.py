"""transpose, matrix_transpose, invert_permutation, against NumPy's."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, ALL_INTS, Bad, Case, rand

MOVED = (*ALL_FLOATS, *ALL_INTS, "bool")


def transpose(name, x, perm, **kwargs):
    return Case(
        f"transpose_{name}",
        lambda t: tf.transpose(t, perm),
        [x],
        lambda a: np.transpose(a, perm),
        ops=("Transpose",),
        **kwargs,
    )


CASES = [
    transpose("matrix", rand(5, 7), [1, 0], dtypes=MOVED, second=True),
    transpose("identity", rand(5, 7), [0, 1]),
    transpose("negative", rand(2, 3, 4), [-1, 0, 1]),
    transpose("scalar", rand(), []),
    transpose("vector", rand(7), [0]),
    transpose("empty", rand(3, 0, 2), [2, 1, 0]),
    transpose("tails", rand(33, 65), [1, 0], dtypes=MOVED),
    transpose("tiles", rand(130, 259), [1, 0], dtypes=MOVED, work=(0, 2 * 130 * 259 * 4)),
    # Larger than the caches: written past them, in whole lines or not.
    transpose("large", np.arange(2112.0 * 2048).reshape(2112, 2048), [1, 0], grad=False),
    transpose(
        "large_halves",
        np.arange(3.0 * 4096 * 1024).reshape(3, 4096, 1024) % 1000,
        [0, 2, 1],
        dtypes=("float16",),
        grad=False,
    ),
    transpose("large_uneven", np.arange(2113.0 * 2051).reshape(2113, 2051), [1, 0], dtypes=("float32",), grad=False),
    transpose("nhwc_to_nchw", rand(2, 9, 7, 3), [0, 3, 1, 2], dtypes=MOVED),
    transpose("nchw_to_nhwc", rand(2, 19, 9, 17), [0, 2, 3, 1], dtypes=MOVED),
    transpose("heads", rand(2, 5, 3, 16), [0, 2, 1, 3]),
    transpose("pairs", rand(4, 6, 2), [1, 0, 2], dtypes=MOVED),
    transpose("quads", rand(4, 6, 4), [1, 0, 2], dtypes=MOVED),
    transpose("inside", rand(3, 5, 7), [0, 2, 1]),
    transpose("cycle", rand(3, 5, 7, 2), [3, 1, 2, 0]),
    transpose("size_one", rand(5, 1, 7), [2, 1, 0]),
    transpose("rank_6", rand(2, 3, 2, 3, 2, 3), [5, 3, 1, 4, 2, 0]),
    Case("transpose_reversed", tf.transpose, [rand(2, 3, 4)], np.transpose),
    Case(
        "transpose_fed_perm",
        tf.transpose,
        [rand(2, 3, 4), np.int64([1, 2, 0])],
        lambda a, p: np.transpose(a, (1, 2, 0)),
    ),
    Case(
        "transpose_strings",
        lambda t: tf.transpose(t),
        [np.array([[b"a", b"bc", b""], [b"d", b"e" * 40, b"f"]], object)],
        np.transpose,
        dtypes=(),
        grad=False,
    ),
    Case("matrix_transpose", tf.matrix_transpose, [rand(2, 3, 4)], lambda a: a.swapaxes(-1, -2)),
    Case(
        "invert_permutation",
        tf.invert_permutation,
        [np.int32([3, 4, 0, 2, 1])],
        np.argsort,
        dtypes=(),
        grad=False,
        ops=("InvertPermutation",),
    ),
]


def _run_perm(perm):
    with tf.Session() as sess:
        p = tf.placeholder(tf.int32, [None])
        sess.run(tf.transpose(tf.zeros([2, 3]), p), {p: perm})


def _invert(x):
    with tf.Session() as sess:
        sess.run(tf.invert_permutation(x))


BAD = [
    Bad("repeated", lambda: tf.transpose(tf.zeros([2, 3]), [0, 0]), ValueError, "twice"),
    Bad("range", lambda: tf.transpose(tf.zeros([2, 3]), [0, 2]), ValueError, "out of range"),
    Bad("length", lambda: tf.transpose(tf.zeros([2, 3]), [0]), ValueError, "one element per dimension"),
    Bad("run_repeated", lambda: _run_perm([1, 1]), tf.errors.InvalidArgumentError, "twice"),
    Bad("run_range", lambda: _run_perm([5, 1]), tf.errors.InvalidArgumentError, "out of range"),
    Bad("run_length", lambda: _run_perm([0]), tf.errors.InvalidArgumentError, "one element per dimension"),
    Bad("matrix_vector", lambda: tf.matrix_transpose(tf.zeros([3])), ValueError, "rank at least 2"),
    Bad("invert_twice", lambda: _invert([0, 0]), tf.errors.InvalidArgumentError, "duplicated"),
    Bad("invert_range", lambda: _invert([0, 5]), tf.errors.InvalidArgumentError, "not in"),
]
