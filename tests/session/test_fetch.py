"""What Session.run accepts as fetches and what shape its answer has."""

import collections

import numpy as np
import pytest

import tfmini as tf

Pair = collections.namedtuple("Pair", "first second")


@pytest.fixture
def sess():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_tensor(sess):
    value = sess.run(tf.constant([[1.0, 2.0]]))
    assert type(value) is np.ndarray and value.dtype == np.float32 and value.shape == (1, 2)


def test_scalar_is_a_numpy_scalar(sess):
    value = sess.run(tf.constant(3.0))
    assert type(value) is np.float32
    assert type(sess.run(tf.constant(3))) is np.int32
    assert type(sess.run(tf.constant(True))) is np.bool_


def test_scalar_string_is_bytes(sess):
    assert sess.run(tf.constant("abc")) == b"abc"
    value = sess.run(tf.constant(["abc", "d"]))
    assert value.dtype == object and value.tolist() == [b"abc", b"d"]


def test_structures(sess):
    a, b = tf.constant(1), tf.constant([2, 3])
    assert sess.run([a]) == [1]
    assert sess.run((a, a)) == (1, 1)
    assert sess.run({"a": a})["a"] == 1
    got = sess.run(Pair(a, {"x": b, "y": [a, (b, a)]}))
    assert type(got) is Pair
    assert got.first == 1
    np.testing.assert_array_equal(got.second["x"], [2, 3])
    assert isinstance(got.second["y"], list) and isinstance(got.second["y"][1], tuple)


def test_ordered_dict_keeps_its_class(sess):
    got = sess.run(collections.OrderedDict([("z", tf.constant(1)), ("a", tf.constant(2))]))
    assert type(got) is collections.OrderedDict and list(got.items()) == [("z", 1), ("a", 2)]


def test_empty_structures(sess):
    tf.no_op()
    assert sess.run([]) == []
    assert sess.run({}) == {}
    assert sess.run([[], {}]) == [[], {}]


def test_operations_give_none(sess):
    a = tf.constant(1.0, name="a")
    v = tf.Variable(5.0)
    assert sess.run(v.initializer) is None
    assert sess.run([a, v.initializer, tf.no_op()]) == [1.0, None, None]
    assert sess.run(a.op) is None


def test_fetched_operation_runs(sess):
    v = tf.Variable(0.0)
    sess.run(v.initializer)
    bump = tf.assign_add(v, 1.0)
    sess.run(bump.op)
    sess.run("AssignAdd")
    assert sess.run(v) == 2.0


def test_names(sess):
    tf.constant(4.0, name="four")
    assert sess.run("four:0") == 4.0
    assert sess.run("four") is None
    assert sess.run(["four:0", {"op": "four"}]) == [4.0, {"op": None}]


def test_unknown_names(sess):
    tf.constant(4.0, name="four")
    with pytest.raises(ValueError, match="fore"):
        sess.run("fore:0")
    with pytest.raises(ValueError, match="four:1"):
        sess.run("four:1")
    with pytest.raises(ValueError, match="missing"):
        sess.run("missing")


def test_none_and_other_objects_cannot_be_fetched(sess):
    tf.no_op()
    for wrong in (None, 3.0, [None], {"a": object()}, np.ones(2)):
        with pytest.raises(TypeError, match="[Ff]etch"):
            sess.run(wrong)


def test_same_tensor_twice(sess):
    x = tf.random_uniform([4])
    a, b, (c,) = sess.run([x, x, [x]])
    assert a is b and a is c  # as in TensorFlow
    assert ((a >= 0) & (a < 1)).all()


def test_variables(sess):
    v = tf.Variable([1.0, 2.0])
    sess.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(sess.run(v), [1, 2])
    np.testing.assert_array_equal(sess.run({"v": v})["v"], [1, 2])


def test_indexed_slices(sess):
    table = tf.constant(np.arange(6.0).reshape(3, 2))
    (gradient,) = tf.gradients(tf.gather(table, [2, 0]) * 3.0, table)
    got = sess.run(gradient)
    np.testing.assert_array_equal(got.values, np.full((2, 2), 3.0))
    np.testing.assert_array_equal(got.indices, [2, 0])
    np.testing.assert_array_equal(got.dense_shape, [3, 2])


def test_fetched_arrays_are_the_callers(sess):
    """Writing into a fetched array changes nothing in the session, and later runs do not change the array."""
    v = tf.Variable(tf.zeros([1000]))
    c = tf.constant(np.zeros(1000))
    sess.run(v.initializer)
    first, constant = sess.run([v, c])
    assert first.flags.writeable and constant.flags.writeable
    first[:] = 7
    constant[:] = 7
    sess.run(tf.assign_add(v, tf.ones([1000])))
    np.testing.assert_array_equal(first, 7)
    np.testing.assert_array_equal(sess.run(v), 1)
    np.testing.assert_array_equal(sess.run(c), 0)


def test_fetch_of_a_feed(sess):
    x = tf.placeholder(tf.float32, [2])
    fed = np.array([1, 2], np.float32)
    got, twice = sess.run([x, x * 2.0], {x: fed})
    np.testing.assert_array_equal(got, fed)
    got[:] = 0
    np.testing.assert_array_equal(fed, [1, 2])
    np.testing.assert_array_equal(twice, [2, 4])


def test_empty_tensors(sess):
    assert sess.run(tf.zeros([0, 3])).shape == (0, 3)
    assert sess.run(tf.reduce_sum(tf.zeros([0, 3]), 0)).tolist() == [0, 0, 0]


def test_eval_and_run_of_the_default_session(sess):
    v = tf.Variable(2.0)
    v.initializer.run()
    x = tf.placeholder(tf.float32, [])
    assert (x * v).eval({x: 3.0}) == 6.0
    assert (x * v).eval(feed_dict={x: 4.0}, session=sess) == 8.0
    assert v.eval() == 2.0


def test_python_function_without_results_is_an_operation():
    seen = []
    with tf.Graph().as_default(), tf.Session() as sess:
        op = tf.py_func(lambda x: seen.append(x.tolist()), [tf.constant([1, 2])], [])
        assert isinstance(op, tf.Operation) and sess.run([op]) == [None]
    assert seen == [[1, 2]]
