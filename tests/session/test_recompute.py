"""What fused kernels compute again instead of reading it."""

import numpy as np
import pytest

import tfmini as tf
from tests.session.test_passes import unoptimized


def cheap_value(shape=(300, 300)):
    """(x, w, x * 2 + 1, what needs it before and after a matrix product)"""
    x, w = tf.placeholder(tf.float32, shape), tf.placeholder(tf.float32, [shape[1], shape[1]])
    v = x * 2.0 + 1.0
    return x, w, v, (tf.matmul(tf.tanh(v), w) + 1.0) * v


def feeds_of(*placeholders):
    rng = np.random.default_rng(3)
    return {p: rng.standard_normal(p.shape.as_list()).astype(np.float32) for p in placeholders}


def test_what_costs_little_is_computed_where_it_is_read():
    x, w, v, y = cheap_value()
    feed = feeds_of(x, w)
    plan = tf.Session().describe_plan(y, feed)
    first = next(line for line in plan.splitlines() if "_FusedElementwise" in line)
    assert first.count("float32") == 1, plan  # tanh(v), not v
    np.testing.assert_array_equal(tf.Session().run(y, feed), tf.Session(config=unoptimized()).run(y, feed))


def test_from_what_is_written_in_any_case():
    x, w = tf.placeholder(tf.float32, [300, 300]), tf.placeholder(tf.float32, [300, 300])
    t = tf.tanh(x)
    y = (tf.matmul(t * 0.5, w) + t) * (t + 2.0) - (1.0 - t * t)
    feed = feeds_of(x, w)
    plan = tf.Session().describe_plan(y, feed)
    first = next(line for line in plan.splitlines() if "_FusedElementwise" in line)
    assert first.count("float32") == 2, plan  # t and t / 2
    np.testing.assert_array_equal(tf.Session().run(y, feed), tf.Session(config=unoptimized()).run(y, feed))


@pytest.mark.parametrize("kept", ["fetched", "small", "expensive", "read by others", "rows"])
def test_values_that_are_kept(kept):
    x, w, v, y = cheap_value((30, 30) if kept == "small" else (300, 300))
    fetches = [y]
    if kept == "fetched":
        fetches = [y, v]
    if kept == "expensive":
        fetches = [(tf.matmul(tf.tanh(x) * 2, w) + 1.0) * tf.tanh(x)]
    if kept == "read by others":
        fetches = [y, tf.matmul(v, w)]
    if kept == "rows":  # computed from a reduction
        u = x - tf.reduce_sum(x, 1, keepdims=True)
        fetches = [(tf.matmul(tf.tanh(u), w) + 1.0) * u]
    feed = feeds_of(x, w)
    plan = tf.Session().describe_plan(fetches, feed)
    first = next(line for line in plan.splitlines() if "_FusedElementwise" in line)
    assert first.count("float32") == 2, plan
    for a, b in zip(tf.Session().run(fetches, feed), tf.Session(config=unoptimized()).run(fetches, feed)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_values_of_a_variable_that_changes_before_they_are_computed_again():
    w = tf.Variable(np.random.default_rng(5).standard_normal((300, 300)).astype(np.float32) / 100)
    v = tf.identity(w.read_value()) * 2.0 + 1.0
    t = tf.tanh(v)
    with tf.control_dependencies([w.assign(tf.matmul(t, t))]):
        y = (tf.matmul(t, t) + 1.0) * v
    fused, plain = tf.Session(), tf.Session(config=unoptimized())
    for sess in (fused, plain):
        sess.run(tf.global_variables_initializer())
    for _ in range(2):
        np.testing.assert_array_equal(fused.run(y), plain.run(y))


@pytest.mark.cpu
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_batch_normalization_in_training_stores_no_image_but_its_results(dtype):
    x, dy = tf.placeholder(dtype, [4, 32, 32, 64]), tf.placeholder(dtype, [4, 32, 32, 64])
    gamma, beta = tf.placeholder(dtype, [64]), tf.placeholder(dtype, [64])
    mean, variance = tf.nn.moments(x, [0, 1, 2])
    y = tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-3)
    fetches = [y, *tf.gradients(y, [x, gamma, beta], grad_ys=dy)]
    feed = feeds_of(x, dy, gamma, beta)
    plan = tf.Session().describe_plan(fetches, feed)
    assert int(plan.rsplit("arena: ", 1)[1].split()[0]) < 20_000, plan
    for a, b in zip(tf.Session().run(fetches, feed), tf.Session(config=unoptimized()).run(fetches, feed)):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3)
