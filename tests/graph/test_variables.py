"""Variables: nodes, values, assignment, initialisation, what is refused."""

import numpy as np
import pytest

import tfmini as tf

pytestmark = pytest.mark.usefixtures("graph")


def run(*fetches):
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return [sess.run(f) for f in fetches]


def names():
    return [f"{op.name}={op.type}" for op in tf.get_default_graph().get_operations()]


def test_nodes():
    v = tf.Variable([1.0, 2.0], name="v")
    assert names() == ["v/initial_value=Const", "v=VariableV2", "v/Assign=Assign", "v/read=Identity"]
    assert (v.name, v.op.name, v.initializer.name, v.value().name) == ("v:0", "v", "v/Assign", "v/read:0")
    assert v.dtype == tf.as_dtype("float32_ref") and v.shape == [2] and v.get_shape().as_list() == [2]
    assert repr(v) == "<tf.Variable 'v:0' shape=(2,) dtype=float32_ref>"


def test_nodes_of_a_deferred_initial_value():
    tf.Variable(lambda: tf.constant(3.0), name="v", dtype=tf.float32)
    assert names()[:2] == ["v/Initializer/Const=Const", "v=VariableV2"]


def test_control_dependencies_do_not_touch_creation():
    with tf.control_dependencies([tf.no_op()]):
        v = tf.Variable(1.0)
        read = v.read_value()
    assert not v.op.control_inputs and not v.initializer.control_inputs
    assert [op.name for op in read.op.control_inputs] == ["NoOp"]


def test_collections():
    a = tf.Variable(1.0)
    b = tf.Variable(1.0, trainable=False)
    c = tf.Variable(1.0, collections=[tf.GraphKeys.LOCAL_VARIABLES], trainable=False)
    assert tf.global_variables() == tf.all_variables() == [a, b]
    assert tf.trainable_variables() == [a] and tf.local_variables() == [c]
    assert a.trainable and not b.trainable


def test_assignment():
    v = tf.Variable([1.0, 2.0])
    with tf.Session() as sess:
        sess.run(v.initializer)
        np.testing.assert_array_equal(sess.run(v.assign([3, 4])), [3, 4])
        np.testing.assert_array_equal(sess.run(v.assign_add([1, 1])), [4, 5])
        np.testing.assert_array_equal(sess.run(tf.assign_sub(v, [1, 1])), [3, 4])
        assert sess.run(v.assign([0, 0], read_value=False)) is None
        np.testing.assert_array_equal(sess.run(v), [0, 0])
        v.load([7, 8], sess)
        np.testing.assert_array_equal(v.eval(sess), [7, 8])
        np.testing.assert_array_equal(sess.run(v.scatter_update(tf.IndexedSlices(tf.constant([1.0]), [0]))), [1, 8])


def test_reads_see_the_value_before_the_run_unless_they_wait():
    v = tf.Variable(1.0)
    before = v.value() + 0.0
    with tf.control_dependencies([v.assign(2.0)]):
        after = v.read_value()
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run([before, after]) == [1.0, 2.0]


def test_operators_and_conversion():
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    got = run(v + 1.0, 1.0 - v, v * v, v / 2.0, -v, v[1], tf.matmul(v, v), v > 2.0, abs(-v), np.float32(2) * v)
    x = np.array([[1, 2], [3, 4]], np.float32)
    want = [x + 1, 1 - x, x * x, x / 2, -x, x[1], x @ x, x > 2, x, 2 * x]
    for g, w in zip(got, want):
        np.testing.assert_array_equal(g, w)
    assert v == v and v != tf.Variable(1.0) and len({v, v}) == 1
    with pytest.raises(TypeError, match="not iterable"):
        iter(v)


