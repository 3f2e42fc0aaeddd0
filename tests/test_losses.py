"""tf.losses and tf.nn.dropout against numbers that TensorFlow computed."""

import numpy as np
import pytest

import tfmini as tf

X = (np.arange(20, dtype=np.float32).reshape(4, 5) * 7 % 20) / 20 + np.float32(0.02)
Z = (np.arange(20, dtype=np.float32).reshape(4, 5) * 3 % 20) / 20
Y = np.array([1, 0, 4, 2])
W = np.array([[1.0], [0], [2], [0.5]], np.float32)
R = tf.losses.Reduction


def loss(name, *args, **kwargs):
    return lambda: getattr(tf.losses, name)(*map(tf.constant, args), **kwargs)


# Built in this order by TensorFlow 2.21 (compat.v1), float32.
EXPECTED = [
    (loss("absolute_difference", Z, X), 0.32399997115135193),
    (loss("absolute_difference", Z, X, W), 0.39133331179618835),
    (loss("mean_squared_error", Z, X, W, reduction=R.MEAN), 0.17182856798171997),
    (loss("mean_squared_error", Z, X, weights=0.0), 0.0),
    (loss("mean_squared_error", Z, X, weights=2.5), 0.4009999632835388),
    (loss("mean_squared_error", Z, X, W, reduction=R.SUM), 3.006999969482422),
    (loss("mean_squared_error", Z, X, W, reduction=R.SUM_OVER_BATCH_SIZE), 0.15035000443458557),
    (loss("mean_pairwise_squared_error", Z, X), 1.5999999046325684),
    (loss("mean_pairwise_squared_error", Z, X, W), 1.4999998807907104),
    (loss("cosine_distance", Z, X, axis=1), -0.1912499964237213),
    (loss("hinge_loss", Z, X), 1.0185000896453857),
    (loss("huber_loss", Z, X * 3, delta=0.5), 0.4401000142097473),
    (loss("log_loss", Z, X), 0.938596248626709),
    (loss("sigmoid_cross_entropy", Z, X, label_smoothing=0.1), 0.7415223121643066),
    (loss("softmax_cross_entropy", Z, X, W[:, 0], label_smoothing=0.1), 4.663177013397217),
    (loss("sparse_softmax_cross_entropy", Y, X), 1.3818367719650269),
    (loss("sparse_softmax_cross_entropy", Y[:, None], X, W), 1.6318912506103516),
]


@pytest.mark.parametrize("case", range(len(EXPECTED)))
def test_values(case):
    build, want = EXPECTED[case]
    with tf.Graph().as_default(), tf.Session() as sess:
        out = build()
        assert out.shape == () and tf.losses.get_losses() == [out]
        np.testing.assert_allclose(sess.run(out), want, rtol=2e-6, atol=1e-7)


def test_collections():
    with tf.Graph().as_default(), tf.Session() as sess:
        with tf.name_scope("here"):
            a = tf.losses.mean_squared_error(Z, X)
        b = tf.losses.absolute_difference(Z, X)
        none = tf.losses.absolute_difference(Z, X, reduction=R.NONE, loss_collection=None)
        assert none.shape == (4, 5)
        tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, tf.constant(2.0))
        assert tf.losses.get_losses() == [a, b] and tf.losses.get_losses("here") == [a]
        assert a.name == "here/mean_squared_error/value:0" and b.name == "absolute_difference/value:0"
        total, bare = tf.losses.get_total_loss(), tf.losses.get_total_loss(add_regularization_losses=False)
        got = sess.run([a, b, total, bare, tf.losses.get_regularization_loss()])
        np.testing.assert_allclose(got[2:], [got[0] + got[1] + 2, got[0] + got[1], 2], rtol=1e-6)


def test_mistakes():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="broadcast"):
            tf.losses.mean_squared_error(Z, X, weights=np.ones([4]))
        with pytest.raises(ValueError, match="labels must not be None"):
            tf.losses.mean_squared_error(None, X)
        with pytest.raises(ValueError, match="ReductionKey"):
            tf.losses.mean_squared_error(Z, X, reduction="sum of all")
        with pytest.raises(ValueError, match=r"4, ?5"):
            tf.losses.mean_squared_error(Z[:3], X)


