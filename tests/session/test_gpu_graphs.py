"""What the recorder does (runtime/recorder.cc): segments of a plan become CUDA graphs. The simulator has them too."""

import numpy as np
import pytest

import tfmini as tf
from tfmini import _core

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.usefixtures("graph"),
    pytest.mark.skipif(not tf.test.is_gpu_available(), reason="no GPU (`tfmini devices` says why)"),
]


class Counted:
    """recorded, replayed, stepped: how often, within the block"""

    def __enter__(self):
        self.before = _core.recorder_counts()
        return self

    def __exit__(self, *error):
        now = _core.recorder_counts()
        self.recorded, self.replayed, self.stepped = (
            now[k] - self.before[k] for k in ("recorded", "replayed", "stepped")
        )


def rand(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def network():
    x = tf.placeholder(tf.float32, [8, 16])
    w, b = tf.Variable(rand(16, 4)), tf.Variable(np.zeros(4, np.float32))
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b - 1))
    return x, w, loss, tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)


def config(graphs):
    return tf.ConfigProto(gpu_options=tf.GPUOptions(cuda_graphs=graphs))


def test_a_segment_is_stepped_through_then_recorded_then_replayed():
    x, _, _, train = network()
    with tf.Session(config=config(True)) as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.describe_plan(train, {x: rand(8, 16)}).count("recorded on") == 1
        counts = []
        for _ in range(5):
            with Counted() as n:
                sess.run(train, {x: rand(8, 16)})
            counts.append((n.recorded, n.replayed, n.stepped))
    assert counts == [(0, 0, 1), (1, 1, 0), (0, 1, 0), (0, 1, 0), (0, 1, 0)]


def test_replays_give_the_same_bits():
    x, w, loss, train = network()
    results = []
    for graphs in (True, False):
        with tf.Session(config=config(graphs)) as sess, Counted() as n:
            sess.run(tf.global_variables_initializer())
            losses = [sess.run([loss, train], {x: rand(8, 16) * k})[0] for k in range(6)]
            results.append((losses, sess.run(w)))
        assert (n.replayed > 0) == graphs and (graphs or n.recorded == n.stepped == 0)
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_a_variable_that_moved_is_recorded_anew():
    x, w, loss, train = network()
    place = tf.placeholder(tf.float32, [16, 4])
    assign = w.assign(place).op
    with tf.Session(config=config(True)) as sess, tf.Session(config=config(False)) as plain:
        for s in (sess, plain):
            s.run(tf.global_variables_initializer())
        for k in range(6):
            feeds = {x: rand(8, 16)}
            with Counted() as n:
                got = sess.run([loss, train], feeds)[0]
            assert (n.recorded > 0) == (k in (1, 4))
            assert got == plain.run([loss, train], feeds)[0]
            if k == 3:
                for s in (sess, plain):
                    s.run(assign, {place: rand(16, 4) * 2})


def test_a_snapshot_survives_a_replay():
    x, w, _, train = network()
    with tf.Session(config=config(True)) as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run(train, {x: rand(8, 16)})
        held = sess.run(w, options=tf.RunOptions(fetch_on_device=True))
        before = np.asarray(held).copy()
        for _ in range(3):
            sess.run(train, {x: rand(8, 16)})
        np.testing.assert_array_equal(np.asarray(held), before)
        assert (sess.run(w) != before).any()


def test_memory_of_recordings_is_kept():
    """Replaying asks for no memory, and scratch of recorded kernels is not given to others."""
    table, ids = tf.Variable(rand(40, 8)), tf.placeholder(tf.int32, [30])
    loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, ids)))
    train = tf.train.AdamOptimizer(0.1).minimize(loss)  # sorts its rows in scratch memory
    other = tf.reduce_sum(tf.cumsum(tf.random_uniform([64, 64])))
    rng = np.random.default_rng(0)
    feeds = [rng.integers(0, 40, 30) for _ in range(8)]
    results = []
    for graphs in (True, False):
        with tf.Session(config=config(graphs)) as sess:
            sess.run(tf.global_variables_initializer())
            for k, batch in enumerate(feeds):
                sess.run(train, {ids: batch})
                sess.run(other)
                if k == 3:
                    used = _core.gpu_bytes_in_use(0)
            assert _core.gpu_bytes_in_use(0) == used
            results.append(sess.run(table))
    np.testing.assert_array_equal(*results)


def test_random_numbers_are_drawn_anew():
    x = tf.random_uniform([100], seed=1)
    y = tf.tanh(x) * 2 + tf.cumsum(x)
    with tf.Session(config=config(True)) as sess:
        seen = [sess.run(tf.reduce_sum(y)) for _ in range(2)] + [sess.run(y).sum() for _ in range(3)]
    assert len(set(seen)) == len(seen)


def test_kernels_that_wait_part_segments_and_still_raise():
    x = tf.placeholder(tf.float32, [4, 4])
    product = tf.matmul(tf.matmul(x, x, transpose_b=True), tf.eye(4))
    factor = tf.cholesky(product)
    y = tf.matmul(tf.matmul(factor, factor, transpose_b=True), x)
    good = rand(4, 4) + 4 * np.eye(4, dtype=np.float32)
    with tf.Session(config=config(True)) as sess:
        assert sess.describe_plan(y, {x: good}).count("recorded on") == 2
        with Counted() as n:
            for _ in range(4):
                np.testing.assert_allclose(sess.run(y, {x: good}), good @ good.T @ good, rtol=1e-3, atol=1e-3)
        assert n.recorded == 2 and n.replayed > 0
        with pytest.raises(tf.errors.InvalidArgumentError, match="Cholesky"):
            sess.run(y, {x: np.zeros([4, 4], np.float32)})
        np.testing.assert_allclose(sess.run(y, {x: good}), good @ good.T @ good, rtol=1e-3, atol=1e-3)
