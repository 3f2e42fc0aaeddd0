"""What may be fed, as what."""

import numpy as np
import pytest

import tfmini as tf


@pytest.fixture
def sess():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


@pytest.mark.parametrize(
    "value",
    [
        [[1, 2, 3]],
        ((1.0, 2.0, 3.0),),
        np.array([[1, 2, 3]]),
        np.array([[1, 2, 3]], np.float64),
        [np.array([1, 2, 3])],
        [[np.float32(1), 2, 3.0]],
        [range(1, 4)],
    ],
    ids=str,
)
def test_convertible_values(sess, value):
    x = tf.placeholder(tf.float32, [1, 3])
    np.testing.assert_array_equal(sess.run(x + 1.0, {x: value}), [[2, 3, 4]])


def test_scalars(sess):
    x, i, p = tf.placeholder(tf.float32, []), tf.placeholder(tf.int64, []), tf.placeholder(tf.bool, [])
    for f, n, b in ((1, 2, True), (1.0, np.int32(2), np.bool_(True)), (np.float64(1), np.array(2), 1)):
        assert sess.run([x * 2.0, i * 2, tf.logical_not(p)], {x: f, i: n, p: b}) == [2.0, 4, False]


def test_strings(sess):
    s = tf.placeholder(tf.string, [None])
    for value in (["a", "bc"], [b"a", b"bc"], np.array(["a", "bc"]), np.array([b"a", b"bc"], object)):
        assert sess.run(tf.identity(s), {s: value}).tolist() == [b"a", b"bc"]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0, dtype=np.float32).reshape(3, 4)[:, ::2],
        np.arange(6.0, dtype=np.float32).reshape(2, 3).T,
        np.arange(6.0, dtype=np.float32)[::-1].reshape(3, 2),
        np.arange(6.0, dtype=">f4").reshape(3, 2),
        np.frombuffer(b"\0" + np.arange(6.0, dtype=np.float32).tobytes(), np.float32, offset=1).reshape(3, 2),
        np.broadcast_to(np.float32(5), (3, 2)),
        np.asfortranarray(np.ones((3, 2), np.float32)),
    ],
    ids=["strided", "transposed", "reversed", "big_endian", "unaligned_read_only", "broadcast", "fortran"],
)
def test_layouts(sess, array):
    x = tf.placeholder(tf.float32, [3, 2])
    before = array.copy()
    np.testing.assert_array_equal(sess.run(x * 2.0, {x: array}), before * 2)
    np.testing.assert_array_equal(array, before)


def test_feeding_does_not_keep_the_array(sess):
    """Variables initialised from a feed own their contents."""
    x = tf.placeholder(tf.float32, [1000])
    v = tf.Variable(x)
    fed = np.ones(1000, np.float32)
    sess.run(v.initializer, {x: fed})
    fed[:] = 5
    np.testing.assert_array_equal(sess.run(v), 1)


def test_intermediate_tensors(sess):
    a = tf.constant(2.0, name="a")
    b = tf.multiply(a, 3.0, name="b")
    c = b + 1.0
    assert sess.run(c) == 7.0
    assert sess.run(c, {b: 10.0}) == 11.0
    assert sess.run(c, {a: 10.0}) == 31.0
    assert sess.run([a, b, c], {b: 10.0}) == [2.0, 10.0, 11.0]
    assert sess.run(c) == 7.0


def test_by_name(sess):
    x = tf.placeholder(tf.float32, [], name="x")
    tf.multiply(x, 2.0, name="y")
    assert sess.run("y:0", {"x:0": 4.0}) == 8.0
    with pytest.raises(TypeError, match="x"):
        sess.run("y:0", {"x": 4.0})  # an operation, not a tensor
    with pytest.raises(TypeError, match="nope:0"):
        sess.run("y:0", {"nope:0": 4.0})


def test_variable_read(sess):
    """A variable may be fed: the run then sees the fed value, and the variable keeps its own."""
    v = tf.Variable(1.0)
    y = v * 2.0
    sess.run(v.initializer)
    assert sess.run(y, {v: 10.0}) == 20.0
    assert sess.run(v) == 1.0


def test_default_of_placeholder_with_default(sess):
    x = tf.placeholder_with_default([1.0, 2.0], [None])
    y = x * 2.0
    np.testing.assert_array_equal(sess.run(y), [2, 4])
    np.testing.assert_array_equal(sess.run(y, {x: [5.0]}), [10])


def test_grouped_feeds(sess):
    a, b = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    assert sess.run(a - b, {(a, b): (5.0, 3.0)}) == 2.0


def test_shapes_change_from_run_to_run(sess):
    x = tf.placeholder(tf.float32, [None, 3])
    total = tf.reduce_sum(x, 0)
    for n in (1, 5, 0, 2, 5):
        np.testing.assert_array_equal(sess.run(total, {x: np.ones((n, 3))}), [n] * 3)
    unknown = tf.placeholder(tf.float32)
    rank = tf.rank(unknown)
    for shape in ((), (2,), (1, 2, 3)):
        assert sess.run(rank, {unknown: np.zeros(shape)}) == len(shape)


def test_extra_feeds_are_harmless(sess):
    x, unused = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    assert sess.run(x + 1.0, {x: 1.0, unused: 9.0}) == 2.0


def test_wrong_shape(sess):
    x = tf.placeholder(tf.float32, [None, 3], name="images")
    with pytest.raises(ValueError, match=r"\(2, 4\).*images:0.*\(\?, 3\)|images:0"):
        sess.run(x, {x: np.zeros((2, 4))})
    with pytest.raises(ValueError, match="images:0"):
        sess.run(x, {x: np.zeros(3)})


def test_wrong_dtype(sess):
    x = tf.placeholder(tf.float32, [2], name="x")
    i = tf.placeholder(tf.int32, [], name="i")
    for tensor, value in ((x, ["a", "b"]), (x, [{}, 1.0]), (i, "seven")):
        with pytest.raises((ValueError, TypeError)):
            sess.run(tensor, {tensor: value})
    with pytest.raises((TypeError, ValueError, OverflowError)):
        sess.run(i, {i: 2**40})


def test_ragged_list(sess):
    x = tf.placeholder(tf.float32, [None, None])
    with pytest.raises(ValueError):
        sess.run(x, {x: [[1.0, 2.0], [3.0]]})


def test_tensors_cannot_be_fed(sess):
    x = tf.placeholder(tf.float32, [])
    with pytest.raises(TypeError, match="[Tt]ensor"):
        sess.run(x, {x: tf.constant(1.0)})


def test_unfeedable(sess):
    x = tf.constant(1.0)
    with pytest.raises(TypeError):
        sess.run(x, {3: 4.0})
    with pytest.raises(TypeError, match="dict"):
        sess.run(x, [(x, 4.0)])
    sess.graph.prevent_feeding(x)
    with pytest.raises(ValueError, match="may not be fed|not feedable|cannot be fed"):
        sess.run(x, {x: 4.0})