KEPT = [
    (dict(keep_prob=0.6, seed=3), ["10001", "11011", "00110", "11011"]),
    (dict(rate=0.3, seed=3), ["11101", "11111", "00111", "11011"]),
    (dict(keep_prob=0.5, noise_shape=[4, 1], seed=1), ["00000", "11111", "00000", "00000"]),
    (dict(keep_prob=0.5, noise_shape=[None, 1], seed=1), ["00000", "11111", "00000", "00000"]),
    (dict(rate=0.25, seed=11, dtype="float64"), ["01110", "11011", "00111", "11111"]),
    (dict(rate=0.25, seed=11, dtype="float16"), ["10110", "11111", "10010", "10111"]),
]


@pytest.mark.parametrize("case", range(len(KEPT)))
def test_dropout_drops_what_tensorflow_drops(case):
    options, kept = KEPT[case]
    options = dict(options)
    dtype = options.pop("dtype", "float32")
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(7)
        x = tf.constant(X + 1, dtype)
        got = sess.run(tf.nn.dropout(x, **options))
        np.testing.assert_array_equal((got != 0).astype(int), [[int(k) for k in row] for row in kept])
        rate = options.get("rate", 1 - options.get("keep_prob", 0))
        want = np.where(got != 0, (X + 1).astype(dtype) / np.dtype(dtype).type(1 - rate), 0)
        np.testing.assert_allclose(got, want, rtol=2e-3 if dtype == "float16" else 1e-6)


def test_dropout_computed_rate_and_gradient():
    with tf.Graph().as_default(), tf.Session() as sess:
        keep = tf.placeholder(tf.float32, [])
        x = tf.constant(X + 1)
        y = tf.nn.dropout(x, keep, seed=1)
        (slope,) = tf.gradients(y, x)
        got, grad = sess.run([y, slope], {keep: 0.5})
        np.testing.assert_array_equal(grad, np.where(got != 0, 2, 0))
        np.testing.assert_array_equal(sess.run(y, {keep: 1.0}), X + 1)
        assert tf.nn.dropout(x, 1.0) is x and tf.nn.dropout(x, rate=0) is x


def test_dropout_mistakes():
    with tf.Graph().as_default():
        for wrong in (dict(), dict(keep_prob=0.5, rate=0.5), dict(rate=1.0), dict(keep_prob=1.5), dict(rate=-0.1)):
            with pytest.raises(ValueError):
                tf.nn.dropout(X, **wrong)
        with pytest.raises(ValueError, match="floating point"):
            tf.nn.dropout(Y, 0.5)
        with pytest.raises(ValueError):
            tf.nn.dropout(X, rate=tf.constant([0.5]))


@pytest.mark.parametrize("optimizer", [tf.train.GradientDescentOptimizer, tf.train.AdagradOptimizer])
@pytest.mark.parametrize("loss", [tf.nn.nce_loss, tf.nn.sampled_softmax_loss])
def test_sampled_losses_have_sparse_gradients(loss, optimizer):
    """From the lookup to the update, nothing is as large as a table but the table."""
    words, size = 1000, 8
    with tf.Graph().as_default(), tf.Session() as sess:
        rng = np.random.default_rng(0)
        tables = [tf.Variable(rng.uniform(-0.5, 0.5, (words, size)).astype(np.float32)) for _ in range(2)]
        biases = tf.Variable(np.zeros(words, np.float32))
        ids, labels = tf.placeholder(tf.int32, [4]), tf.placeholder(tf.int64, [4, 1])
        inputs = tf.nn.embedding_lookup(tables[0], ids)
        losses = loss(weights=tables[1], biases=biases, labels=labels, inputs=inputs, num_sampled=5, num_classes=words)
        pairs = optimizer(0.1).compute_gradients(tf.reduce_mean(losses))
        assert [type(g) for g, _ in pairs] == [tf.IndexedSlices] * 3
        step = optimizer(0.1).apply_gradients(pairs)
        sess.run(tf.global_variables_initializer())
        feed = {ids: [1, 2, 2, 999], labels: [[0], [1], [1], [999]]}
        before = sess.run([*tables, biases])
        for line in sess.describe_plan(step, feed).splitlines():
            assert line.startswith(("_ReadVariable", "_SparseApply", "SparseApply", "ScatterSub")) or not any(
                f"[{words}" in result for result in line.partition("->")[2].split()
            ), line
        sess.run(step, feed)
        changed = [np.unique(np.nonzero(a != b)[0]) for a, b in zip(before, sess.run([*tables, biases]))]
        assert changed[0].tolist() == [1, 2, 999] and {0, 1, 999} <= set(changed[1].tolist()) and len(changed[1]) <= 8
