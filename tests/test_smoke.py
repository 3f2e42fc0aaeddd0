"""Seconds, not minutes: the package imports, and the slides' network runs and learns."""

import numpy as np

import tfmini as tf


def test_version():
    assert tf.__version__


def test_slide_net_runs():
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder("float", [1, 3])
        w = tf.Variable(tf.random_normal([3, 3]), name="w")
        relu_out = tf.nn.relu(tf.matmul(x, w))
        softmax = tf.nn.softmax(relu_out)
        sess.run(tf.initialize_all_variables())
        p, value = sess.run([softmax, w], feed_dict={x: np.array([[1.0, 2.0, 3.0]])})
        logits = np.maximum(np.array([[1, 2, 3]], np.float32) @ value, 0)
        want = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        np.testing.assert_allclose(p, want, rtol=1e-5)


def test_slide_net_learns():
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(1)
        x = tf.placeholder("float", [1, 3])
        labels = tf.placeholder("float", [1, 3])
        w = tf.Variable(tf.random_normal([3, 3]))
        b = tf.Variable(tf.zeros([1, 3]))
        logit = tf.matmul(x, w) + b
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logit))
        train_op = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        sess.run(tf.global_variables_initializer())
        feed = {x: [[1.0, 2.0, 3.0]], labels: [[0.0, 1.0, 0.0]]}
        losses = [sess.run([loss, train_op], feed)[0] for _ in range(10)]
        assert losses[-1] < losses[0] / 2
