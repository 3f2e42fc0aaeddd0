"""get_variable beyond names (those are in tests/golden/programs/scopes.py): inheritance, sharing, getters, errors."""

import numpy as np
import pytest

import tfmini as tf

pytestmark = pytest.mark.usefixtures("graph")


def ones(shape, dtype=None, partition_info=None):
    return tf.ones(shape, dtype)


def test_defaults_are_inherited_and_overridden():
    seen = []
    with tf.variable_scope("a", initializer=ones, regularizer=lambda v: tf.reduce_sum(v), dtype=tf.float64) as scope:
        v = tf.get_variable("v", [2])
        with tf.variable_scope("b", initializer=tf.zeros_initializer()):
            w = tf.get_variable("w", [2], regularizer=tf.no_regularizer)
        seen.append(scope.dtype)
    assert v.dtype.base_dtype == w.dtype.base_dtype == seen[0] == tf.float64
    assert [t.name for t in tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)] == ["a/v/Regularizer/Sum:0"]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run([v, w])[0].tolist() == [1, 1] and sess.run(w).tolist() == [0, 0]


def test_sharing():
    with tf.variable_scope("s") as scope:
        v = tf.get_variable("v", [2], initializer=ones)
        scope.reuse_variables()
        assert tf.get_variable("v") is v
    with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
        assert tf.get_variable("v", [2]) is v
        w = tf.get_variable("w", [1])
        assert tf.get_variable("w", [1]) is w
    with tf.variable_scope(scope, reuse=True), tf.variable_scope("t", reuse=False):
        assert tf.get_variable_scope().reuse is True


def test_messages():
    tf.get_variable("v", [2])
    with pytest.raises(ValueError, match=r"(?s)Variable v already exists, disallowed.*Originally defined at.*scope.py"):
        tf.get_variable("v", [2])
    with tf.variable_scope("", reuse=True):
        with pytest.raises(ValueError, match=r"specified shape \(3,\) and found shape \(2,\)"):
            tf.get_variable("v", [3])
        with pytest.raises(ValueError, match="specified dtype int32 and found dtype float32_ref"):
            tf.get_variable("v", [2], dtype=tf.int32)
        with pytest.raises(ValueError, match="Variable w does not exist, or was not created with tf.get_variable"):
            tf.get_variable("w", [2])
    with pytest.raises(ValueError, match="its `shape` argument must be specified"):
        tf.get_variable("u")
    with pytest.raises(ValueError, match="Initializer type .* and explicit dtype .* don't match"):
        tf.get_variable("u", initializer=tf.constant(1.0), dtype=tf.int32)
    with pytest.raises(NotImplementedError, match="partitioned"):
        tf.get_variable("u", [4], partitioner=lambda shape, dtype: [2])


def test_initializers():
    a = tf.get_variable("a", initializer=[1.0, 2.0])
    b = tf.get_variable("b", [2], initializer=tf.zeros_initializer)
    c = tf.get_variable("c", initializer=lambda: tf.constant(3))
    d = tf.get_variable("d", [2], dtype=tf.bool)
    e = tf.get_variable("e", [2], tf.string)
    f = tf.get_local_variable("f", [2], initializer=ones)
    assert c.dtype.base_dtype == tf.int32 and f in tf.local_variables() and f not in tf.global_variables()
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        got = sess.run([a, b, c, d, e, f])
    assert [np.asarray(g).tolist() for g in got] == [[1, 2], [0, 0], 3, [False, False], [b"", b""], [1, 1]]


def test_custom_getters_chain():
    calls = []

    def getter(tag):
        def get(getter, name, *args, **kwargs):
            calls.append(f"{tag} {name}")
            return getter(name, *args, **kwargs)

        return get

    with tf.variable_scope("s", custom_getter=getter("outer")):
        with tf.variable_scope("t", custom_getter=getter("inner")):
            v = tf.get_variable("v", [1])
    assert calls == ["inner s/t/v", "outer s/t/v"] and v.name == "s/t/v:0"

    def positional(getter, name, shape, dtype, initializer, regularizer, reuse, trainable, collections,
                   caching_device, partitioner, validate_shape, use_resource):  # fmt: skip
        return getter(name, shape=[3], initializer=ones)

    assert tf.get_variable("w", [1], custom_getter=positional).shape == [3]


def test_objects_and_threads():
    import threading

    with tf.variable_scope("outer"):
        scope = tf.variable_scope("inner")
        with scope, scope:  # the context may be entered again
            assert tf.get_variable("v", [1]).name == "outer/inner/inner/v:0"
    names = []

    def work(graph):
        with graph.as_default():
            names.append(tf.get_variable_scope().name)

    with tf.variable_scope("main"):
        thread = threading.Thread(target=work, args=(tf.get_default_graph(),))
        thread.start()
        thread.join()
    assert names == [""]


@pytest.mark.parametrize(
    "args, kwargs, error",
    [
        ((None,), {}, TypeError), ((3,), {}, TypeError), (("s",), {"reuse": "x"}, ValueError),
        ((None, "s"), {"reuse": True}, ValueError), (("s",), {"auxiliary_name_scope": 1}, TypeError),
    ],
)  # fmt: skip
def test_refused_scopes(args, kwargs, error):
    with pytest.raises(error):
        tf.variable_scope(*args, **kwargs)


def test_old_argument_orders():
    x = tf.constant(1.0)
    with tf.variable_op_scope([x], "s") as scope:
        assert scope.name == "s"
    with tf.op_scope([x], None, "default") as name:
        assert name == "default/"


def test_templates():
    def layer(x, size):
        return x * tf.get_variable("w", [size], initializer=ones)

    template = tf.make_template("layer", layer, size=2)
    x = tf.constant([1.0, 2.0])
    template(x)
    template(x)
    assert [v.name for v in template.trainable_variables] == ["layer/w:0"] == [v.name for v in tf.global_variables()]

    def wrong():
        return tf.Variable(1.0)

    twice = tf.make_template("wrong", wrong)
    twice()
    with pytest.raises(ValueError, match="perhaps you used tf.Variable when you meant tf.get_variable"):
        twice()


def opened(name=None, default=None):
    with tf.variable_scope(name, default) as scope:
        return scope.name


def test_default_names_are_new_inside_their_scope():
    """A scope forgets at its end what was opened inside it, and nothing else."""
    with tf.Graph().as_default():
        for neighbour in ("a0", "a-", "a_b", "A/b"):
            opened(neighbour)
        opened("a/b")
        with tf.variable_scope("a") as a:
            assert [opened(None, "b") for _ in range(3)] == ["a/b_1", "a/b_2", "a/b_3"]
            with tf.variable_scope("c"):
                assert [opened(None, "b") for _ in range(2)] == ["a/c/b", "a/c/b_1"]
            with tf.variable_scope("c"):
                assert opened(None, "b") == "a/c/b"
            with tf.variable_scope(a):
                assert opened(None, "b") == "a/b_4"
                assert opened(None, "d") == "a/d"
            assert [opened(None, "b"), opened(None, "d")] == ["a/b_4", "a/d"]
        with tf.variable_scope("a"):
            assert opened(None, "b") == "a/b"
        assert [opened(None, n) for n in ("a0", "a-", "a_b", "A/b", "a")] == ["a0_1", "a-_1", "a_b_1", "A/b_1", "a_1"]
