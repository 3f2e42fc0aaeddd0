"""Errors: the right class, the node, the user's own source line, at most ten lines, and a session that goes on."""

import inspect
import pathlib

import numpy as np
import pytest

import tfmini as tf

HERE = pathlib.Path(__file__).name


@pytest.fixture
def sess():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def line():
    """The line number of the caller."""
    return inspect.currentframe().f_back.f_lineno


def check(caught, *parts):
    message = str(caught.value)
    for part in parts:
        assert str(part) in message, f"{part!r} is not in:\n{message}"
    assert len(message.splitlines()) <= 10, message


def test_unfed_placeholder(sess):
    x = tf.placeholder(tf.float32, [2, 3], name="inputs/x")
    at = line() - 1
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        sess.run(x * 2.0)
    check(caught, "inputs/x", f"{HERE}", at)
    assert caught.value.op is x.op
    assert caught.value.node_def is not None


def test_placeholder_that_is_not_needed(sess):
    tf.placeholder(tf.float32, [2])
    assert sess.run(tf.constant(1.0)) == 1.0


def test_uninitialised_variable(sess):
    w = tf.Variable(tf.zeros([2]), name="layer/w")
    at = line() - 1
    with pytest.raises(tf.errors.FailedPreconditionError) as caught:
        sess.run(w + 1.0)
    check(caught, "layer/w", HERE, at)
    with pytest.raises(tf.errors.FailedPreconditionError, match="layer/w"):
        sess.run(tf.assign_add(w, [1.0, 1.0]))
    sess.run(w.initializer)
    np.testing.assert_array_equal(sess.run(w + 1.0), [1, 1])


@pytest.mark.cpu
def test_run_time_error_names_node_and_line(sess):
    x = tf.placeholder(tf.int32, [None], name="ids")
    y = tf.gather(tf.zeros([3, 2]), x, name="lookup")
    at = line() - 1
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        sess.run(y, {x: [0, 7]})
    check(caught, "lookup", HERE, at, 7)
    assert caught.value.op.name == "lookup"
    assert caught.value.error_code == tf.errors.INVALID_ARGUMENT
    np.testing.assert_array_equal(sess.run(y, {x: [2]}), [[0, 0]])


def test_shapes_known_only_at_run_time(sess):
    a, b = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    y = tf.matmul(a, b, name="product")
    at = line() - 1
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        sess.run(y, {a: np.ones((2, 3)), b: np.ones((2, 3))})
    check(caught, "product", HERE, at, 2, 3)
    assert sess.run(y, {a: np.ones((2, 3)), b: np.ones((3, 1))}).shape == (2, 1)


def test_build_errors_are_value_errors(sess):
    before = len(tf.get_default_graph().get_operations())
    x = tf.zeros([2, 3])
    for wrong in (
        lambda: tf.matmul(x, x),
        lambda: x + tf.zeros([4]),
        lambda: tf.reshape(x, [4, 2]),
        lambda: tf.concat([x, tf.zeros([2, 2])], 0),
        lambda: tf.nn.conv2d(x, x, [1, 1, 1, 1], "SAME"),
        lambda: tf.reduce_sum(x, 2),
        lambda: tf.nn.conv2d(tf.zeros([1, 4, 4, 1]), tf.zeros([1, 1, 1, 1]), [1, 1, 1, 1], "LEFT"),
    ):
        with pytest.raises(ValueError) as caught:
            wrong()
        check(caught)
    assert len(tf.get_default_graph().get_operations()) > before
    assert sess.run(x).shape == (2, 3)


