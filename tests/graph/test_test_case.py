"""tf.test: the TestCase and the gradient checker."""

import numpy as np
import pytest

import tfmini as tf


class Case(tf.test.TestCase):
    def test_comparisons(self):
        self.assertAllClose([1.0, 2.0], np.array([1.0, 2.0 + 1e-7]))
        self.assertAllEqual([[1], [2]], np.array([[1], [2]]))
        self.assertAllClose({"a": [1.0, [2.0]]}, {"a": [1.0, [2.0]]})
        with self.assertRaises(AssertionError):
            self.assertAllClose([1.0], [1.1])
        with self.assertRaises(AssertionError):
            self.assertAllEqual([1, 2], [[1, 2]])
        self.assertNotAllClose([1.0], [2.0])
        self.assertNotAllEqual([1], [2])
        self.assertAllInRange([1, 2], 0, 3)
        self.assertNear(1.0, 1.1, 0.2)
        self.assertShapeEqual(np.zeros((2, 3)), tf.zeros([2, 3]))

    def test_sessions(self):
        with self.test_session() as sess:
            self.assertAllEqual(tf.constant([1, 2]).eval(), sess.run(tf.constant([1, 2])))
        with self.cached_session() as first, self.cached_session() as second:
            assert first is second
        self.assertAllEqual(tf.constant(3), 3)  # tensors are evaluated
        x = tf.placeholder(tf.float32, [])
        with self.session() as sess, self.assertRaisesOpError("x"):
            sess.run(tf.check_numerics(x, "x"), {x: np.nan})

    def test_every_test_starts_with_an_empty_graph(self):
        assert not tf.get_default_graph().get_operations()
        assert self.get_temp_dir()


def test_gradient_checker():
    with tf.Graph().as_default(), tf.Session():
        x = tf.constant([[1.0, 2.0], [3.0, 4.0]], tf.float64)
        w = tf.constant([[1.0], [2.0]], tf.float64)
        y = tf.matmul(x, w)
        symbolic, numeric = tf.test.compute_gradient(x, [2, 2], y, [2, 1], x_init_value=np.eye(2))
        np.testing.assert_allclose(symbolic, [[1, 0], [2, 0], [0, 1], [0, 2]])
        np.testing.assert_allclose(numeric, symbolic, atol=1e-9)
        assert tf.test.compute_gradient_error([x, w], [[2, 2], [2, 1]], y, [2, 1]) < 1e-9
    with tf.Graph().as_default(), pytest.raises(ValueError, match="default session"):
        tf.test.compute_gradient(x, [2, 2], y, [2, 1])
