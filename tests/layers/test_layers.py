"""tf.layers: names, shapes, values against NumPy, sharing, training and inference, what is refused."""

import numpy as np
import pytest

import tfmini as tf

pytestmark = pytest.mark.usefixtures("graph")


def run(fetches, feeds=None):
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(fetches, feeds)


def names():
    return {v.op.name: v.shape.as_list() for v in tf.global_variables()}


def test_dense():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    layer = tf.layers.Dense(4, activation=tf.nn.relu, bias_initializer=tf.ones_initializer())
    y = layer(tf.constant(x))
    assert names() == {"dense/kernel": [3, 4], "dense/bias": [4]} and y.name == "dense/Relu:0"
    assert layer.trainable_variables == tf.trainable_variables() == [layer.kernel, layer.bias]
    assert layer.count_params() == 16 and layer.scope_name == "dense"
    kernel, got = run([layer.kernel, y])
    np.testing.assert_allclose(got, np.maximum(x @ kernel + 1, 0), rtol=1e-6)


def test_dense_over_higher_ranks():
    x = tf.placeholder(tf.float32, [None, 5, 3])
    layer = tf.layers.Dense(2, use_bias=False)
    y = layer(x)
    assert y.shape.as_list() == [None, 5, 2]
    value = np.random.RandomState(0).rand(4, 5, 3).astype(np.float32)
    kernel, got = run([layer.kernel, y], {x: value})
    np.testing.assert_allclose(got, value @ kernel, rtol=1e-5)


def test_names_and_sharing():
    x = tf.zeros([2, 3])
    tf.layers.dense(x, 3)
    tf.layers.dense(x, 3)
    a = tf.layers.dense(x, 4, name="fc")
    b = tf.layers.dense(x, 4, name="fc", reuse=True)
    with tf.variable_scope("outer"):
        tf.layers.dense(x, 5)
    assert (a.name, b.name) == ("fc/BiasAdd:0", "fc_1/BiasAdd:0")
    assert [n for n in names() if n.endswith("kernel")] == [
        "dense/kernel", "dense_1/kernel", "fc/kernel", "outer/dense/kernel",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="fc/kernel already exists"):
        tf.layers.dense(x, 4, name="fc")
    one = tf.layers.Dense(2, name="one")
    assert [one(x).name, one(x).name] == ["one/BiasAdd:0", "one/BiasAdd_1:0"]


def test_regularizers_and_constraints():
    x = tf.ones([2, 3])
    y = tf.layers.dense(
        x, 2, kernel_regularizer=lambda v: tf.reduce_sum(v), activity_regularizer=lambda t: tf.reduce_max(t),
        kernel_constraint=abs,
    )  # fmt: skip
    losses = [t.name for t in tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)]
    assert losses == ["dense/kernel/Regularizer/Sum:0", "dense/ActivityRegularizer/Max:0"]
    assert tf.trainable_variables()[0].constraint is abs and y.shape == [2, 2]
    tf.layers.dense(x, 2, trainable=False)
    assert len(tf.trainable_variables()) == 2


