"""dynamic_partition and dynamic_stitch, against NumPy's indexing."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, ints, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")
PARTS = np.int32([1, 0, 2, 1, 1, 0, 3])
TABLE = ints(2, 3, high=3)
FIRST, SECOND = np.int32([4, 0, 2]), np.int32([[1, 3], [5, 2]])


def partition(name, x, parts, n, **kwargs):
    return Case(
        f"dynamic_partition_{name}",
        lambda t, p: tf.dynamic_partition(t, p, n),
        [x, parts],
        lambda a, p: [a[p == i] for i in range(n)],
        ops=("DynamicPartition",),
        **kwargs,
    )


def stitched(i, j, a, b):
    out = np.zeros((6, *a.shape[1:]), a.dtype)
    out[i] = a
    out[j] = b
    return out


CASES = [
    partition("rows", rand(7, 3), PARTS, 5, dtypes=MOVED, second=True),
    partition("vector", rand(7), PARTS, 4),
    partition("table", rand(2, 3, 4), TABLE, 3),
    partition("empty", rand(0, 3), np.zeros(0, np.int32), 2),
    partition("one", rand(3), np.zeros(3, np.int32), 1),
    partition("scalar", rand(), np.int32(1), 2),
    Case(
        "dynamic_partition_strings",
        lambda t: tf.dynamic_partition(t, [1, 0], 2),
        [np.array([b"a", b"b" * 40], object)],
        lambda a: [a[1:], a[:1]],
        dtypes=(),
        grad=False,
    ),
    Case(
        "dynamic_stitch",
        lambda i, j, a, b: tf.dynamic_stitch([i, j], [a, b]),
        [FIRST, SECOND, rand(3, 2), rand(2, 2, 2)],
        stitched,
        dtypes=MOVED,
        grad=False,
        ops=("DynamicStitch",),
    ),
    Case(
        "dynamic_stitch_gap",
        lambda a: tf.dynamic_stitch([[3], [0]], [a, a]),
        [rand(1, 2)],
        lambda a: np.concatenate([a, np.zeros((2, 2)), a]),
    ),
    Case(
        "dynamic_stitch_scalars",
        lambda a, b: tf.dynamic_stitch([1, 0], [a, b]),
        [rand(), rand()],
        lambda a, b: np.array([b, a]),
    ),
    Case(
        "dynamic_stitch_empty",
        lambda a: tf.dynamic_stitch([np.zeros(0, np.int32)], [a]),
        [rand(0, 3)],
        lambda a: a,
    ),
    Case(
        "parallel_dynamic_stitch",
        lambda a, b: tf.parallel_dynamic_stitch([[0, 2], [1]], [a, b]),
        [rand(2, 3), rand(1, 3)],
        lambda a, b: np.stack([a[0], b[0], a[1]]),
        ops=("ParallelDynamicStitch",),
    ),
    Case(
        "partition_and_back",
        lambda t: tf.dynamic_stitch(tf.dynamic_partition(tf.range(7), PARTS, 4), tf.dynamic_partition(t, PARTS, 4)),
        [rand(7, 2)],
        lambda a: a,
    ),
]


def _partition(parts):
    with tf.Session() as sess:
        p = tf.placeholder(tf.int32, [2])
        sess.run(tf.dynamic_partition(tf.zeros([2]), p, 2), {p: parts})


def _stitch(indices):
    with tf.Session() as sess:
        i = tf.placeholder(tf.int32, [2])
        sess.run(tf.dynamic_stitch([i], [tf.zeros([2])]), {i: indices})


INVALID = tf.errors.InvalidArgumentError

BAD = [
    Bad("prefix", lambda: tf.dynamic_partition(tf.zeros([3]), [0, 1], 2), ValueError, "must start with"),
    Bad("count", lambda: tf.dynamic_partition(tf.zeros([1]), [0], 0), ValueError, "num_partitions"),
    Bad("run_partition", lambda: _partition([0, 2]), INVALID, r"partitions\[1\] = 2"),
    Bad("run_negative", lambda: _partition([-1, 0]), INVALID, r"partitions\[0\] = -1"),
    Bad("stitch_shape", lambda: tf.dynamic_stitch([[0, 1]], [tf.zeros([3])]), ValueError, "does not start with"),
    Bad(
        "stitch_slices",
        lambda: tf.dynamic_stitch([[0], [1]], [tf.zeros([1, 2]), tf.zeros([1, 3])]),
        ValueError,
        "not compatible",
    ),
    Bad("run_stitch", lambda: _stitch([0, -1]), INVALID, "must not be negative"),
]
