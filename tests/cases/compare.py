"""Comparisons and logic."""

import math

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_INTS, Bad, Case, bools, ints
from tfmini import raw

X = np.array([-1.0, 0, 1, 2, math.inf, -math.inf, math.nan, -0.0] * 5)
Y = np.roll(X, 3)
ROWS = [
    ("less", "Less", np.less),
    ("less_equal", "LessEqual", np.less_equal),
    ("greater", "Greater", np.greater),
    ("greater_equal", "GreaterEqual", np.greater_equal),
    ("equal", "Equal", np.equal),
    ("not_equal", "NotEqual", np.not_equal),
]
DTYPES = ("float32", "float64", "float16", "bfloat16")
CASES = [Case(n, getattr(tf, n), [X, Y], ref, dtypes=DTYPES, ops=(op,), grad=False) for n, op, ref in ROWS]
CASES += [
    Case(f"{n}_{d}", getattr(tf, n), [ints(37, high=3, dtype=d), ints(37, high=3, dtype=d)], ref, dtypes=())
    for n, _, ref in ROWS
    for d in ALL_INTS
]
CASES += [
    Case(f"{n}_broadcast", getattr(tf, n), [ints(7, 1, high=3), ints(300, high=3)], ref, dtypes=())
    for n, _, ref in ROWS
]
CASES += [
    Case("equal_bool", tf.equal, [bools(40), bools(40)], np.equal, dtypes=()),
    Case("equal_string", tf.equal, [np.array([b"a", b"b"], object), np.array(b"a", object)],
         lambda x, y: np.array([True, False]), dtypes=()),
    Case("not_equal_string", tf.not_equal, [np.array([b"a", b"b"], object), np.array(b"a", object)],
         lambda x, y: np.array([False, True]), dtypes=()),
    Case("equal_incompatible", lambda x, y: raw.Equal(x, y, incompatible_shape_error=False), [ints(3), ints(4)],
         lambda x, y: np.array(False), dtypes=()),
    Case("logical_and", tf.logical_and, [bools(3, 17), bools(17)], np.logical_and, dtypes=(), ops=("LogicalAnd",)),
    Case("logical_or", tf.logical_or, [bools(40), bools(40)], np.logical_or, dtypes=(), ops=("LogicalOr",)),
    Case("logical_not", tf.logical_not, [bools(40)], np.logical_not, dtypes=(), ops=("LogicalNot",)),
    Case("logical_xor", tf.logical_xor, [bools(40), bools(40)], np.logical_xor, dtypes=()),
    Case("approximate_equal", lambda x, y: tf.approximate_equal(x, y, 0.5), [np.array([1.0, 2, 3, math.nan]),
         np.array([1.25, 3, 3, math.nan])], lambda x, y: np.array([True, False, True, False]), dtypes=DTYPES,
         ops=("ApproximateEqual",), grad=False),
]  # fmt: skip
BAD = [
    Bad("less_bool", lambda: tf.less([True], [False]), TypeError, "bool"),
    Bad("and_of_numbers", lambda: tf.logical_and(tf.zeros([2]), tf.zeros([2])), (TypeError, ValueError), "bool"),
    Bad("equal_shapes", lambda: tf.equal(tf.zeros([2]), tf.zeros([3])), ValueError, r"\[2\].*\[3\]"),
    Bad("approximate_shapes", lambda: tf.approximate_equal(tf.zeros([2]), tf.zeros([1, 2])), ValueError, "compatible"),
]
