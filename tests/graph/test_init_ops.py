"""Initializers: distributions, arguments, both ways of writing them. Their numbers are in tests/golden (seeds)."""

import math

import numpy as np
import pytest

import tfmini as tf


def values(initializer, shape, dtype=None):
    with tf.Graph().as_default(), tf.Session() as sess:
        return sess.run(initializer(shape, dtype))


def test_constants():
    np.testing.assert_array_equal(values(tf.zeros_initializer(), [2, 3]), np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(values(tf.ones_initializer(tf.int32), [2]), [1, 1])
    np.testing.assert_array_equal(values(tf.constant_initializer([1, 2]), [2, 2]), [[1, 2], [2, 2]])
    assert values(tf.constant_initializer(2.5), [], tf.float64).dtype == np.float64
    np.testing.assert_array_equal(values(tf.initializers.identity(2.0), [2, 3]), 2 * np.eye(2, 3))


def test_zeros_as_a_function_of_the_shape():
    with tf.Graph().as_default(), tf.Session() as sess:
        assert sess.run(tf.zeros_initializer([2])).tolist() == [0, 0]
        assert sess.run(tf.ones_initializer([2], tf.int64)).dtype == np.int64
        assert sess.run(tf.zeros_initializer(shape=[2], dtype=tf.bool)).tolist() == [False, False]


@pytest.mark.parametrize(
    "initializer, shape, stddev, limit",
    [
        (tf.random_uniform_initializer(-1, 1, seed=1), [100, 100], 1 / math.sqrt(3), 1),
        (tf.random_normal_initializer(stddev=2, seed=1), [100, 100], 2, None),
        (tf.truncated_normal_initializer(stddev=2, seed=1), [100, 100], 2 * 0.8796, 4),
        (tf.glorot_uniform_initializer(seed=1), [100, 200], math.sqrt(2 / 300), math.sqrt(6 / 300)),
        (tf.glorot_normal_initializer(seed=1), [100, 200], math.sqrt(2 / 300), None),
        (tf.initializers.he_uniform(seed=1), [5, 5, 10, 20], math.sqrt(2 / 250), math.sqrt(6 / 250)),
        (tf.initializers.he_normal(seed=1), [100, 200], math.sqrt(2 / 100), None),
        (tf.initializers.lecun_normal(seed=1), [100, 200], math.sqrt(1 / 100), None),
        (tf.initializers.lecun_uniform(seed=1), [100, 200], math.sqrt(1 / 100), math.sqrt(3 / 100)),
        (tf.variance_scaling_initializer(2, "fan_out", "untruncated_normal", seed=1), [100, 200], 0.1, None),
        (tf.uniform_unit_scaling_initializer(1.5, seed=1), [100, 200], 1.5 / 10, 1.5 * math.sqrt(3 / 100)),
    ],
)
def test_distributions(initializer, shape, stddev, limit):
    x = values(initializer, shape)
    assert abs(x.std() - stddev) < 0.03 * stddev and abs(x.mean()) < 0.05 * stddev
    assert limit is None or np.abs(x).max() <= limit * (1 + 1e-6)


@pytest.mark.parametrize("shape", [[5, 5], [7, 3], [3, 7], [3, 3, 2, 5]])
def test_orthogonal(shape):
    x = values(tf.orthogonal_initializer(gain=2.0, seed=3), shape).reshape(-1, shape[-1])
    small = x.T @ x if x.shape[0] >= x.shape[1] else x @ x.T
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)


def test_qr():
    a = np.random.RandomState(0).randn(2, 5, 3)
    with tf.Graph().as_default(), tf.Session() as sess:
        q, r = tf.qr(tf.constant(a))
        assert q.shape == [2, 5, 3] and r.shape == [2, 3, 3]
        full, _ = tf.qr(tf.constant(a), full_matrices=True)
        assert full.shape == [2, 5, 5]
        x, y, z = sess.run([q, r, full])
        with pytest.raises(NotImplementedError, match="gradient of Qr"):
            tf.gradients(q, q.op.inputs[0])
    np.testing.assert_allclose(x @ y, a, atol=1e-12)
    np.testing.assert_allclose(np.swapaxes(z, 1, 2) @ z, np.broadcast_to(np.eye(5), (2, 5, 5)), atol=1e-12)


def test_configuration():
    initializer = tf.variance_scaling_initializer(2.0, "fan_avg", "uniform", seed=4, dtype=tf.float64)
    config = initializer.get_config()
    assert config == {"scale": 2.0, "mode": "fan_avg", "distribution": "uniform", "seed": 4, "dtype": "float64"}
    assert type(initializer).from_config(config).get_config() == config
    assert tf.glorot_uniform_initializer().get_config() == {"seed": None, "dtype": "float32"}


@pytest.mark.parametrize(
    "attempt, error",
    [
        (lambda: tf.constant_initializer({}), TypeError),
        (lambda: tf.constant_initializer([1, 2, 3])([2]), ValueError),
        (lambda: tf.constant_initializer([1, 2], verify_shape=True)([5]), TypeError),
        (lambda: tf.variance_scaling_initializer(-1), ValueError),
        (lambda: tf.variance_scaling_initializer(mode="x"), ValueError),
        (lambda: tf.variance_scaling_initializer(distribution="x"), ValueError),
        (lambda: tf.random_normal_initializer(dtype=tf.int32), ValueError),
        (lambda: tf.orthogonal_initializer()([3]), ValueError),
        (lambda: tf.initializers.identity()([3, 3, 3]), ValueError),
    ],
)
def test_refusals(attempt, error):
    with tf.Graph().as_default(), pytest.raises(error):
        attempt()
