"""Assertions about values, and Print."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, rand


def _checked(check, *args):
    def fn(x):
        with tf.control_dependencies([check(x, *args)]):
            return tf.identity(x)

    return fn


def _fails(check, x, *args):
    def fn():
        p = tf.placeholder(tf.float32, [None])
        return tf.Session().run(check(p, *args), {p: x})

    return fn


SAME = {
    "equal": (tf.assert_equal, 1.0, np.ones(3)),
    "less": (tf.assert_less, 5.0, rand(3)),
    "less_equal": (tf.assert_less_equal, 5.0, rand(3)),
    "greater": (tf.assert_greater, -5.0, rand(3)),
    "greater_equal": (tf.assert_greater_equal, -5.0, rand(3)),
    "none_equal": (tf.assert_none_equal, 9.0, rand(3)),
    "near": (tf.assert_near, 1.0, np.ones(3)),
}

CASES = [
    Case(f"assert_{name}", _checked(f, y), [x], lambda x: x, ops=("Assert",), grad=False)
    for name, (f, y, x) in SAME.items()
] + [
    Case("assert_positive", _checked(tf.assert_positive), [np.ones(3)], lambda x: x, ops=("Assert",), grad=False),
    Case("print", lambda x: tf.Print(x, [], "", first_n=0) * 2.0, [rand(3, 3)], lambda x: 2 * x, ops=("Print",)),
    Case("is_non_decreasing", tf.is_non_decreasing, [np.array([1.0, 2, 2, 3])], lambda x: np.array(True), grad=False),
    Case(
        "is_strictly_increasing",
        tf.is_strictly_increasing,
        [np.array([1.0, 2, 2])],
        lambda x: np.array(False),
        grad=False,
    ),
]

BAD = [
    Bad(
        f"assert_{name}_fails",
        _fails(f, [3e9], -3e9 if "greater" not in name else 4e9),
        tf.errors.InvalidArgumentError,
        "did not hold",
    )
    for name, f in (("less", tf.assert_less), ("equal", tf.assert_equal), ("greater", tf.assert_greater))
] + [
    Bad("assert_static", lambda: tf.assert_equal(1, 2), tf.errors.InvalidArgumentError, "x == y did not hold"),
    Bad(
        "assert_data",
        lambda: tf.Session().run(tf.Assert(tf.constant(False), [tf.constant([1, 2, 3, 4]), "oops"])),
        tf.errors.InvalidArgumentError,
        r"\[1 2 3\.\.\.\] oops",
    ),
    Bad("assert_rank", lambda: tf.assert_rank(tf.zeros([2]), 2), ValueError, "rank 2"),
    Bad("assert_integer", lambda: tf.assert_integer(tf.zeros([2])), TypeError, "integer"),
    Bad("assert_scalar", lambda: tf.assert_scalar(tf.zeros([2])), ValueError, "scalar"),
]
