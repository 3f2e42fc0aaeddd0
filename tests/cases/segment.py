"""Segment reductions, against loops over segments."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, distinct, ints, rand

SORTED = np.int32([0, 0, 1, 3, 3, 3, 4])
MIXED = np.int64([2, 0, 2, -1, 5, 0, 2])
NUMBERS = (*ALL_FLOATS, "int32", "int64")
FOLDS = {"sum": np.sum, "prod": np.prod, "min": np.min, "max": np.max, "mean": np.mean}


def folded(data, ids, n, fold, empty):
    data, ids = np.asarray(data), np.asarray(ids)
    flat = data.reshape(ids.size, *data.shape[ids.ndim :])
    rows = []
    for s in range(n):
        chosen = flat[ids.ravel() == s]
        rows.append(fold(chosen, axis=0) if len(chosen) else np.full(flat.shape[1:], empty))
    return np.array(rows).reshape(n, *flat.shape[1:]).astype(data.dtype)


def by_sorted(kind, x, ids=SORTED, name="", **kwargs):
    fn = getattr(tf, f"segment_{kind}")
    empty = 1 if kind == "prod" else 0
    return Case(
        f"segment_{kind}{name}",
        lambda t, i: fn(t, i),
        [x, ids],
        lambda a, i: folded(a, i, int(i[-1]) + 1 if len(i) else 0, FOLDS[kind], empty),
        ops=(f"Segment{kind.capitalize()}",),
        **kwargs,
    )


def extreme(dtype, highest):
    info = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else np.finfo(dtype)
    return info.max if highest else info.min


def unsorted(kind, x, ids=MIXED, name="", n=7, **kwargs):
    fn = getattr(tf, f"unsorted_segment_{kind}")
    op = () if kind == "mean" else (f"UnsortedSegment{kind.capitalize()}",)
    empty = {"prod": 1}.get(kind, 0)
    return Case(
        f"unsorted_segment_{kind}{name}",
        lambda t, i: fn(t, i, n),
        [x, ids],
        lambda a, i: folded(a, i, n, FOLDS[kind], empty),
        ops=op,
        **kwargs,
    )


LOOSE = {"float16": 1e-2, "bfloat16": 6e-2, "float32": 1e-4}
FULL = np.int32([0, 1, 0, 2, 1, 2, 2])

CASES = [
    by_sorted("sum", rand(7, 3), dtypes=NUMBERS, tol=LOOSE, second=True),
    by_sorted("mean", rand(7, 3), dtypes=ALL_FLOATS, tol=LOOSE, second=True),
    by_sorted("prod", rand(7, 3), dtypes=NUMBERS, tol=LOOSE),
    by_sorted("min", distinct(7, 3), dtypes=NUMBERS),
    by_sorted("max", distinct(7, 3), dtypes=NUMBERS),
    by_sorted("sum", rand(7), name="_vector"),
    by_sorted("sum", rand(0, 3), np.zeros(0, np.int32), name="_empty"),
    by_sorted("prod", np.array([[0.0], [2.0], [3.0], [0.0], [0.0], [5.0], [2.0]]), name="_zeros"),
    unsorted("sum", rand(7, 3), dtypes=NUMBERS, tol=LOOSE, second=True),
    unsorted("mean", rand(7, 3), tol=LOOSE),
    unsorted("prod", rand(7, 3), dtypes=NUMBERS, tol=LOOSE),
    unsorted("prod", np.array([[0.0], [2.0], [3.0], [0.0], [0.0], [5.0], [2.0]]), name="_zeros"),
    unsorted("min", distinct(7, 3), FULL, n=3, dtypes=NUMBERS),
    unsorted("max", distinct(7, 3), FULL, n=3, dtypes=NUMBERS),
    unsorted("sum", rand(7), name="_vector"),
    unsorted("sum", rand(2, 3, 4), ints(2, 3, low=-1, high=4), name="_table", n=4),
    unsorted("sum", rand(), np.int32(1), name="_scalar", n=3),
    unsorted("sum", rand(0, 3), np.zeros(0, np.int32), name="_empty", n=2),
    unsorted("sum", rand(4000, 65), ints(4000, high=300), name="_many", n=300, tol={"float32": 1e-4}),
    Case(
        "unsorted_segment_max_none",
        lambda t: tf.unsorted_segment_max(t, [-1], 1),
        [rand(1)],
        lambda a: np.array([-65504.0]),
        dtypes=("float16",),
        grad=False,
    ),
    Case(
        "unsorted_segment_min_none",
        lambda t: tf.unsorted_segment_min(t, [1, 1], 2),
        [np.array([3, 2], np.int32)],
        lambda a: np.int32([2**31 - 1, 2]),
        dtypes=(),
        grad=False,
    ),
    Case(
        "unsorted_segment_fed",
        tf.unsorted_segment_sum,
        [rand(7, 2), MIXED, np.int64(6)],
        lambda a, i, n: folded(a, i, 6, np.sum, 0),
    ),
    Case(
        "unsorted_segment_sqrt_n",
        lambda t: tf.unsorted_segment_sqrt_n(t, FULL, 4),
        [rand(7, 2)],
        lambda a: folded(a, FULL, 4, np.sum, 0) / np.sqrt(np.maximum(np.bincount(FULL, minlength=4), 1))[:, None],
    ),
]


def _run(fn, ids, *args):
    with tf.Session() as sess:
        i = tf.placeholder(tf.int32, [2])
        sess.run(fn(tf.zeros([2, 3]), i, *args), {i: ids})


INVALID = tf.errors.InvalidArgumentError

BAD = [
    Bad("length", lambda: tf.segment_sum(tf.zeros([3]), [0, 1]), ValueError, "must agree"),
    Bad("scalar", lambda: tf.segment_sum(1.0, [0]), ValueError, "rank at least 1"),
    Bad("ids_rank", lambda: tf.segment_sum(tf.zeros([2, 2]), [[0, 1]]), ValueError, "rank 1"),
    Bad("prefix", lambda: tf.unsorted_segment_sum(tf.zeros([2, 3]), [0, 0, 0], 1), ValueError, "does not start with"),
    Bad("num", lambda: tf.unsorted_segment_sum(tf.zeros([2]), [0, 0], -1), ValueError, "num_segments must not"),
    Bad("strings", lambda: tf.unsorted_segment_sum(["a"], [0], 1), (TypeError, ValueError), "string"),
    Bad("run_decreasing", lambda: _run(tf.segment_sum, [1, 0]), INVALID, "must not decrease"),
    Bad("run_negative", lambda: _run(tf.segment_max, [-1, 0]), INVALID, "must not be negative"),
    Bad("run_id", lambda: _run(tf.unsorted_segment_sum, [0, 5], 5), INVALID, r"segment_ids\[1\] = 5"),
]
