"""Training steps run on the GPU: their plans, those of loops inside included, copy nothing to the host but what is fetched."""

import numpy as np
import pytest

import tfmini as tf

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.usefixtures("graph"),
    pytest.mark.skipif(not tf.test.is_gpu_available(), reason="no GPU (`tfmini devices` says why)"),
]


def steps(loss, train, feeds, count=3, **config):
    with tf.Session(config=tf.ConfigProto(**config)) as sess:
        sess.run(tf.global_variables_initializer())
        losses = [sess.run([loss, train], feeds)[0] for _ in range(count)]
        return np.array([*losses, *(np.sum(v) for v in sess.run(tf.trainable_variables()))])


def check_training(loss, train, feeds, deterministic=True):
    """Nothing but the loss comes to the host. Where nothing is random, a step gives the same bits at every run, and the
    CPU's results up to rounding."""
    with tf.Session() as sess:
        plan = sess.describe_plan([loss, train], feeds)
    copies = [line.strip() for line in plan.splitlines() if "_CopyToHost" in line]
    assert len(copies) == 1 and copies[0].endswith("float32[]"), "\n".join(copies)
    first = steps(loss, train, feeds)
    assert np.isfinite(first).all()
    if deterministic:
        np.testing.assert_array_equal(first, steps(loss, train, feeds))
        np.testing.assert_allclose(first, steps(loss, train, feeds, device_count={"GPU": 0}), rtol=2e-3, atol=1e-4)


def rand(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def weights(*shape):
    return tf.Variable(rand(*shape) * 0.1)


def test_convolutional_network():
    """examples/digits_convnet.py"""
    images, labels = tf.placeholder(tf.float32, [None, 8, 8, 1]), tf.placeholder(tf.int32, [None])
    x = tf.nn.relu(tf.nn.conv2d(images, weights(3, 3, 1, 4), [1, 1, 1, 1], "SAME") + weights(4))
    x = tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    x = tf.nn.relu(tf.matmul(tf.reshape(x, [-1, 64]), weights(64, 12)) + weights(12))
    logits = tf.matmul(tf.nn.dropout(x, keep_prob=0.7, seed=3), weights(12, 10)) + weights(10)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    train = tf.train.AdamOptimizer(0.01).minimize(loss)
    check_training(loss, train, {images: rand(6, 8, 8, 1), labels: np.arange(6) % 10})
    accuracy = tf.reduce_mean(tf.to_float(tf.equal(tf.cast(tf.argmax(logits, 1), tf.int32), labels)))
    with tf.Session() as sess:
        plan = sess.describe_plan(accuracy, {images: rand(6, 8, 8, 1), labels: np.arange(6) % 10})
    assert plan.count("_CopyToHost") == 1


def test_residual_network():
    """examples/digits_resnet.py: moving averages, a condition, a rate that depends on the step"""
    images, labels = tf.placeholder(tf.float32, [None, 8, 8, 3]), tf.placeholder(tf.int32, [None])
    training = tf.placeholder_with_default(False, [])
    x = tf.nn.conv2d(images, weights(3, 3, 3, 8), [1, 2, 2, 1], "SAME")
    average, spread = (tf.Variable(np.full(8, k, np.float32), trainable=False) for k in (0, 1))
    mean, variance = tf.nn.moments(x, [0, 1, 2])
    updates = [tf.assign_add(average, 0.1 * (mean - average)), tf.assign_sub(spread, 0.1 * (spread - variance))]
    mean, variance = tf.cond(training, lambda: (mean, variance), lambda: (average + 0.0, spread + 0.0))
    x = tf.nn.relu(tf.nn.batch_normalization(x, mean, variance, weights(8), weights(8), 1e-3))
    shortcut = tf.pad(tf.nn.avg_pool(images, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), [[0, 0], [0, 0], [0, 0], [0, 5]])
    logits = tf.nn.xw_plus_b(tf.reduce_mean(x + shortcut, [1, 2]), weights(8, 10), weights(10))
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    step = tf.train.get_or_create_global_step()
    rate = tf.train.piecewise_constant(step, [10, 20], [0.1, 0.01, 0.001])
    with tf.control_dependencies(updates):
        train = tf.train.MomentumOptimizer(rate, 0.9).minimize(loss, global_step=step)
    feeds = {images: rand(5, 8, 8, 3), labels: np.arange(5), training: True}
    check_training(loss, train, feeds)


def test_language_model():
    """examples/lstm_language_model.py: dynamic_rnn, forwards and backwards, with lists on the device"""
    inputs, targets = tf.placeholder(tf.int32, [None, None]), tf.placeholder(tf.int32, [None, None])
    cell = tf.nn.rnn_cell.BasicLSTMCell(8)
    start = cell.zero_state(tf.shape(inputs)[0], tf.float32)
    embedded = tf.nn.embedding_lookup(weights(11, 4), inputs)
    outputs, _ = tf.nn.dynamic_rnn(cell, embedded, initial_state=start)
    logits = tf.matmul(tf.reshape(outputs, [-1, 8]), weights(8, 11)) + weights(11)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(targets, [-1]), logits=logits)
    loss = tf.reduce_mean(losses)
    optimizer = tf.train.AdamOptimizer(0.01)
    gradients, variables = zip(*optimizer.compute_gradients(loss))
    gradients, _ = tf.clip_by_global_norm(gradients, 0.5)
    train = optimizer.apply_gradients(zip(gradients, variables))
    ids = np.random.default_rng(1).integers(0, 11, (3, 6))
    check_training(loss, train, {inputs: ids[:, :-1], targets: ids[:, 1:]}, deterministic=False)