def test_initial_values_that_read_other_variables():
    a = tf.Variable([1.0, 2.0], name="a")
    b = tf.Variable(tf.concat([a, a], 0), name="b")
    c = tf.Variable(a.initialized_value() * 2.0, name="c")
    d = tf.Variable(tf.reshape(b, [2, 2]), name="d")
    got = run(a, b, c, d)
    assert [g.tolist() for g in got] == [[1, 2], [1, 2, 1, 2], [2, 4], [[1, 2], [1, 2]]]
    for variable, copy in ((b, "concat_b"), (d, "Reshape_d")):
        assert variable.initializer.inputs[1].name == copy + ":0"


def test_unknown_shape():
    x = tf.placeholder(tf.float32)
    with pytest.raises(ValueError, match="initial_value must have a shape specified"):
        tf.Variable(x)
    v = tf.Variable(x, validate_shape=False)
    assert v.shape.ndims is None
    with tf.Session() as sess:
        sess.run(v.initializer, {x: [[1.0]]})
        assert sess.run(v).shape == (1, 1)
        assert sess.run(tf.assign(v, [1.0, 2.0], validate_shape=False)).shape == (2,)


def test_count_up_to():
    v = tf.Variable(0)
    count = v.count_up_to(2)
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert [sess.run(count), sess.run(count)] == [0, 1]
        with pytest.raises(tf.errors.OutOfRangeError, match="limit of 2"):
            sess.run(count)


def test_initialization_is_checked():
    a, b = tf.Variable(1.0, name="a"), tf.Variable(1.0, name="b")
    report = tf.report_uninitialized_variables()
    check = tf.assert_variables_initialized()
    with tf.Session() as sess:
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value a"):
            sess.run(a)
        sess.run(tf.variables_initializer([a]))
        assert sess.run(tf.is_variable_initialized(a)) and not sess.run(tf.is_variable_initialized(b))
        assert sess.run(report).tolist() == [b"b"]
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value b"):
            sess.run(check)
        sess.run(tf.initialize_all_variables())
        assert sess.run(report).size == 0
        sess.run(check)


def test_feeding():
    v = tf.Variable(1.0)
    double = v * 2.0
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(double, {v: 5.0}) == 10.0 and sess.run(double) == 2.0


@pytest.mark.parametrize(
    "attempt, error, match",
    [
        (lambda: tf.Variable(), ValueError, "initial_value must be specified"),
        (lambda: tf.Variable(1.0, collections=3), ValueError, "must be a list, tuple, or set"),
        (lambda: tf.Variable(1.0, name="a b"), ValueError, "not a valid"),
        (lambda: tf.Variable(1.0, constraint=3), ValueError, "must be a callable"),
        (lambda: tf.Variable([1.0], expected_shape=[2]), ValueError, "incompatible"),
        (lambda: tf.Variable([1.0]).assign([1.0, 2.0]), ValueError, "not compatible"),
        (lambda: tf.Variable([1.0]).assign(tf.constant([1])), TypeError, "int32"),
        (lambda: tf.assign(tf.constant(1.0), 2.0), TypeError, "needs a variable"),
        (lambda: tf.Variable(1.0).value().assign(2.0), AttributeError, "assign"),
        (lambda: tf.convert_to_tensor(tf.Variable(1.0), tf.int32), ValueError, "Incompatible type conversion"),
    ],
)
def test_refusals(attempt, error, match):
    with pytest.raises(error, match=match):
        attempt()


def test_variables_inside_conditionals():
    p = tf.placeholder(tf.bool, [])
    x = tf.cond(p, lambda: tf.get_variable("w", [], initializer=tf.ones_initializer()) + 1.0, lambda: tf.constant(0.0))
    assert [v.name for v in tf.global_variables()] == ["w:0"]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(x, {p: True}) == 2.0 and sess.run(x, {p: False}) == 0.0
    with pytest.raises(ValueError, match="use a lambda as the initializer"):
        tf.cond(p, lambda: tf.Variable(tf.constant(1.0)) + 0.0, lambda: tf.constant(0.0))
