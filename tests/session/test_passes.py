"""Passes change what a run costs, never what it means."""

import numpy as np
import pytest

import tfmini as tf
from tests.cases import fused, fused_conv2d


def unoptimized() -> tf.ConfigProto:
    config = tf.ConfigProto()
    config.graph_options.optimizer_options.opt_level = tf.OptimizerOptions.L0
    return config


def run_fused_and_plain(case):
    """(results, results of the same graph run node by node)"""
    feeds = [np.asarray(x, np.float32) if np.asarray(x).dtype == np.float64 else x for x in case.inputs]
    placeholders = [tf.placeholder(f.dtype, f.shape) for f in feeds]
    out = case.fn(*placeholders)
    feed_dict = dict(zip(placeholders, feeds))
    fetches = out if isinstance(out, list) else [out]
    fused_values = tf.Session().run(fetches, feed_dict)
    plain_values = tf.Session(config=unoptimized()).run(fetches, feed_dict)
    assert "_FusedElementwise" in tf.Session().describe_plan(fetches, feed_dict)
    return fused_values, plain_values


@pytest.mark.parametrize("case", [c for c in fused.CASES if c not in fused.REDUCING], ids=lambda c: c.name)
def test_fusion_is_exact(case):
    for a, b in zip(*run_fused_and_plain(case)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("case", fused.REDUCING, ids=lambda c: c.name)
def test_fused_reductions_add_in_another_order(case):
    for a, b in zip(*run_fused_and_plain(case)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.cpu
def test_layer_norm_is_one_kernel():
    x, dy = tf.placeholder(tf.float32, [40, 64]), tf.placeholder(tf.float32, [40, 64])
    gamma, beta = tf.placeholder(tf.float32, [64]), tf.placeholder(tf.float32, [64])
    y = fused._layer_norm(x, gamma, beta)[0]
    fetches = [y, *tf.gradients(y, [x, gamma, beta], grad_ys=dy)]
    feeds = {x: np.ones([40, 64]), dy: np.ones([40, 64]), gamma: np.ones(64), beta: np.ones(64)}
    plan = tf.Session().describe_plan(fetches, feeds)
    assert len(plan.splitlines()) == 2 and "arena: 0 bytes" in plan  # the kernel, the arena


@pytest.mark.parametrize("case", fused_conv2d.CASES, ids=lambda c: c.name)
def test_convolutions_take_what_follows(case):
    feeds = [np.asarray(x, np.float32) for x in case.inputs]
    placeholders = [tf.placeholder(f.dtype, f.shape) for f in feeds]
    out = case.fn(*placeholders)
    feed_dict = dict(zip(placeholders, feeds))
    plan = tf.Session().describe_plan(out, feed_dict)
    assert "_FusedConv2D" in plan or "itself" in case.name
    plain = tf.Session(config=unoptimized())
    assert "_FusedConv2D" not in plain.describe_plan(out, feed_dict)
    # Scales are multiplied into the filter, and sums are rounded in another order.
    np.testing.assert_allclose(tf.Session().run(out, feed_dict), plain.run(out, feed_dict), rtol=1e-4, atol=1e-4)


def small_convolution():
    """A convolution of a variable with batch normalization, and what its value should be."""
    x = tf.placeholder(tf.float32, [1, 4, 4, 2])
    f = tf.Variable(np.linspace(-1, 1, 3 * 3 * 2 * 3).reshape(3, 3, 2, 3).astype(np.float32))
    scale = tf.Variable(np.array([1, 2, 3], np.float32))
    zero, one = np.zeros(3, np.float32), np.ones(3, np.float32)
    y = tf.nn.fused_batch_norm(tf.nn.conv2d(x, f, 1, "SAME"), scale, zero, zero, one, is_training=False)[0]
    return x, f, scale, tf.nn.relu(y)


def test_filters_kept_between_runs_follow_their_variables():
    x, f, scale, y = small_convolution()
    feed = {x: np.random.default_rng(0).standard_normal([1, 4, 4, 2]).astype(np.float32)}
    update, double, replace = f.assign_add(tf.ones_like(f)), scale.assign(scale * 2), f.assign(-f)
    sess, plain = tf.Session(), tf.Session(config=unoptimized())
    for s in (sess, plain):
        s.run(tf.global_variables_initializer())
    assert "_FusedConv2D" in sess.describe_plan(y, feed)
    for step in (None, update, double, replace, update, update):
        for s in (sess, plain):
            if step is not None:
                s.run(step)
        for _ in range(2):
            np.testing.assert_allclose(sess.run(y, feed), plain.run(y, feed), rtol=1e-5, atol=1e-5)


def test_filter_written_in_the_same_run_is_not_kept():
    x, f, _, y = small_convolution()
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    feed = {x: np.ones([1, 4, 4, 2], np.float32)}
    before = sess.run(y, feed)
    with tf.control_dependencies([y]):
        update = f.assign_add(tf.ones_like(f))
    np.testing.assert_array_equal(sess.run([y, update], feed)[0], before)
    assert not np.array_equal(sess.run(y, feed), before)


def test_groups_that_need_each_other_are_not_fused():
    x, z = tf.placeholder(tf.float32, [4, 4]), tf.placeholder(tf.float32, [4, 4])
    a = tf.tanh(x)
    product = tf.matmul(a, a)
    b = tf.sigmoid(z)
    fetches = [a * tf.matmul(b, b), b * product]  # a's group needs b, b's would need a
    feed = {x: np.full([4, 4], 0.5), z: np.full([4, 4], 0.25)}
    for got, want in zip(tf.Session().run(fetches, feed), tf.Session(config=unoptimized()).run(fetches, feed)):
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_chains_that_others_wait_for_are_fused():
    x = tf.placeholder(tf.float32, [1000])
    y = tf.tanh(x * 2.0) + x
    counter = tf.Variable(0)
    with tf.control_dependencies([y]):
        count = counter.assign_add(1)
    feed = {x: np.linspace(-1, 1, 1000, dtype=np.float32)}
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    for fetch in (tf.group(y), [y, count]):
        plan = sess.describe_plan(fetch, feed)
        assert "_FusedElementwise" in plan and "Tanh" not in plan
    np.testing.assert_allclose(sess.run([y, count], feed)[0], np.tanh(feed[x] * 2) + feed[x], rtol=1e-6)
    assert sess.run(counter) == 1


def test_convolution_results_that_others_need_stay():
    x = tf.placeholder(tf.float32, [1, 5, 5, 2])
    y = tf.nn.conv2d(x, tf.constant(np.ones([3, 3, 2, 4], np.float32)), 1, "SAME")
    z = tf.nn.bias_add(y, tf.constant([1.0, 2.0, 3.0, 4.0]))
    r = tf.nn.relu(z)
    feed = {x: np.random.default_rng(1).standard_normal([1, 5, 5, 2]).astype(np.float32)}
    got = tf.Session().run([y, z, r], feed)
    np.testing.assert_allclose(got[1], got[0] + [1, 2, 3, 4], rtol=1e-6)
    np.testing.assert_array_equal(got[2], np.maximum(got[1], 0))


def test_convolutions_of_constants_are_folded():
    y = tf.nn.conv2d(tf.ones([1, 3, 3, 1]), tf.ones([1, 1, 1, 2]), 1, "SAME")
    z = tf.nn.relu(y + tf.placeholder(tf.float32, [2]))
    np.testing.assert_array_equal(tf.Session().run(z, {z.op.inputs[0].op.inputs[1]: [1, 2]})[0, 0, 0], [2, 3])


def test_both_branches_of_a_sum_are_fused():
    x = tf.placeholder(tf.float32, [1, 5, 5, 8])

    def branch():
        y = tf.nn.conv2d(x, tf.random_normal([1, 1, 8, 8], seed=1), 1, "SAME")
        return tf.nn.bias_add(y, tf.ones([8]))

    plan = tf.Session().describe_plan(tf.nn.relu(branch() + branch()), {x: np.zeros([1, 5, 5, 8], np.float32)})
    assert plan.count("_FusedConv2D") == 2 and "BiasAdd '" not in plan


def dense_layers(x, w, b):
    """Products with all the forms of sums that a plan takes in."""
    row = tf.reshape(b, [1, -1])
    return [
        tf.nn.relu(tf.nn.bias_add(tf.matmul(x, w), b)),
        tf.matmul(x, w, transpose_a=True) + b,
        tf.nn.relu(row + tf.matmul(w, x, transpose_b=True)),
        tf.tanh(tf.nn.xw_plus_b(w, x, b)),
        tf.nn.relu(tf.matmul(x, w) + b + w),
        x + tf.matmul(x, w, transpose_b=True),
        tf.nn.relu(tf.add_n([tf.matmul(w, x), x])),
        tf.matmul(x, x) + tf.matmul(w, w),
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 3, 20, 67])
def test_fused_products_are_exact(n, dtype):
    rng = np.random.default_rng(n)
    arrays = [rng.standard_normal(s).astype(dtype) for s in ([n, n], [n, n], [n])]
    arrays[0][0, 0] = np.nan
    placeholders = [tf.placeholder(dtype, a.shape) for a in arrays]
    feeds = dict(zip(placeholders, arrays))
    for layer in dense_layers(*placeholders):
        assert "_FusedMatMul" in tf.Session().describe_plan(layer, feeds)
        plain = tf.Session(config=unoptimized())
        assert "_FusedMatMul" not in plain.describe_plan(layer, feeds)
        np.testing.assert_array_equal(tf.Session().run(layer, feeds), plain.run(layer, feeds))


@pytest.mark.parametrize("rows", [1, 7])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.cpu
def test_weights_kept_between_runs_follow_their_variables(rows, transpose):
    w = tf.Variable(np.random.default_rng(0).standard_normal([130, 130]), dtype=tf.float32)
    x = tf.placeholder(tf.float32, [rows, 130])
    y = tf.matmul(x, w, transpose_b=transpose)
    update, replace = w.assign_add(tf.ones_like(w)), w.assign(-w)
    feed = {x: np.random.default_rng(1).standard_normal([rows, 130]).astype(np.float32)}
    sess, plain = tf.Session(), tf.Session(config=unoptimized())
    for s in (sess, plain):
        s.run(tf.global_variables_initializer())
    assert "_FusedMatMul" in sess.describe_plan(y, feed)
    assert "_FusedMatMul" not in sess.describe_plan([y, update], feed), "weights written in the plan are not kept"
    for step in (None, update, replace, update, update):
        for s in (sess, plain):
            if step is not None:
                s.run(step)
        for _ in range(2):
            np.testing.assert_array_equal(sess.run(y, feed), plain.run(y, feed))


def test_products_somebody_else_needs_are_not_fused():
    x = tf.placeholder(tf.float32, [4, 4])
    feeds = {x: np.ones([4, 4], np.float32)}
    product = tf.matmul(x, x)
    assert "_FusedMatMul" not in tf.Session().describe_plan([product + [1.0, 2.0, 3.0, 4.0], product], feeds)
    assert "_FusedMatMul" not in tf.Session().describe_plan(product + product, feeds)
    assert "_FusedMatMul" not in tf.Session().describe_plan([product + x, product], feeds)
    assert "_FusedMatMul" not in tf.Session().describe_plan(product - x, feeds)
    assert "_FusedMatMul" not in tf.Session().describe_plan(product + tf.ones([4, 1]), feeds)
    with tf.control_dependencies([product.op]):
        waiting = tf.random_uniform([])
    assert "_FusedMatMul" not in tf.Session().describe_plan([tf.nn.bias_add(product, [1.0] * 4), waiting], feeds)


def test_unknown_bias_is_checked_at_run_time():
    x, b = tf.placeholder(tf.float32, [2, 2]), tf.placeholder(tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="2"):
        tf.Session().run(tf.nn.bias_add(tf.matmul(x, x), b), {x: np.ones([2, 2]), b: np.ones([3])})


def test_shape_arithmetic_is_folded():
    x = tf.placeholder(tf.float32, [None, 4])
    y = tf.reshape(x, tf.stack([tf.shape(x)[0] * 2, 2]))
    plan = tf.Session().describe_plan(tf.identity(y) + 1.0, {x: np.zeros([3, 4], np.float32)})
    assert "Shape" not in plan and "Pack" not in plan and "[6,2]" in plan


def test_equal_nodes_run_once():
    x = tf.placeholder(tf.float32, [8, 8])
    y = tf.matmul(x, x) - tf.matmul(x, x)
    assert tf.Session().describe_plan(y, {x: np.zeros([8, 8], np.float32)}).count("MatMul '") == 1


def test_random_nodes_are_not_merged():
    a, b = tf.random_uniform([4]), tf.random_uniform([4])
    x, y = tf.Session().run([a, b])
    assert not np.array_equal(x, y)


@pytest.mark.cpu
def test_memory_is_reused():
    x = tf.placeholder(tf.float32, [256, 256])
    y = x
    for _ in range(10):
        y = tf.matmul(y, x)
    plan = tf.Session().describe_plan(tf.reduce_sum(y), {x: np.zeros([256, 256], np.float32)})
    arena = int(plan.rpartition("arena: ")[2].split()[0])
    assert arena <= 2 * 256 * 256 * 4 + 1024


def test_fetched_intermediates_survive_in_place_kernels():
    x = tf.placeholder(tf.float32, [1000])
    a = tf.exp(x)
    b = tf.tanh(a)
    c = tf.nn.softmax(b)
    v = np.linspace(-1, 1, 1000, dtype=np.float32)
    got = tf.Session().run([a, b, c], {x: v})
    one = [tf.Session().run(t, {x: v}) for t in (a, b, c)]
    for p, q in zip(got, one):
        np.testing.assert_array_equal(p, q)
    np.testing.assert_array_equal(v, np.linspace(-1, 1, 1000, dtype=np.float32))


@pytest.mark.cpu
def test_products_of_a_recurrent_weight_are_joined():
    x = tf.placeholder(tf.float32, [4, 3])
    w = tf.Variable(np.linspace(-1, 1, 9, dtype=np.float32).reshape(3, 3))
    h = x
    for _ in range(6):
        h = tf.tanh(tf.matmul(h, w))
    gradient = tf.gradients(h, w)[0]
    feed = {x: np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3)}
    values = []
    for config in (None, unoptimized()):
        with tf.Session(config=config) as sess:
            sess.run(tf.global_variables_initializer())
            values.append(sess.run(gradient, feed))
            plan = sess.describe_plan(gradient, feed)
            assert plan.count("_SumOfProducts '") == (config is None)
            assert plan.count("AddN '") == (config is not None)
    np.testing.assert_allclose(*values, rtol=1e-5)


