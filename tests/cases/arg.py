"""argmax, argmin."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_INTS, FLOATS, HALVES, Bad, Case, distinct, ints


def _case(name, x, axis, **options):
    return Case(
        name,
        lambda t: [tf.argmax(t, axis), tf.argmin(t, axis, output_type=tf.int32)],
        [x],
        lambda a: [a.argmax(axis), a.argmin(axis).astype(np.int32)],
        grad=False,
        ops=("ArgMax", "ArgMin"),
        **options,
    )


_NAN = np.nan
CASES = [
    _case("vector", distinct(37), 0, dtypes=(*FLOATS, *HALVES)),
    _case("last", distinct(13, 10), 1, dtypes=(*FLOATS, *HALVES)),
    _case("last_long", distinct(3, 2100), -1),
    _case("first", distinct(19, 33), 0, dtypes=(*FLOATS, *HALVES)),
    _case("first_wide", distinct(3, 1300), 0),
    _case("middle", distinct(4, 9, 7), 1),
    _case("one_element", distinct(1, 1), 1),
    _case("empty_result", np.zeros([0, 3]), 1),
    *[_case(f"rows_{d}", ints(5, 40, low=0, high=120, dtype=d), 1, dtypes=()) for d in (*ALL_INTS, "uint32", "uint64")],
    # Vectors, their tails, and more steps than a byte or two count.
    *[_case(f"tail_{n}", distinct(2, n), 1, dtypes=(*FLOATS, *HALVES)) for n in (15, 16, 17, 31, 33, 64, 127, 131)],
    *[_case(f"long_{d}", ints(2, 20_011, low=0, high=100, dtype=d), 1, dtypes=()) for d in ("int8", "uint8", "int64")],
    _case("long_float", np.tile(ints(3, 200_000).astype(np.float64), 3), 1, dtypes=("float32",)),
    *[_case(f"tall_{d}", ints(300, 70, low=0, high=100, dtype=d), 0, dtypes=()) for d in ("int8", "uint16", "int32")],
    _case("tall_float", ints(33_000, 9).astype(np.float64), 0, dtypes=FLOATS),
    _case("ties", np.array([[1.0, 3, 3, 1], [0, 0, 0, 0]]), 1),
    _case("infinite", np.array([[-np.inf, -np.inf], [-np.inf, np.finfo("float32").min], [np.inf, np.inf]]), 1),
    # TensorFlow passes over NaN, NumPy does not.
    Case(
        "nan",
        lambda x: [tf.argmax(x, 1), tf.argmin(x, 1)],
        [np.array([[_NAN, 1, 2], [1, _NAN, 2], [2, 1, _NAN], [_NAN, _NAN, _NAN]])],
        lambda a: [np.array([2, 2, 0, 0]), np.array([1, 0, 1, 0])],
        grad=False,
    ),
    Case(
        "nan_long",
        lambda x: tf.argmax(x, 0),
        [np.where(np.arange(1200) % 7 == 0, _NAN, np.arange(1200.0) % 1100)],
        lambda a: np.int64(1098),
        grad=False,
    ),
    Case("computed_axis", tf.argmax, [distinct(4, 5), np.int32(-2)], lambda a, axis: a.argmax(0), grad=False),
    Case("default_axis", tf.argmax, [distinct(4, 5)], lambda a: a.argmax(0), grad=False),
    Case(
        "old_names",
        lambda x: [tf.arg_max(x, 1), tf.argmax(x, dimension=1), tf.arg_min(x, 0)],
        [distinct(4, 5)],
        lambda a: [a.argmax(1), a.argmax(1), a.argmin(0)],
        grad=False,
    ),
]


def _run(t):
    with tf.Session() as sess:
        return sess.run(t)


BAD = [
    Bad("axis_out_of_range", lambda: tf.argmax(np.zeros([2, 3]), 2), ValueError, "dimension 2"),
    Bad("scalar", lambda: tf.argmax(1.0, 0), ValueError, "dimension 0 is out of range"),
    Bad("empty_axis", lambda: _run(tf.argmax(np.zeros([2, 0]), 1)), tf.errors.InvalidArgumentError, "empty"),
    Bad("two_axes", lambda: tf.argmax(np.zeros([2, 3]), axis=0, dimension=1), ValueError, "Cannot specify both"),
    Bad(
        "output_type",
        lambda: tf.argmax(np.zeros([2, 3]), 0, output_type=tf.float32),
        (TypeError, ValueError),
        "output_type",
    ),
]