@pytest.mark.parametrize("lengths", [None, [2, 5, 0]])
def test_recurrent_network(lengths):
    x = tf.placeholder(tf.float32, [3, 5, 4])
    cell = tf.nn.rnn_cell.GRUCell(
        6, kernel_initializer=tf.constant_initializer(0.1), bias_initializer=tf.constant_initializer(0.2)
    )
    outputs, state = tf.nn.dynamic_rnn(cell, x, sequence_length=lengths, dtype=tf.float32)
    loss = tf.reduce_sum(tf.square(outputs)) + tf.reduce_sum(state)
    check_training(loss, tf.train.RMSPropOptimizer(0.01).minimize(loss), {x: rand(3, 5, 4)})


def test_noise_contrastive_estimation():
    """examples/word2vec_nce.py: the sampler is a host op, which is given fed labels: nothing is waited for."""
    words, labels = tf.placeholder(tf.int32, [8]), tf.placeholder(tf.int32, [8, 1])
    rate = tf.placeholder(tf.float32, [])
    embeddings, w, b = weights(50, 6), weights(50, 6), weights(50)
    loss = tf.reduce_mean(
        tf.nn.nce_loss(w, b, labels, tf.nn.embedding_lookup(embeddings, words), num_sampled=4, num_classes=50)
    )
    train = tf.train.GradientDescentOptimizer(rate).minimize(loss)
    feeds = {words: [1, 2, 1, 1, 0, 49, 7, 2], labels: np.arange(8)[:, None], rate: 0.5}
    check_training(loss, train, feeds, deterministic=False)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: tf.train.GradientDescentOptimizer(0.1),
        lambda: tf.train.MomentumOptimizer(0.1, 0.9),
        lambda: tf.train.AdagradOptimizer(0.1),
        lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.5),
        lambda: tf.train.AdamOptimizer(0.1),
        lambda: tf.train.AdadeltaOptimizer(0.1),
        lambda: tf.train.FtrlOptimizer(0.1),
    ],
    ids="descent momentum adagrad rmsprop adam adadelta ftrl".split(),
)
def test_optimizers_of_looked_up_rows(optimizer):
    """Updates in place, on the device, and no values of the variable on the host."""
    table = weights(20, 5)
    ids = tf.placeholder(tf.int32, [None])
    loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, ids) - 1))
    check_training(loss, optimizer().minimize(loss), {ids: [3, 1, 3, 3, 19]})


def test_lists_stay_on_the_device():
    """map_fn, its gradient, and a list that is used twice."""
    x = tf.Variable(rand(4, 3))
    y = tf.map_fn(lambda row: tf.tanh(row) * row, x.value())
    z = tf.scan(lambda total, row: total * 0.5 + row, y)
    loss = tf.reduce_sum(y * z)
    check_training(loss, tf.train.GradientDescentOptimizer(0.1).minimize(loss), {})


def test_counters_stay_on_the_host():
    step = tf.Variable(np.int64(0), trainable=False)
    more = tf.cond(step < 10, lambda: tf.assign_add(step, 1), lambda: tf.identity(step))
    with tf.Session() as sess:
        assert "_CopyToHost" not in sess.describe_plan(more)