def test_products_that_others_need_are_not_joined():
    a, b = tf.placeholder(tf.float32, [4, 3]), tf.placeholder(tf.float32, [4, 2])
    products = [tf.matmul(a, b, transpose_a=True), tf.matmul(a, b * 2.0, transpose_a=True)]
    feed = {a: np.ones([4, 3], np.float32), b: np.ones([4, 2], np.float32)}
    total, first = tf.Session().run([tf.add_n(products), products[0]], feed)
    np.testing.assert_array_equal(total, np.full([3, 2], 12))
    np.testing.assert_array_equal(first, np.full([3, 2], 4))


SPARSE_DESCENT = "_SparseApplyGradientDescent '"


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.cpu
def test_sparse_descent_scales_its_rows_itself(dtype):
    rng = np.random.default_rng(0)
    ids = tf.placeholder(tf.int32, [None])
    for shape in ((7, 33), (5,), (4, 2, 3)):
        start = rng.standard_normal(shape).astype(dtype)
        table = tf.Variable(start)
        loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, ids)))
        step = tf.train.GradientDescentOptimizer(tf.Variable(0.25, trainable=False)).minimize(loss)
        for batch in ([1, 3, 1, 0], [2], []):
            want = start.astype(np.float64)
            np.subtract.at(want, batch, 0.5 * start[batch].astype(np.float64))
            for config in (None, unoptimized()):
                with tf.Session(config=config) as sess:
                    sess.run(tf.global_variables_initializer())
                    assert sess.describe_plan(step, {ids: batch}).count(SPARSE_DESCENT) == (config is None)
                    sess.run(step, {ids: batch})
                    np.testing.assert_allclose(sess.run(table), want, rtol=2e-3 if dtype == "float16" else 1e-6)
                    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"is not in \[0, {shape[0]}\)"):
                        sess.run(step, {ids: [0, shape[0]]})


