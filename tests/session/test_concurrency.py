"""Many Python threads on one session; these also run under ThreadSanitizer."""

import concurrent.futures
import threading

import numpy as np
import pytest

import tfmini as tf

pytestmark = pytest.mark.concurrency
THREADS = 16


def together(work, threads=THREADS):
    """Runs work(i) on all threads, started at one moment; raises what any of them raised."""
    barrier = threading.Barrier(threads)

    def started(i):
        barrier.wait()
        return work(i)

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return [f.result(timeout=120) for f in [pool.submit(started, i) for i in range(threads)]]


def test_pure_runs():
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None, 8])
        w = tf.Variable(np.eye(8, dtype=np.float32) * 2)
        y = tf.nn.relu(tf.matmul(x, w) + 1.0)
        sess.run(w.initializer)

        def work(i):
            for n in range(1, 60):
                fed = np.full((n % 7 + 1, 8), i, np.float32)  # shapes differ, so plans are made concurrently
                np.testing.assert_array_equal(sess.run(y, {x: fed}), fed * 2 + 1)

        together(work)


def test_large_kernels_share_the_pool():
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [200, 200])
        y = tf.reduce_sum(tf.tanh(tf.matmul(x, x)), 1)
        rng = np.random.default_rng(0)
        inputs = [rng.standard_normal((200, 200)).astype(np.float32) * 0.1 for _ in range(THREADS)]
        alone = [sess.run(y, {x: value}) for value in inputs]

        def work(i):
            for _ in range(10):
                np.testing.assert_array_equal(sess.run(y, {x: inputs[i]}), alone[i])

        together(work)


def test_atomic_increments():
    """assign_add is one step: no update is lost."""
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable(np.zeros(1000, np.int64))
        bump = tf.assign_add(v, tf.ones([1000], tf.int64))
        sess.run(v.initializer)
        together(lambda i: [sess.run(bump.op) for _ in range(50)])
        np.testing.assert_array_equal(sess.run(v), THREADS * 50)


def test_snapshots_are_whole():
    """A read never shows half of a concurrent assignment."""
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable(np.zeros(5000, np.float32))
        x = tf.placeholder(tf.float32, [])
        fill, bump = tf.assign(v, tf.fill([5000], x)), tf.assign_add(v, tf.ones([5000]))
        read, total = v.value(), tf.reduce_max(v) - tf.reduce_min(v)
        sess.run(v.initializer)

        def work(i):
            for n in range(40):
                if i % 4 == 0:
                    sess.run(fill.op, {x: float(n)})
                elif i % 4 == 1:
                    sess.run(bump.op)
                else:
                    value, spread = sess.run([read, total])
                    assert value.min() == value.max()
                    assert spread == 0

        together(work)


@pytest.mark.parametrize("optimizer", [tf.train.AdagradOptimizer, tf.train.AdamOptimizer])
def test_training_from_many_threads(optimizer):
    """Hogwild: losses go down and nothing breaks, with sparse and dense updates at once: no run sees half of
    another's update, for each is one kernel."""
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(1)
        table = tf.Variable(tf.random_normal([20, 4], seed=1))
        w = tf.Variable(tf.random_normal([4, 1], seed=2))
        ids, target = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.float32, [None, 1])
        loss = tf.reduce_mean(tf.square(tf.matmul(tf.nn.embedding_lookup(table, ids), w) - target))
        step = optimizer(0.01).minimize(loss)
        sess.run(tf.global_variables_initializer())
        feed = {ids: np.arange(20), target: np.linspace(-1, 1, 20)[:, None]}
        before = sess.run(loss, feed)

        def work(i):
            for k in range(60):
                row = [(i + k) % 20]
                sess.run(step, {ids: row, target: feed[target][row]})

        together(work)
        assert sess.run(loss, feed) < before
        assert np.isfinite(sess.run(table)).all()


def test_random_draws_are_not_repeated():
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.random_uniform([4], seed=3)
        draws = sum(together(lambda i: [tuple(sess.run(x)) for _ in range(30)]), [])
        assert len(set(draws)) == THREADS * 30


@pytest.mark.cpu
def test_errors_stay_with_their_run():
    with tf.Graph().as_default(), tf.Session() as sess:
        i = tf.placeholder(tf.int32, [])
        y = tf.gather([0.0, 1.0, 2.0, 3.0], i)

        def work(t):
            for n in range(50):
                k = (t + n) % 8
                if k < 4:
                    assert sess.run(y, {i: k}) == k
                else:
                    with pytest.raises(tf.errors.InvalidArgumentError, match=str(k)):
                        sess.run(y, {i: k})

        together(work)


def test_loops_in_parallel():
    with tf.Graph().as_default(), tf.Session() as sess:
        n = tf.placeholder(tf.int32, [])
        total = tf.while_loop(lambda i, t: i < n, lambda i, t: (i + 1, t + i), [0, 0])[1]
        together(lambda i: [sess.run(total, {n: m}) == m * (m - 1) // 2 or pytest.fail() for m in range(40)])


def test_graph_building_while_others_run():
    with tf.Graph().as_default() as g, tf.Session() as sess:
        x = tf.placeholder(tf.float32, [])
        y = x + 1.0

        def work(i):
            for n in range(30):
                if i % 4 == 0:
                    with g.as_default():
                        assert sess.run(y * float(n), {x: 1.0}) == 2.0 * n
                else:
                    assert sess.run(y, {x: float(n)}) == n + 1.0

        together(work)
        names = [op.name for op in g.get_operations()]
        assert len(names) == len(set(names))


def test_default_graphs_and_sessions_belong_to_threads():
    def work(i):
        with tf.Graph().as_default() as g, tf.Session() as sess:
            assert tf.get_default_graph() is g
            with tf.name_scope("mine"):
                c = tf.constant(float(i))
            assert c.name == "mine/Const:0"
            assert tf.get_default_session() is sess
            assert c.eval() == i

    together(work)


def test_sessions_opened_and_closed_at_once():
    with tf.Graph().as_default() as g:
        v = tf.Variable(tf.random_normal([50, 50]))
        init, norm = v.initializer, tf.reduce_sum(tf.matmul(v, v))

    def work(i):
        for _ in range(10):
            with tf.Session(graph=g) as sess:
                sess.run(init)
                assert np.isfinite(sess.run(norm))

    together(work)
