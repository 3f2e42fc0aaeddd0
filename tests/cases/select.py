"""Select, SelectV2, ClipByValue."""

import math

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, bools, distinct, ints, rand
from tfmini import raw

CASES = [
    Case("select", tf.select, [bools(5, 7), rand(5, 7), rand(5, 7)], np.where, dtypes=ALL_FLOATS, ops=("Select",),
         second=True),
    Case("where", tf.where, [bools(5, 7), rand(5, 7), rand(5, 7)], np.where),
    Case("select_rows", tf.where, [bools(5), rand(5, 3, 2), rand(5, 3, 2)], lambda c, a,
         b: np.where(c[:, None, None], a, b)),
    Case("select_long_rows", tf.where, [bools(5), rand(5, 300), rand(5, 300)], lambda c, a,
         b: np.where(c[:, None], a, b)),
    Case("select_scalar", tf.where, [np.array(True), rand(5), rand(5)], np.where),
    Case("select_int8", tf.where, [bools(70), ints(70, dtype="int8"), ints(70, dtype="int8")], np.where, dtypes=()),
    Case("select_string", tf.where, [bools(3), np.array([b"a", b"b", b"c"], object),
                                     np.array([b"x", b"y", b"z"], object)], np.where,
         dtypes=()),
    Case("select_nan", tf.where, [np.array([True, False]), np.array([1.0, math.nan]), np.array([math.nan, 2.0])],
         lambda c, a, b: np.array([1.0, 2.0]), grad=False),
    Case("where_v2", tf.where_v2, [bools(5, 1), rand(7), rand()], np.where, ops=("SelectV2",), dtypes=ALL_FLOATS,
         second=True),
    Case("where_v2_long", tf.where_v2, [bools(400), rand(3, 1), rand(400)], np.where),
    Case("where_v2_empty", tf.where_v2, [bools(0), rand(3, 1), rand()], np.where),
    Case("clip_by_value", lambda t: tf.clip_by_value(t, -0.5, 0.5), [distinct(5, 7)], lambda t: np.clip(t, -0.5, 0.5),
         dtypes=ALL_FLOATS),
    Case("clip_by_vector", tf.clip_by_value, [distinct(5, 7), np.linspace(-0.61, -0.11, 7), np.array(0.333)], np.clip),
    Case("clip_op", raw.ClipByValue, [distinct(5, 7), np.array(-0.333), np.array(0.333)], np.clip,
         ops=("ClipByValue",)),
    Case("clip_op_crossed", raw.ClipByValue, [np.array([math.nan, 1, 5, 9]), np.array(4.0), np.array(3.0)],
         lambda t, a, b: np.array([math.nan, 3, 3, 3]), grad=False),
    Case("clip_int", lambda t: tf.clip_by_value(t, 2, 5), [ints(19)], lambda t: np.clip(t, 2, 5), dtypes=()),
]  # fmt: skip
BAD = [
    Bad(
        "select_shapes",
        lambda: tf.where(tf.constant([True]), tf.zeros([2]), tf.zeros([3])),
        ValueError,
        r"\[2\].*\[3\]",
    ),
    Bad(
        "select_condition",
        lambda: tf.where(tf.constant([True] * 3), tf.zeros([2]), tf.zeros([2])),
        ValueError,
        "condition",
    ),
    Bad("select_one", lambda: tf.where(tf.constant([True]), tf.zeros([1])), ValueError, "both"),
    Bad("clip_enlarges", lambda: tf.clip_by_value(tf.zeros([3]), tf.zeros([2, 3]), 1.0), ValueError, r"\[?\(?3"),
    Bad(
        "clip_op_enlarges",
        lambda: raw.ClipByValue(tf.zeros([3]), tf.zeros([2, 3]), 1.0),
        ValueError,
        "does not broadcast",
    ),
]
