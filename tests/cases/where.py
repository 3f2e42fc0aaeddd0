"""where with one argument (np.argwhere) and with three."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, ALL_INTS, Bad, Case, bools, rand

FED = {"dtypes": (), "grad": False}

CASES = [
    Case("where", tf.where, [bools(3, 5)], np.argwhere, ops=("Where",), **FED),
    Case("where_vector", tf.where, [bools(33)], np.argwhere, **FED),
    Case("where_rank_4", tf.where, [bools(2, 3, 4, 5)], np.argwhere, **FED),
    Case("where_none", tf.where, [np.zeros((2, 3), bool)], np.argwhere, **FED),
    Case("where_all", tf.where, [np.ones((2, 3), bool)], np.argwhere, **FED),
    Case("where_empty", tf.where, [np.zeros((0, 3), bool)], np.argwhere, **FED),
    Case("where_true", tf.where, [np.array(True)], lambda a: np.zeros((1, 0), int), **FED),
    Case("where_false", tf.where, [np.array(False)], lambda a: np.zeros((0, 0), int), **FED),
    Case(
        "where_numbers",
        tf.where,
        [np.array([0.0, 1.0, -0.0, 2.0])],
        np.argwhere,
        (*ALL_FLOATS, *ALL_INTS),
        False,
    ),
    Case("where_nan", tf.where, [np.array([np.nan, 0.0])], np.argwhere, grad=False),
    Case("where_chosen", tf.where, [bools(3, 5), rand(3, 5), rand(3, 5)], np.where, ops=("Select",)),
    Case(
        "where_rows",
        tf.where,
        [bools(4), rand(4, 3), rand(4, 3)],
        lambda c, x, y: np.where(c[:, None], x, y),
    ),
]

BAD = [
    Bad("only_x", lambda: tf.where([True], [1.0]), ValueError, "both be non-None"),
    Bad("strings", lambda: tf.where(["a"]), (TypeError, ValueError), "string"),
]
