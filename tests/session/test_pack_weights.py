"""Weights that many products share are packed once per run, or once per loop; results stay what they are."""

import numpy as np
import pytest

import tfmini as tf

pytestmark = pytest.mark.usefixtures("graph")

UNITS = 132  # 132 x 132 is just large enough to be packed


def on_cpu(opt_level=tf.OptimizerOptions.L1):
    """Only CPU kernels take packed weights."""
    options = tf.GraphOptions(optimizer_options=tf.OptimizerOptions(opt_level=opt_level))
    return tf.ConfigProto(device_count={"GPU": 0}, graph_options=options)


def data(*shape, dtype=np.float32):
    return (np.random.default_rng(shape).normal(size=shape) * 0.1).astype(dtype)


def both(fetches, feed=None, runs=1):
    """What the fetches are with and without passes, and the optimized plan."""
    results = []
    for level in (tf.OptimizerOptions.L1, tf.OptimizerOptions.L0):
        with tf.Session(config=on_cpu(level)) as sess:
            sess.run(tf.global_variables_initializer())
            for _ in range(runs):
                values = sess.run(fetches, feed)
            results.append(values)
            if level == tf.OptimizerOptions.L1:
                plan = sess.describe_plan(fetches, feed)
    return (*results, plan)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [5, 20, 67])
def test_unrolled_training(dtype, rows):
    x = tf.placeholder(dtype, [rows, UNITS])
    w, b = tf.Variable(data(UNITS, UNITS, dtype=dtype)), tf.Variable(data(UNITS, dtype=dtype))
    h, used = x, []
    for _ in range(6):
        z = tf.matmul(h, w) + b
        used.append(z)
        h = tf.tanh(z)
    loss = tf.reduce_sum(h * h)
    gradients = tf.gradients(loss, [w, b, x])
    step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    optimized, plain, plan = both([loss, gradients, used[2], step], {x: data(rows, UNITS, dtype=dtype)}, runs=3)
    assert plan.count("_PackMatrix '") == 2, "for the products and for those of their gradients"
    assert plan.count("_PackedMatMul '") == 12
    tolerance = 1e-4 if dtype == np.float32 else 1e-12
    for a, p in zip([optimized[0], *optimized[1], optimized[2]], [plain[0], *plain[1], plain[2]]):
        assert np.abs(a - p).max() <= tolerance * np.abs(p).max()


def test_sums_stay_part_of_the_product():
    x = tf.placeholder(tf.float32, [8, UNITS])
    w, b = tf.Variable(data(UNITS, UNITS)), tf.Variable(data(UNITS))
    h = x
    for _ in range(6):
        h = tf.nn.relu(tf.matmul(h, w) + b + x)
    with tf.control_dependencies([h]):
        update = w.assign_add(tf.ones_like(w))
    optimized, plain, plan = both([h, update.op], {x: data(8, UNITS)})
    ops = [line.split()[0] for line in plan.splitlines()]
    assert ops.count("_PackedMatMul") == 6 and not {"Relu", "Add", "AddV2", "BiasAdd"} & set(ops)
    np.testing.assert_allclose(optimized[0], plain[0], rtol=1e-4, atol=1e-5)


def test_bias_and_relu_stay_part_of_the_product():
    x = tf.placeholder(tf.float32, [8, UNITS])
    w, b = tf.Variable(data(UNITS, UNITS)), tf.Variable(data(UNITS))
    h = x
    for _ in range(6):
        h = tf.nn.relu(tf.nn.bias_add(tf.matmul(h, w), b))
    with tf.control_dependencies([h]):
        update = w.assign_add(tf.ones_like(w))
    optimized, plain, plan = both([h, update.op], {x: data(8, UNITS)})
    assert [line.split()[0] for line in plan.splitlines()].count("_PackedMatMul") == 6
    assert not {"Relu", "BiasAdd"} & {line.split()[0] for line in plan.splitlines()}
    np.testing.assert_allclose(optimized[0], plain[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("products, rows", [(5, 8), (6, 4)])
def test_too_few(products, rows):
    x, w = tf.placeholder(tf.float32, [rows, UNITS]), tf.placeholder(tf.float32, [UNITS, UNITS])
    h = x
    for _ in range(products):
        h = tf.tanh(tf.matmul(h, w))
    feed = {x: data(rows, UNITS), w: data(UNITS, UNITS)}
    optimized, plain, plan = both(h, feed)
    assert "_PackMatrix" not in plan
    np.testing.assert_allclose(optimized, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_loop(steps):
    """The weights change between the runs of a loop, not within."""
    x = tf.placeholder(tf.float32, [None, UNITS])
    w = tf.Variable(data(UNITS, UNITS))
    h = tf.while_loop(lambda i, _: i < steps, lambda i, h: [i + 1, tf.tanh(tf.matmul(h, w))], [tf.constant(0), x])[1]
    loss = tf.reduce_sum(h * h) + 0.0 * tf.reduce_sum(w)
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    for rows in (3, 20):
        optimized, plain, _ = both([loss, h, step], {x: data(rows, UNITS)}, runs=3)
        np.testing.assert_allclose(optimized[0], plain[0], rtol=1e-3)
        np.testing.assert_allclose(optimized[1], plain[1], rtol=1e-3, atol=1e-5)


def test_loop_that_changes_its_weights():
    x, w = tf.constant(data(6, UNITS)), tf.constant(data(UNITS, UNITS))

    def body(i, h, v, u):
        return i + 1, tf.matmul(h, v), u, v  # two matrices that change places: neither lasts

    h = tf.while_loop(lambda i, *_: i < 4, body, [tf.constant(0), x, w, 2.0 * w])[1]
    optimized, plain, _ = both(h)
    np.testing.assert_allclose(optimized, plain, rtol=1e-4, atol=1e-5)
