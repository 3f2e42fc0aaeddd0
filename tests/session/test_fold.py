"""What is known when a plan is made: shapes, and what follows from them."""

import numpy as np
import pytest

import tfmini as tf
from tests.session.test_passes import unoptimized


def test_gradients_of_convolutions_have_the_shapes_of_their_inputs():
    x, f = tf.placeholder(tf.float32, [None, 8, 8, 3]), tf.placeholder(tf.float32, [3, 3, 3, 4])
    dx, df = tf.gradients(tf.nn.conv2d(x, f, 2, "SAME"), [x, f])
    assert dx.shape.as_list() == [None, 8, 8, 3] and df.shape.as_list() == [3, 3, 3, 4]
    feed = {x: np.ones([2, 8, 8, 3], np.float32), f: np.ones([3, 3, 3, 4], np.float32)}
    plan = tf.Session().describe_plan([dx + 1.0, df], feed)
    assert "ShapeN" not in plan and "dynamic" not in plan, plan


@pytest.mark.cpu
def test_gradients_of_a_batch_of_unknown_size_are_fused():
    x, dy = tf.placeholder(tf.float32, [None, 6]), tf.placeholder(tf.float32, [None, 6])
    scale = tf.placeholder(tf.float32, [6])
    dx, dscale = tf.gradients(tf.tanh(x * scale) * (x + scale), [x, scale], dy)
    feed = {x: np.ones([5, 6], np.float32), dy: np.ones([5, 6], np.float32), scale: np.arange(6, dtype=np.float32)}
    plan = tf.Session().describe_plan([dx, dscale], feed)
    assert len(plan.splitlines()) == 3, plan  # the kernel, the sum of two gradients of scale, the arena
    for a, b in zip(tf.Session().run([dx, dscale], feed), tf.Session(config=unoptimized()).run([dx, dscale], feed)):
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.cpu
@pytest.mark.parametrize(
    "fn",
    [
        lambda x: tf.reduce_sum(x, []),
        lambda x: tf.reduce_max(x, 1, keepdims=True),
        lambda x: tf.tile(x, [1, 1]),
        lambda x: tf.pad(x, [[0, 0], [0, 0]], "SYMMETRIC"),
        lambda x: tf.pad(x, [[0, 0], [0, 0]], constant_values=2.0),
        lambda x: tf.broadcast_to(x, [3, 1]),
    ],
)
def test_what_changes_nothing_is_dropped(fn):
    x = tf.placeholder(tf.float32, [3, 1])
    y = tf.exp(fn(x))
    feed = {x: np.array([[1.0], [-2.0], [3.0]], np.float32)}
    assert len(tf.Session().describe_plan(y, feed).splitlines()) == 2
    np.testing.assert_array_equal(tf.Session().run([y, fn(x)], feed)[1], feed[x])
    v = tf.Variable(feed[x])
    same = fn(v.read_value())
    with tf.Session() as sess:
        sess.run(v.initializer)
        kept = sess.run(same)
        sess.run(v.assign(v * 2))
        np.testing.assert_array_equal(kept, feed[x])  # memory of its own


def test_norms_are_no_copies():
    x = tf.placeholder(tf.float32, [3, 1])
    feed = {x: -np.ones([3, 1], np.float32)}
    np.testing.assert_array_equal(tf.Session().run(tf.norm(x, axis=1, keepdims=True), feed), -feed[x])


def test_biases_of_shapes_known_late_are_checked():
    value, shape = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.int32, [2])
    y = tf.nn.bias_add(tf.reshape(value, shape), tf.constant([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(tf.Session().run(y, {value: np.zeros(3), shape: [1, 3]}), [[1, 2, 3]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="1 channels, the bias has 3"):
        tf.Session().run(y, {value: np.zeros(2), shape: [2, 1]})


def test_axes_of_scalars_known_late_are_checked():
    x, axes = tf.placeholder(tf.float32, []), tf.placeholder(tf.int32, [None])
    y = tf.reduce_sum(x, axes, keepdims=True)
    assert tf.Session().run(y, {x: 2.0, axes: []}) == 2.0
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.Session().run(y, {x: 2.0, axes: [3]})


def test_a_fed_placeholder_may_be_waited_for():
    x = tf.placeholder(tf.float32, [2])
    with tf.control_dependencies([x]):
        y = tf.constant(1.0) + 2.0
    assert tf.Session().run(y, {x: [1.0, 2.0]}) == 3.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="must feed"):
        tf.Session().run(y)