def test_build_type_errors(sess):
    for wrong in (
        lambda: tf.constant(1.0) + tf.constant(1),
        lambda: tf.matmul([[1]], [[1.0]]),
        lambda: tf.nn.relu("text"),
        lambda: tf.logical_and(1.0, True),
        lambda: tf.Variable(),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            wrong()
        check(caught)


def test_tensor_as_bool_and_iteration(sess):
    x = tf.placeholder(tf.float32)
    with pytest.raises(TypeError, match="bool"):
        if x > 0.0:
            pass
    with pytest.raises(TypeError, match="[Ii]tera"):
        list(x)


def test_tensors_of_another_graph(sess):
    mine = tf.constant(1.0)
    with tf.Graph().as_default():
        other = tf.constant(2.0, name="stranger")
        other_placeholder = tf.placeholder(tf.float32, name="stranger_x")
    with pytest.raises(ValueError, match="graph"):
        sess.run(other)
    with pytest.raises((ValueError, TypeError), match="graph"):
        sess.run(mine, {other_placeholder: 1.0})
    with pytest.raises(ValueError, match="graph"):
        mine + other
    with pytest.raises(ValueError, match="graph"):
        tf.gradients(mine, other)


def test_closed_session():
    with tf.Graph().as_default():
        x = tf.constant(1.0)
        sess = tf.Session()
        assert sess.run(x) == 1.0
        call = sess.make_callable(x)
        sess.close()
        sess.close()
        with pytest.raises(RuntimeError, match="closed"):
            sess.run(x)
        with pytest.raises((RuntimeError, tf.errors.CancelledError), match="closed"):
            call()


def test_no_default_session():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="session"):
            tf.constant(1.0).eval()
        with pytest.raises(ValueError, match="session"):
            tf.no_op().run()


def test_empty_graph():
    with tf.Graph().as_default(), tf.Session() as sess, pytest.raises((RuntimeError, ValueError), match="empty|x:0"):
        sess.run("x:0")


@pytest.mark.cpu
def test_failed_run_changes_no_variable(sess):
    """An update that fails, even late in the run, leaves variables whole."""
    table = tf.Variable(tf.zeros([4, 2]))
    x = tf.placeholder(tf.int32, [None])
    update = tf.scatter_add(table, x, tf.ones([3, 2]))
    sess.run(table.initializer)
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(update, {x: [0, 1, 9]})
    np.testing.assert_array_equal(sess.run(table), 0)
    sess.run(update, {x: [0, 1, 1]})
    np.testing.assert_array_equal(sess.run(table)[:, 0], [1, 2, 0, 0])


def test_assign_of_a_wrong_shape(sess):
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(ValueError, match="shape|[Dd]imension"):
        v.assign([1.0, 2.0, 3.0])
    x = tf.placeholder(tf.float32)
    assign = v.assign(x)
    sess.run(v.initializer)
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(assign, {x: [1.0, 2.0, 3.0]})
    np.testing.assert_array_equal(sess.run(v), [1, 2])


@pytest.mark.parametrize("dims", [[-1], [2, -3], [2**40, 2**40]], ids=str)
def test_absurd_sizes(sess, dims):
    shape = tf.placeholder(tf.int64, [len(dims)])
    y = tf.fill(shape, 1.0)
    with pytest.raises((tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError)) as caught:
        sess.run(y, {shape: dims})
    check(caught)
    assert sess.run(y, {shape: [2] * len(dims)}).ndim == len(dims)


def test_too_large_for_memory(sess):
    shape = tf.placeholder(tf.int64, [1])
    with pytest.raises(tf.errors.ResourceExhaustedError):
        sess.run(tf.reduce_sum(tf.fill(shape, 1.0) * tf.random_uniform(shape)), {shape: [1 << 50]})


@pytest.mark.cpu
def test_errors_inside_control_flow(sess):
    p = tf.placeholder(tf.bool, [])
    i = tf.placeholder(tf.int32, [], name="i")
    y = tf.cond(p, lambda: tf.gather([1.0, 2.0], i, name="inside"), lambda: tf.constant(0.0))
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        sess.run(y, {p: True, i: 5})
    check(caught, "inside", 5)
    assert sess.run(y, {p: False, i: 5}) == 0.0


def test_error_classes():
    e = tf.errors.InvalidArgumentError(None, None, "what happened")
    assert isinstance(e, tf.errors.OpError) and isinstance(e, Exception)
    assert e.message == "what happened" and e.error_code == tf.errors.INVALID_ARGUMENT == 3
    assert e.op is None
    for name, code in (("OutOfRangeError", 11), ("NotFoundError", 5), ("CancelledError", 1)):
        assert getattr(tf.errors, name)(None, None, "m").error_code == code


def test_colocated_and_unknown_devices(sess):
    with pytest.raises(ValueError, match="device"), tf.device("/toaster:0:1:2"):
        tf.constant(1.0)
    with tf.device("/cpu:0"):
        x = tf.constant(2.0)
    assert sess.run(x) == 2.0
