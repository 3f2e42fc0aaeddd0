"""Scatter assignments: errors change nothing. Values: tests/golden/programs/training.py."""

import numpy as np
import pytest

import tfmini as tf

START = np.arange(12).reshape(4, 3)
KINDS = ("update", "add", "sub", "mul", "div", "min", "max")


pytestmark = pytest.mark.usefixtures("graph")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "int64", "uint8"])
def test_against_numpy(kind, dtype):
    ids = np.array([[3, 0], [3, 2]])
    updates = (np.arange(12) % 5 + 1).reshape(2, 2, 3).astype(dtype)
    want = (START + 1).astype(dtype)
    for row, update in zip(ids.ravel(), updates.reshape(4, 3)):
        if kind == "update":
            want[row] = update
        elif kind == "div" and np.dtype(dtype).kind in "iu":
            want[row] //= update
        else:
            names = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "true_divide", "min": "minimum"}
            want[row] = getattr(np, names.get(kind, "maximum"))(want[row], update)
    v = tf.Variable((START + 1).astype(dtype))
    op = getattr(tf, f"scatter_{kind}")(v, ids, updates)
    with tf.Session() as sess:
        sess.run(v.initializer)
        np.testing.assert_array_equal(sess.run(op), want)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.cpu
def test_index_out_of_range_changes_nothing(kind):
    v = tf.Variable(START.astype(np.float32))
    ids = tf.placeholder(tf.int64, [2])
    op = getattr(tf, f"scatter_{kind}")(v, ids, np.ones((2, 3), np.float32))
    with tf.Session() as sess:
        sess.run(v.initializer)
        for bad in ([0, 4], [-1, 0]):
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"is not in \[0, 4\)"):
                sess.run(op, {ids: bad})
        np.testing.assert_array_equal(sess.run(v), START)


def test_integer_division():
    low = np.iinfo(np.int32).min
    v = tf.Variable(np.array([6, low], np.int32))
    by = tf.placeholder(tf.int32, [2])
    op = tf.scatter_div(v, [0, 1], by)
    with tf.Session() as sess:
        sess.run(v.initializer)
        with pytest.raises(tf.errors.InvalidArgumentError, match="division by zero"):
            sess.run(op, {by: [2, 0]})
        assert sess.run(v).tolist() == [6, low]
        assert sess.run(op, {by: [-2, -1]}).tolist() == [-3, low]  # wraps around


def test_shapes():
    v = tf.Variable(START.astype(np.float32))
    with pytest.raises(ValueError, match=r"\[2,3\]"):
        tf.scatter_add(v, [0, 1], np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match=r"\[1,3\]"):
        tf.scatter_nd_add(v, [[0]], np.zeros((1, 2), np.float32))
    with pytest.raises(ValueError, match="3 columns"):
        tf.scatter_nd_add(v, [[0, 0, 0]], np.zeros(1, np.float32))


def test_strings():
    v = tf.Variable(["a", "b", "c"])
    op = tf.scatter_update(v, [2, 0], ["z", "y"])
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(op).tolist() == [b"y", b"b", b"z"]


def test_large():
    """Shared out by row, repeated rows in order."""
    rng = np.random.default_rng(1)
    ids, updates = rng.integers(0, 50, 20000), rng.standard_normal((20000, 32)).astype(np.float32)
    v = tf.Variable(np.zeros((50, 32), np.float32))
    last, total = tf.scatter_update(v, ids, updates), tf.scatter_add(v, ids, updates)
    want = np.zeros((50, 32), np.float32)
    with tf.Session() as sess:
        sess.run(v.initializer)
        got = sess.run(last)
        want[ids] = updates
        np.testing.assert_array_equal(got, want)
        got = sess.run(total)
        for i, u in zip(ids, updates):
            want[i] += u
        np.testing.assert_array_equal(got, want)
