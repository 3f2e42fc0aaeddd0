"""softmax, log_softmax."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, FLOATS, Bad, Case, rand


def _softmax(a, axis=-1):
    with np.errstate(invalid="ignore"):
        e = np.exp(a - a.max(axis, keepdims=True)) if a.size else a
        return e / e.sum(axis, keepdims=True)


def _log_softmax(a, axis=-1):
    if not a.size:
        return a
    with np.errstate(invalid="ignore"):
        d = a - a.max(axis, keepdims=True)
        return d - np.log(np.exp(d).sum(axis, keepdims=True))


def _both(name, x, axis=-1, **options):
    return Case(
        name,
        lambda t: [tf.nn.softmax(t, axis), tf.nn.log_softmax(t, axis)],
        [x],
        lambda a: [_softmax(a, axis), _log_softmax(a, axis)],
        ops=("Softmax", "LogSoftmax"),
        **options,
    )


_INF, _NAN = np.inf, np.nan

CASES = [
    _both("vector", rand(10), second=True),
    _both("rank3", rand(2, 3, 17), dtypes=ALL_FLOATS),
    _both("one_class", rand(4, 1)),
    _both("empty", np.zeros([0, 5])),
    _both("no_class", np.zeros([3, 0])),
    _both("axis0", rand(5, 7), 0),
    _both("axis1", rand(3, 4, 5), 1, second=True),
    _both("rank4", rand(2, 3, 2, 33), -1),
    # Rows of several blocks, the maximum in the last one, the others far below.
    _both(
        "blocks", np.concatenate([rand(2, 3000), rand(2, 2500, low=20, high=60)], 1), grad=False, tol={"float32": 1e-5}
    ),
    _both("long", rand(1, 140_001, low=-20, high=20), grad=False, dtypes=("float32",), tol=2e-5),
    _both("half_blocks", rand(2, 2500), grad=False, dtypes=("float16", "bfloat16"), tol=1e-2),
    _both("huge", np.array([[1000.0, 999, -1e30], [-1e38, -1e38, 0], [1e38, -1e38, 0]]), dtypes=FLOATS, grad=False),
    _both("half_huge", np.array([[60000.0, 59000, 100], [-60000, -60000, -60000]]), dtypes=("float16",), grad=False),
    # Rows by TensorFlow: NaN, +inf, or nothing but -inf make NaN; -inf beside others is a 0.
    Case(
        "not_finite",
        lambda x: [tf.nn.softmax(x), tf.nn.log_softmax(x)],
        [np.array([[-_INF, -_INF], [_INF, 1], [_NAN, 1], [1, _NAN], [-_INF, 3]])],
        lambda a: [np.array([[_NAN] * 2] * 4 + [[0, 1]]), np.array([[_NAN] * 2] * 4 + [[-_INF, 0]])],
        dtypes=ALL_FLOATS,
        grad=False,
    ),
    Case(
        "not_finite_blocks",
        lambda x: [tf.reduce_max(tf.nn.softmax(x)), tf.reduce_sum(tf.nn.softmax(x[:2200]))],
        [np.where(np.arange(5000) == 4500, _NAN, np.where(np.arange(5000) < 2100, -_INF, 1.0))],
        lambda a: [_NAN, 1.0],
        grad=False,
    ),
    Case("old_dim", lambda x: tf.nn.softmax(x, dim=0), [rand(3, 4)], lambda a: _softmax(a, 0)),
]

BAD = [
    Bad("scalar", lambda: tf.nn.softmax(1.0), ValueError, "rank"),
    Bad("ints", lambda: tf.nn.softmax([1, 2]), TypeError, "int32"),
    Bad("axis", lambda: tf.nn.softmax([1.0, 2.0], axis=1), ValueError, "axis"),
    Bad("two_axes", lambda: tf.nn.softmax([1.0, 2.0], axis=0, dim=0), ValueError, "Cannot specify both"),
]
