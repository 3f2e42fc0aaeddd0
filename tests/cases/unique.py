"""unique, unique_with_counts, setdiff1d."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, ALL_INTS, Bad, Case

VALUES = np.array([3.0, 1.0, 3.0, 2.0, 1.0, 1.0])
FED = {"dtypes": (), "grad": False}


def unique(x):
    x = np.asarray(x)
    y = list(dict.fromkeys(x.tolist()))
    return [np.array(y, x.dtype), np.int32([y.index(v) for v in x.tolist()])]


def counted(x):
    y, idx = unique(x)
    return [y, idx, np.bincount(idx, minlength=len(y)).astype(np.int32)]


def difference(x, y):
    keep = np.flatnonzero(~np.isin(x, y))
    return [x[keep], keep.astype(np.int32)]


CASES = [
    Case("unique", lambda t: tf.unique(t), [VALUES], unique, (*ALL_FLOATS, *ALL_INTS), False, ops=("Unique",)),
    Case("unique_int64", lambda t: tf.unique(t, tf.int64), [VALUES], unique, grad=False),
    Case("unique_empty", lambda t: tf.unique(t), [np.zeros(0)], unique, grad=False),
    Case(
        "unique_many",
        lambda t: tf.unique(t),
        [np.arange(5000, dtype=np.int64) * 7919 % 1013],
        unique,
        **FED,
    ),
    Case(
        "unique_signed_zero",
        lambda t: tf.unique(t),
        [np.array([0.0, -0.0, 1.0])],
        lambda a: [np.array([0.0, 1.0]), np.int32([0, 0, 1])],
        ALL_FLOATS,
        False,
    ),
    Case(
        "unique_nan",
        lambda t: tf.unique(t)[1],
        [np.array([np.nan, np.nan])],
        lambda a: np.int32([0, 1]),
        grad=False,
    ),
    Case("unique_strings", lambda t: tf.unique(t), [np.array([b"b", b"a", b"b"], object)], unique, **FED),
    Case(
        "unique_with_counts",
        lambda t: tf.unique_with_counts(t),
        [VALUES],
        counted,
        (*ALL_FLOATS, *ALL_INTS),
        False,
        ops=("UniqueWithCounts",),
    ),
    Case(
        "setdiff1d",
        lambda x, y: tf.setdiff1d(x, y),
        [VALUES, np.array([1.0, 7.0])],
        difference,
        (*ALL_FLOATS, "int32", "int64"),
        False,
        ops=("ListDiff",),
    ),
    Case("setdiff1d_all", lambda x, y: tf.setdiff1d(x, y), [VALUES, VALUES], difference, grad=False),
    Case("listdiff", lambda x: tf.listdiff(x, [2], tf.int64), [np.int32([1, 2, 3])], lambda x: [[1, 3], [0, 2]], **FED),
]

BAD = [
    Bad("rank", lambda: tf.unique([[1, 2]]), ValueError, "rank 1"),
    Bad("out_idx", lambda: tf.unique([1, 2], tf.float32), (TypeError, ValueError), "out_idx"),
    Bad("difference_rank", lambda: tf.setdiff1d(1, [1]), ValueError, "rank 1"),
]