@pytest.mark.parametrize(
    "make, shape, out, kernels",
    [
        (lambda x: tf.layers.conv2d(x, 4, 3), [2, 8, 8, 3], [2, 6, 6, 4], [[3, 3, 3, 4]]),
        (lambda x: tf.layers.conv2d(x, 4, (3, 5), 2, "same"), [2, 8, 9, 3], [2, 4, 5, 4], [[3, 5, 3, 4]]),
        (lambda x: tf.layers.conv2d(x, 4, 3, dilation_rate=2), [2, 8, 8, 3], [2, 4, 4, 4], [[3, 3, 3, 4]]),
        (lambda x: tf.layers.conv1d(x, 4, 3), [2, 8, 3], [2, 6, 4], [[3, 3, 4]]),
        (lambda x: tf.layers.conv2d_transpose(x, 4, 3, 2), [2, 4, 5, 3], [2, 9, 11, 4], [[3, 3, 4, 3]]),
        (lambda x: tf.layers.conv2d_transpose(x, 4, 3, 2, "same"), [2, 4, 5, 3], [2, 8, 10, 4], [[3, 3, 4, 3]]),
        (lambda x: tf.layers.separable_conv2d(x, 5, 3, depth_multiplier=2), [2, 8, 8, 3], [2, 6, 6, 5],
         [[3, 3, 3, 2], [1, 1, 6, 5]]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("batch_known", [True, False])
def test_convolutions(make, shape, out, kernels, batch_known):
    x = tf.placeholder(tf.float32, shape if batch_known else [None, *shape[1:]])
    y = make(x)
    assert y.shape.as_list()[1:] == out[1:]
    assert [v.shape.as_list() for v in tf.global_variables()] == [*kernels, [out[-1]]]
    assert run(y, {x: np.ones(shape)}).shape == tuple(out)


def test_channels_first():
    x = np.random.RandomState(0).rand(2, 3, 6, 6).astype(np.float32)
    first = tf.layers.conv2d(x, 4, 3, data_format="channels_first", name="c")
    last = tf.layers.conv2d(x.transpose(0, 2, 3, 1), 4, 3, name="c", reuse=True)
    a, b = run([first, last])
    np.testing.assert_allclose(a, b.transpose(0, 3, 1, 2), rtol=1e-5, atol=1e-6)
    pooled = tf.layers.max_pooling2d(x, 2, 2, data_format="channels_first")
    assert run(pooled).shape == (2, 3, 3, 3)


def test_pooling():
    x = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    biggest, mean = tf.layers.max_pooling2d(x, 2, 2), tf.layers.average_pooling2d(x, 2, 2)
    assert (biggest.name, mean.name) == ("max_pooling2d/MaxPool:0", "average_pooling2d/AvgPool:0")
    a, b = run([biggest, mean])
    assert a.ravel().tolist() == [5, 7, 13, 15] and b.ravel().tolist() == [2.5, 4.5, 10.5, 12.5]
    line = x.reshape(1, 16, 1)
    a, b = run([tf.layers.max_pooling1d(line, 4, 4), tf.layers.average_pooling1d(line, 4, 4)])
    assert a.ravel().tolist() == [3, 7, 11, 15] and b.ravel().tolist() == [1.5, 5.5, 9.5, 13.5]


def test_flatten():
    x = tf.placeholder(tf.float32, [None, 2, 3])
    assert tf.layers.flatten(x).shape.as_list() == [None, 6]
    assert tf.layers.flatten(tf.placeholder(tf.float32, [None, None, 3])).shape.as_list() == [None, None]
    assert run(tf.layers.flatten(x), {x: np.zeros((4, 2, 3))}).shape == (4, 6)
    assert tf.layers.flatten(tf.zeros([5])).shape == [5, 1]


def test_dropout():
    x = tf.ones([1000])
    training = tf.placeholder(tf.bool, [])
    y = tf.layers.dropout(x, 0.25, seed=1, training=training)
    kept = run(y, {training: True})
    assert set(np.unique(kept)) == {0, np.float32(4 / 3)} and 0.7 < (kept > 0).mean() < 0.8
    assert run(y, {training: False}).tolist() == [1] * 1000
    assert tf.layers.dropout(x).op.type == "Identity"


@pytest.mark.parametrize("shape, axis", [([8, 4, 4, 3], -1), ([8, 3, 4, 4], 1), ([16, 3], -1), ([8, 5, 3], -1)])
@pytest.mark.parametrize("by_placeholder", [False, True])
def test_batch_normalization(shape, axis, by_placeholder):
    value = (np.random.RandomState(0).randn(*shape) * 3 + 5).astype(np.float32)
    training = tf.placeholder(tf.bool, []) if by_placeholder else True
    feeds = {training: True} if by_placeholder else {}
    y = tf.layers.batch_normalization(value, axis=axis, momentum=0.9, training=training)
    assert list(names()) == [f"batch_normalization/{n}" for n in ("gamma", "beta", "moving_mean", "moving_variance")]
    assert [v.op.name.rpartition("/")[2] for v in tf.trainable_variables()] == ["gamma", "beta"]
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert len(updates) == 2 and updates[0].op.name == "batch_normalization/AssignMovingAvg"
    axes = tuple(i for i in range(len(shape)) if i != axis % len(shape))
    mean, variance = value.mean(axes, keepdims=True), value.var(axes, keepdims=True)
    inferred = tf.layers.batch_normalization(value, axis=axis, name="batch_normalization", reuse=True)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        np.testing.assert_allclose(sess.run(y, feeds), (value - mean) / np.sqrt(variance + 1e-3), atol=1e-4)
        np.testing.assert_allclose(sess.run(inferred), value / np.sqrt(1 + 1e-3), rtol=1e-5)
        sess.run(updates, feeds)
        moving_mean = sess.run(tf.global_variables()[2])
        np.testing.assert_allclose(moving_mean, 0.1 * mean.ravel(), rtol=1e-4)
        if by_placeholder:
            sess.run(updates, {training: False})  # nothing moves
            np.testing.assert_array_equal(sess.run(tf.global_variables()[2]), moving_mean)


@pytest.mark.parametrize(
    "attempt, error, match",
    [
        (lambda: tf.layers.dense(tf.zeros([3]), 2), ValueError, "expected min_ndim=2, found ndim=1"),
        (lambda: tf.layers.dense(tf.placeholder(tf.float32, [2, None]), 2), ValueError, "last dimension"),
        (lambda: tf.layers.conv2d(tf.zeros([2, 3, 4]), 2, 3), ValueError, "expected ndim=4, found ndim=3"),
        (lambda: tf.layers.conv2d(tf.zeros([2, 8, 8, 3]), 2, 3, padding="x"), ValueError, "padding"),
        (lambda: tf.layers.conv2d(tf.zeros([2, 8, 8, 3]), 2, (3, 3, 3)), ValueError, "kernel_size"),
        (lambda: tf.layers.conv2d(tf.placeholder(tf.float32, [2, 8, 8, None]), 2, 3), ValueError, "channel dimension"),
        (lambda: tf.layers.max_pooling2d(tf.zeros([2, 8, 8, 3]), 2, 2, data_format="NHWC"), ValueError, "data_format"),
        (lambda: tf.layers.batch_normalization(tf.zeros([2, 3]), axis=5), ValueError, "Invalid axis"),
        (lambda: tf.layers.batch_normalization(tf.zeros([2, 3]), fused=True), ValueError, "fused"),
        (lambda: tf.layers.batch_normalization(tf.zeros([2, 3]), renorm=True), NotImplementedError, "renorm"),
        (lambda: tf.layers.dense(tf.placeholder(tf.float32), 2), ValueError, "rank is undefined"),
    ],
)
def test_refusals(attempt, error, match):
    with pytest.raises(error, match=match):
        attempt()


def test_training_flag_with_default():
    """A flag that is False unless fed is still a flag: the layers follow what is fed."""
    values = np.random.default_rng(0).normal(3.0, 2.0, (50, 4)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as sess:
        training = tf.placeholder_with_default(False, [])
        normal = tf.layers.batch_normalization(tf.constant(values), training=training, epsilon=0.0)
        dropped = tf.layers.dropout(tf.ones([1000]), 0.5, training=training)
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        sess.run(tf.global_variables_initializer())
        assert len(updates) == 2
        assert np.array_equal(sess.run(normal), values) and sess.run(dropped).min() == 1.0
        trained = sess.run(normal, {training: True})
        np.testing.assert_allclose(trained, (values - values.mean(0)) / values.std(0), rtol=1e-4, atol=1e-4)
        assert sess.run(dropped, {training: True}).min() == 0.0


def test_size_with_default_is_not_a_static_shape():
    with tf.Graph().as_default(), tf.Session() as sess:
        size = tf.placeholder_with_default([2, 3], [2])
        x = tf.zeros(size)
        assert x.shape.as_list() == [None, None]
        assert sess.run(x).shape == (2, 3) and sess.run(x, {size: [1, 4]}).shape == (1, 4)
