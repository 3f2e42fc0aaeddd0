"""Special values of the elementary functions; their accuracy is tested by tests/cpp/vector_math_test.cc."""

import numpy as np

import tfmini as tf


def test_signed_zeros():
    """Odd functions keep the sign of zero, and of the smallest numbers."""
    x = np.array([0.0, -0.0, 1e-45, -1e-45, 1e-38, -1e-38], np.float32)
    odd = (tf.expm1, tf.log1p, tf.tanh, tf.erf, tf.sin, tf.tan, tf.asin, tf.atan, tf.sinh, tf.asinh, tf.atanh)
    for got in tf.Session().run([f(tf.constant(x) + tf.placeholder_with_default(-0.0, [])) for f in odd]):
        np.testing.assert_array_equal(np.signbit(got), np.signbit(x))
