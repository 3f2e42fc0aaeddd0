"""split and unstack, against NumPy's."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")


def split(name, x, parts, axis=0, **kwargs):
    at = parts if isinstance(parts, int) else np.cumsum(parts)[:-1]
    return Case(
        f"split_{name}",
        lambda t: tf.split(t, parts, axis),
        [x],
        lambda a: np.split(a, at, axis),
        ops=("Split" if isinstance(parts, int) else "SplitV",),
        **kwargs,
    )


def unstack(name, x, axis, **kwargs):
    n = x.shape[axis]
    return Case(
        f"unstack_{name}",
        lambda t: tf.unstack(t, n, axis),
        [x],
        lambda a: [np.take(a, i, axis) for i in range(n)],
        ops=("Unpack",),
        **kwargs,
    )


CASES = [
    split("rows", rand(6, 5), 3, dtypes=MOVED, second=True),
    split("columns", rand(3, 8), 2, 1, dtypes=MOVED),
    split("negative", rand(2, 3, 8), 4, -1),
    split("one", rand(3, 2), 1),
    split("empty", rand(0, 4), 2, 1),
    split("sizes", rand(6, 5), [1, 3, 2], dtypes=MOVED, second=True),
    split("size_zero", rand(3, 5), [2, 0, 3], 1),
    split("size_one", rand(3), [3]),
    Case("split_rest", lambda t: tf.split(t, [1, -1, 2], 1), [rand(3, 6)], lambda a: np.split(a, [1, 4], 1)),
    Case("split_old_order", lambda t: tf.split(1, 4, t), [rand(3, 8)], lambda a: np.split(a, 4, 1)),
    Case(
        "split_old_keywords",
        lambda t: tf.split(split_dim=1, num_split=2, value=t),
        [rand(3, 8)],
        lambda a: np.split(a, 2, 1),
    ),
    Case(
        "split_fed_sizes",
        lambda t, s: tf.split(t, s, num=2),
        [rand(5, 2), np.int64([2, -1])],
        lambda a, s: np.split(a, [2]),
    ),
    Case(
        "split_fed_axis",
        lambda t, axis: tf.split(t, 2, axis),
        [rand(4, 6), np.int32(-1)],
        lambda a, axis: np.split(a, 2, 1),
    ),
    Case("split_unused_part", lambda t: tf.split(t, 2)[1], [rand(4, 3)], lambda a: a[2:]),
    unstack("first", rand(3, 4), 0, dtypes=MOVED, second=True),
    unstack("middle", rand(2, 3, 4), 1),
    unstack("last", rand(2, 5), -1),
    unstack("to_scalars", rand(3), 0),
    unstack("empty", rand(2, 0), 0),
    Case(
        "unstack_strings",
        lambda t: tf.unstack(t, 2),
        [np.array([[b"a"], [b"b" * 40]], object)],
        lambda a: [a[0], a[1]],
        dtypes=(),
        grad=False,
    ),
]


def _run(x, sizes):
    with tf.Session() as sess:
        p, s = tf.placeholder(tf.float32), tf.placeholder(tf.int32, [2])
        sess.run(tf.split(p, s), {p: x, s: sizes})


BAD = [
    Bad("uneven", lambda: tf.split(tf.zeros([5, 2]), 2), ValueError, "cannot be split into 2"),
    Bad("axis", lambda: tf.split(tf.zeros([4]), 2, 1), ValueError, "out of range"),
    Bad("scalar", lambda: tf.split(tf.zeros([]), 2), ValueError, "rank at least 1"),
    Bad("sum", lambda: tf.split(tf.zeros([5]), [2, 2]), ValueError, "add up to 4"),
    Bad("too_many", lambda: tf.split(tf.zeros([5]), [4, 4, -1]), ValueError, "add up to 8"),
    Bad("two_open", lambda: tf.split(tf.zeros([5]), [-1, -1]), ValueError, "only one"),
    Bad("negative", lambda: tf.split(tf.zeros([5]), [7, -2]), ValueError, "negative"),
    Bad("no_value", lambda: tf.split(num_split=2), TypeError, "value"),
    Bad("rank_0", lambda: tf.split(tf.zeros([4]), tf.constant(2)), ValueError, "Rank-0"),
    Bad("num", lambda: tf.split(tf.zeros([4]), tf.placeholder(tf.int32)), ValueError, "Cannot infer num"),
    Bad("run_sum", lambda: _run([1.0, 2.0, 3.0], [1, 1]), tf.errors.InvalidArgumentError, "add up to 2"),
    Bad("unstack_num", lambda: tf.unstack(tf.zeros([3]), 2), ValueError, "cannot be unpacked into num = 2"),
    Bad("unstack_unknown", lambda: tf.unstack(tf.placeholder(tf.float32, [None])), ValueError, "Cannot infer num"),
    Bad("unstack_axis", lambda: tf.unstack(tf.zeros([3]), axis=1), ValueError, "axis = 1 not in"),
    Bad("unstack_scalar", lambda: tf.unstack(tf.zeros([]), 1), ValueError, "rank at least 1"),
]