def test_rows_that_are_not_scaled_by_one_number_stay_a_scatter():
    rows = tf.placeholder(tf.float32, [2, 3])
    scaled = rows * 2.0
    cases = [
        (tf.scatter_sub(tf.Variable(np.ones((4, 3), np.float32)), [0, 1], rows * [[1.0, 2.0, 3.0]]), []),
        (tf.scatter_sub(tf.Variable(np.ones((4, 3), np.float32)), [0, 1], scaled), [scaled]),  # fetched as well
        (tf.scatter_sub(tf.Variable(np.ones((4, 3), np.float32)), [0, 1], rows[0, 0] * 2.0), []),  # one for all rows
        (tf.scatter_sub(tf.Variable(np.ones((4, 3), np.float32)), [[0, 1]], (rows * 2.0)[None]), []),
        (tf.scatter_sub(tf.Variable(np.ones((4, 3), np.int32)), [0, 1], tf.cast(rows, tf.int32) * 2), []),
    ]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feed = {rows: np.arange(6, dtype=np.float32).reshape(2, 3)}
        for update, others in cases:
            assert SPARSE_DESCENT not in sess.describe_plan([update, *others], feed)
        results = [sess.run([update, *others], feed)[0][:2].sum() for update, others in cases]
        assert results == [6 - 34, 6 - 30, 6, 6 - 30, 6 - 30]
