"""Sessions as objects: default sessions, interactive ones, callables, options, isolation of state."""

import gc
import weakref

import numpy as np
import pytest

import tfmini as tf


def test_context_manager_sets_session_and_graph():
    g = tf.Graph()
    with g.as_default():
        x = tf.constant(1.0)
    with tf.Session(graph=g) as sess:
        assert tf.get_default_session() is sess
        assert tf.get_default_graph() is g
        assert x.eval() == 1.0
    assert tf.get_default_session() is None
    with pytest.raises(RuntimeError, match="closed"):
        sess.run(x)


def test_as_default_does_not_close():
    with tf.Graph().as_default():
        x = tf.constant(1.0)
        sess = tf.Session()
        with sess.as_default():
            assert x.eval() == 1.0
        assert sess.run(x) == 1.0
        sess.close()


def test_interactive_session():
    with tf.Graph().as_default():
        sess = tf.InteractiveSession()
        try:
            v = tf.Variable(3.0)
            v.initializer.run()
            assert v.eval() == 3.0
            assert tf.get_default_session() is sess
        finally:
            sess.close()
        assert tf.get_default_session() is None


def test_sessions_have_their_own_variables():
    with tf.Graph().as_default():
        v = tf.Variable(0.0)
        bump = tf.assign_add(v, 1.0)
        with tf.Session() as a, tf.Session() as b:
            a.run(v.initializer)
            b.run(v.initializer)
            a.run(bump)
            assert (a.run(v), b.run(v)) == (1.0, 0.0)
        with tf.Session() as c, pytest.raises(tf.errors.FailedPreconditionError):
            c.run(v)


def test_graph_grows_between_runs():
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.constant(2.0)
        for i in range(20):
            x = x + 1.0
            assert sess.run(x) == 3.0 + i


def test_finalized_graph():
    with tf.Graph().as_default() as g, tf.Session() as sess:
        x = tf.constant(2.0)
        g.finalize()
        assert g.finalized
        assert sess.run(x) == 2.0
        with pytest.raises(RuntimeError, match="finalized"):
            tf.constant(1.0)


def test_reset_default_graph():
    tf.constant(1.0, name="left_over")
    tf.reset_default_graph()
    assert tf.get_default_graph().get_operations() == []
    assert tf.constant(1.0).name == "Const:0"
    tf.reset_default_graph()


def test_make_callable():
    with tf.Graph().as_default(), tf.Session() as sess:
        x, y = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
        total = x * 10.0 + y
        call = sess.make_callable({"total": total}, feed_list=[x, y])
        assert call(1.0, 2.0)["total"] == 12.0
        assert call(np.float32(3), 4)["total"] == 34.0
        with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
            call(1.0)
        assert sess.make_callable(tf.constant(5.0))() == 5.0
        v = tf.Variable(1.0)
        assert sess.make_callable(v.initializer)() is None


def test_config_options():
    config = tf.ConfigProto(
        allow_soft_placement=True,
        log_device_placement=False,
        intra_op_parallelism_threads=2,
        inter_op_parallelism_threads=1,
        device_count={"GPU": 0},
        gpu_options=tf.GPUOptions(allow_growth=True, per_process_gpu_memory_fraction=0.5),
    )
    config.gpu_options.allow_growth = False
    config.graph_options.optimizer_options.opt_level = -1
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.experimental.executor_type = "anything"
    with tf.Graph().as_default(), tf.Session(config=config) as sess:
        assert sess.run(tf.constant(1.0)) == 1.0
    with pytest.raises((ValueError, AttributeError, TypeError)):
        tf.ConfigProto(no_such_option=True)
    with tf.Graph().as_default(), pytest.raises(TypeError):
        tf.Session(config="fast")


def test_graph_property_and_partial_arguments():
    with tf.Graph().as_default() as g:
        sess = tf.Session("")
        assert sess.graph is g
        assert len(sess.graph_def.node) == 0
        tf.constant(1.0)
        assert len(sess.graph_def.node) == 1
        sess.close()


def test_sessions_and_graphs_are_collected():
    """Nothing keeps a dropped graph and its variables alive."""

    def once():
        with tf.Graph().as_default() as g, tf.Session() as sess:
            v = tf.Variable(tf.zeros([10]))
            loss = tf.reduce_sum(tf.square(v))
            step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
            sess.run(tf.global_variables_initializer())
            sess.run(step)
        return weakref.ref(g), weakref.ref(sess)

    refs = once()
    gc.collect()
    assert [r() for r in refs] == [None, None]


def test_many_plans():
    """More fetch sets and feed shapes than any plan cache keeps."""
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None])
        ys = [tf.reduce_sum(x) + float(i) for i in range(30)]
        for n in range(60):
            for i in (n % 30, (n * 7) % 30):
                assert sess.run(ys[i], {x: np.ones(n)}) == n + i


def test_random_state_belongs_to_the_session():
    with tf.Graph().as_default():
        x = tf.random_uniform([3], seed=4)
        with tf.Session() as a, tf.Session() as b:
            first = a.run(x)
            second = a.run(x)
            assert not np.array_equal(first, second)
            np.testing.assert_array_equal(b.run(x), first)
            np.testing.assert_array_equal(b.run(x), second)


def test_unseeded_sessions_differ():
    with tf.Graph().as_default():
        x = tf.random_uniform([8])
        with tf.Session() as a, tf.Session() as b:
            assert not np.array_equal(a.run(x), b.run(x))


def test_order_of_reads_and_assignments():
    """Within a run, reads that do not depend on an assignment see the value from before it."""
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable(1.0)
        bump = tf.assign_add(v, 10.0)
        late_read = v + 0.0
        sess.run(v.initializer)
        for expected in (1.0, 11.0, 21.0):
            before, after, read = sess.run([late_read, bump, v.value()])
            assert (before, after, read) == (expected, expected + 10.0, expected)


def test_two_assignments_run_in_creation_order():
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable(1.0)
        double = tf.assign(v, v * 2.0)
        bump = tf.assign_add(v, 10.0)
        sess.run(v.initializer)
        sess.run([bump, double])
        assert sess.run(v) == 12.0
