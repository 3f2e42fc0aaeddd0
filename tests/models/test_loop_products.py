"""Gradients of the weights of loops: one product over all iterations instead of one for each."""

import numpy as np
import pytest

import tfmini as tf

pytestmark = pytest.mark.usefixtures("graph")


def data(*shape):
    return np.random.default_rng(shape).normal(size=shape) * 0.3


def loop(x, w, steps):
    return tf.while_loop(lambda i, h: i < steps, lambda i, h: [i + 1, tf.tanh(tf.matmul(h, w))], [tf.constant(0), x])[1]


def unrolled(x, w, steps):
    for _ in range(steps):
        x = tf.tanh(tf.matmul(x, w))
    return x


def joined():
    return [op.type for op in tf.get_default_graph().get_operations()].count("TensorListConcatV2") == 2


@pytest.mark.parametrize("rows", [3, None])
@pytest.mark.parametrize("steps", [0, 1, 5])
def test_loop_equals_unrolled(rows, steps):
    x, w = tf.placeholder(tf.float64, [rows, 12]), tf.constant(data(12, 12))
    got = tf.gradients(loop(x, w, steps), [w, x])
    assert joined()
    expected = tf.gradients(unrolled(x, w, steps), [w, x])
    feed = {x: data(3, 12)}
    with tf.Session() as sess:
        got, expected = sess.run([got, expected if steps else [tf.zeros_like(w), expected[1]]], feed)
    for a, b in zip(got, expected):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


def test_gradient_of_the_gradient():
    x, w = tf.constant(data(2, 10)), tf.constant(data(10, 10))
    results = []
    for build in (loop, unrolled):
        first = tf.gradients(build(x, w, 3), w)[0]
        results.append(tf.gradients(tf.reduce_sum(first * first), [w, x]))
    with tf.Session() as sess:
        for a, b in zip(*sess.run(results)):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_iterations_may_differ_in_rows():
    x, w = tf.constant(data(6, 12)), tf.constant(data(12, 9))

    def body(i, total):
        return i + 1, total + tf.reduce_sum(tf.tanh(tf.matmul(x[: i + 1], w)))

    total = tf.while_loop(lambda i, _: i < 6, body, [tf.constant(0), tf.constant(0.0, tf.float64)])[1]
    got = tf.gradients(total, w)[0]
    assert joined()
    expected = tf.gradients(tf.add_n([tf.reduce_sum(tf.tanh(tf.matmul(x[: i + 1], w))) for i in range(6)]), w)[0]
    a, b = tf.Session().run([got, expected])
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_weights_that_the_loop_also_returns():
    x, w = tf.constant(data(3, 12)), tf.constant(data(12, 12))
    _, h, same = tf.while_loop(
        lambda i, h, v: i < 4, lambda i, h, v: [i + 1, tf.tanh(tf.matmul(h, v)), v], [tf.constant(0), x, w]
    )
    got = tf.gradients([h, 3.0 * same], w)[0]
    expected = tf.gradients([unrolled(x, w, 4), 3.0 * w], w)[0]
    a, b = tf.Session().run([got, expected])
    np.testing.assert_allclose(a, b, rtol=1e-12)
    only = tf.gradients(2.0 * same, [w, x])
    assert only[1] is None
    np.testing.assert_array_equal(tf.Session().run(only[0]), np.full((12, 12), 2.0))


def test_many_rows_are_added_up():
    x, w = tf.constant(data(40, 4)), tf.constant(data(4, 4))
    got = tf.gradients(loop(x, w, 3), w)[0]
    assert not joined()
    a, b = tf.Session().run([got, tf.gradients(unrolled(x, w, 3), w)[0]])
    np.testing.assert_allclose(a, b, rtol=1e-12)
