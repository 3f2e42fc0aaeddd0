"""The ordering rule of variables: see passes/variables.cc."""

import threading

import numpy as np

import tfmini as tf


def started():
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    return sess


def test_a_read_without_dependency_sees_the_value_before_the_run():
    v = tf.Variable(1.0)
    add = tf.assign_add(v, 10.0)
    doubled = v * 2.0
    with started() as sess:
        assert sess.run([add.op, doubled])[1] == 2.0
        assert sess.run([doubled, add.op])[0] == 22.0
        assert sess.run(v) == 21.0


def test_a_read_behind_an_assignment_sees_it():
    v = tf.Variable(1.0)
    add = tf.assign_add(v, 10.0)
    with tf.control_dependencies([add]):
        after = v.read_value() + 0.0
    before = v.value() * 1.0
    with started() as sess:
        assert sess.run([before, after]) == [1.0, 11.0]


def test_the_output_of_an_assignment_is_the_new_value():
    v = tf.Variable(1.0)
    add = tf.assign_add(v, 10.0)
    with started() as sess:
        assert sess.run(add * 2.0) == 22.0


def test_assignments_run_in_creation_order():
    v = tf.Variable(1.0)
    first = tf.assign(v, v * 0.0 + 3.0)
    second = tf.assign_add(v, 4.0)
    with started() as sess:
        sess.run([second.op, first.op])
        assert sess.run(v) == 7.0


def test_swap():
    x, y = tf.Variable(np.arange(5.0)), tf.Variable(np.arange(5.0) * 10)
    swap = tf.group(tf.assign(x, y), tf.assign(y, x))
    with started() as sess:
        sess.run(swap)
        np.testing.assert_array_equal(sess.run(x), np.arange(5.0) * 10)
        np.testing.assert_array_equal(sess.run(y), np.arange(5.0))


def test_a_fetched_read_is_a_snapshot():
    v = tf.Variable(np.zeros(100_000, np.float32))
    add = tf.assign_add(v, np.ones(100_000, np.float32))
    with started() as sess:
        before, _ = sess.run([v.value(), add.op])
        kept = sess.run(v)
        sess.run(add.op)
        assert before.max() == 0.0 and kept.max() == 1.0
        kept[:] = 7.0
        assert sess.run(v).max() == 2.0


def test_views_of_a_variable_are_reads_too():
    v = tf.Variable(np.zeros((2, 3), np.float32))
    view = tf.reshape(v, [3, 2])
    add = tf.assign_add(v, np.ones((2, 3), np.float32))
    with started() as sess:
        total, fetched, _ = sess.run([tf.reduce_sum(view), view, add.op])
        assert total == 0.0 and fetched.max() == 0.0


def test_feeding_a_read_replaces_it():
    v = tf.Variable(1.0)
    with started() as sess:
        assert sess.run(v * 3.0, {v: 5.0}) == 15.0
        assert sess.run(v) == 1.0


def test_an_assigned_array_is_copied():
    v = tf.Variable(np.zeros(3, np.float32))
    p = tf.placeholder(tf.float32, [3])
    assign = tf.assign(v, p)
    with started() as sess:
        array = np.ones(3, np.float32)
        sess.run(assign.op, {p: array})
        array[:] = 5.0
        np.testing.assert_array_equal(sess.run(v), np.ones(3))


def test_assignments_inside_cond_run_only_in_the_branch_taken():
    v = tf.Variable(1.0)
    p = tf.placeholder(tf.bool, [])
    result = tf.cond(p, lambda: tf.assign_add(v, 10.0), lambda: tf.assign_sub(v, 1.0))
    with started() as sess:
        assert sess.run(result, {p: True}) == 11.0
        assert sess.run(result, {p: False}) == 10.0
        assert sess.run(v) == 10.0


def test_assignments_inside_a_loop():
    v = tf.Variable(0.0)

    def body(i):
        with tf.control_dependencies([tf.assign_add(v, tf.cast(i, tf.float32))]):
            return i + 1

    loop = tf.while_loop(lambda i: i < 5, body, [tf.constant(0)])
    with started() as sess:
        assert sess.run(loop) == 5
        assert sess.run(v) == 10.0


def test_reads_after_an_assignment_inside_a_branch_and_a_loop():
    """What was read outside is old there, however the variable is named."""
    v = tf.Variable(1.0)
    p = tf.placeholder(tf.bool, [])

    def branch(read):
        def body():
            with tf.control_dependencies([tf.assign(v, v * 2.0)]):
                return read(v)

        return tf.cond(p, body, lambda: tf.constant(-1.0))

    def body(i, total):
        with tf.control_dependencies([tf.assign_add(v, 1.0)]):
            return i + 1, total + v

    _, total = tf.while_loop(lambda i, _: i < 4, body, [tf.constant(0), tf.constant(0.0)])
    reads = [branch(read) for read in (tf.identity, lambda x: x + 0.0, lambda x: x.read_value())]
    with started() as sess:
        for read in reads:
            before = sess.run(v)
            assert sess.run(read, {p: True}) == 2 * before == sess.run(v)
        sess.run(v.initializer)
        assert sess.run(total) == 2.0 + 3.0 + 4.0 + 5.0


def test_the_gradient_of_a_loop_reaches_a_variable_it_only_reads():
    v = tf.Variable(3.0)
    _, power = tf.while_loop(lambda i, _: i < 3, lambda i, x: (i + 1, x * v), [tf.constant(0), tf.constant(1.0)])
    (gradient,) = tf.gradients(power, [v])
    with started() as sess:
        assert sess.run(gradient) == 27.0


def test_concurrent_updates_lose_nothing_and_reads_are_whole():
    v = tf.Variable(np.zeros(10_000, np.float32))
    add = tf.assign_add(v, np.ones(10_000, np.float32)).op
    read = v.value()
    torn = []
    with started() as sess:

        def work():
            for _ in range(50):
                sess.run(add)
                value = sess.run(read)
                if value.min() != value.max():
                    torn.append(value)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert sess.run(v)[0] == 400.0
        assert not torn
