"""Entry points called with what they were not made for: TensorFlow's error class, a short message, a session that goes on."""

import os
import pathlib
import signal
import threading

import numpy as np
import pytest

import tfmini as tf

E = tf.errors


def placeholder(dtype=tf.float32, shape=None):
    return tf.placeholder(dtype, shape, name="x")


def fetch(what):
    return lambda s: s.run([tf.constant(1.0, name="c"), what])


def feed(value, dtype=tf.float32, shape=None):
    return lambda s: s.run(tf.identity(x := placeholder(dtype, shape)), {x: value})


def feed_key(key):
    return lambda s: s.run(tf.constant(1.0), {key: 1.0})


def of_another_graph(use):
    def call(s):
        with tf.Graph().as_default():
            stranger = tf.placeholder(tf.float32)
        use(s, stranger)

    return call


def after_finalize(build):
    def call(s):
        x = tf.constant(1.0)
        tf.get_default_graph().finalize()
        build(x)

    return call


def closed(s):
    x = tf.constant(1.0)
    s.run(x)
    s.close()
    s.run(x)


def reused(*args, **kwargs):
    def call(s):
        tf.get_variable("v", [1])
        with tf.variable_scope("", reuse=True):
            tf.get_variable(*args, **kwargs)

    return call


def descend(*pairs):
    return lambda s: tf.train.GradientDescentOptimizer(0.1).apply_gradients([make() for make in pairs])


def loop(body, start=0):
    return lambda s: tf.while_loop(lambda *_: tf.constant(True), body, [tf.constant(start)])


ROWS = [
    ("fetch_number", fetch(5), TypeError, "Fetch argument 5"),
    ("fetch_none", fetch(None), TypeError, "None"),
    ("fetch_array", fetch(np.ones(2)), TypeError, "Fetch argument"),
    ("fetch_function", fetch(abs), TypeError, "Fetch argument"),
    ("fetch_unknown_tensor", fetch("nope:0"), ValueError, "nope"),
    ("fetch_unknown_op", fetch("nope"), ValueError, "nope"),
    ("fetch_unknown_output", fetch("c:3"), ValueError, "c:3"),
    ("fetch_bad_name", fetch("a:b:c"), ValueError, "a:b:c"),
    ("fetch_empty_name", fetch(""), ValueError, "''"),
    ("feeds_not_a_dict", lambda s: s.run(tf.constant(1.0), [1]), TypeError, "dict"),
    ("feed_key_number", feed_key(3), TypeError, "feed_dict key"),
    ("feed_key_none", feed_key(None), TypeError, "feed_dict key"),
    ("feed_key_unknown", feed_key("zzz:0"), TypeError, "zzz"),
    ("feed_key_op", lambda s: s.run(tf.constant(1.0), {tf.no_op(): 1}), TypeError, "feed_dict key"),
    ("feed_tensor", lambda s: feed(tf.constant(1.0))(s), TypeError, "tf.Tensor"),
    ("feed_text", feed("abc"), ValueError, "x:0"),
    ("feed_ragged", feed([[1, 2], [3]]), ValueError, "x:0"),
    ("feed_object", feed(object()), TypeError, "x:0"),
    ("feed_dict", feed({}), TypeError, "x:0"),
    ("feed_wrong_size", feed([1.0, 2, 3], shape=[2]), ValueError, r"\(3,\).*x:0.*\(2,\)"),
    ("feed_wrong_rank", feed(1.0, shape=[2]), ValueError, "x:0"),
    ("feed_large_int", feed(2**40, tf.int32), TypeError, "not compatible"),
    ("other_graph_fetch", of_another_graph(lambda s, t: s.run(t)), ValueError, "graph"),
    ("other_graph_feed", of_another_graph(lambda s, t: s.run(tf.constant(1.0), {t: 1.0})), TypeError, "graph"),
    ("other_graph_input", of_another_graph(lambda s, t: tf.constant(1.0) + t), ValueError, "graph"),
    ("closed", closed, RuntimeError, "closed"),
    ("callable_few", lambda s: s.make_callable(x := placeholder(), [x])(), TypeError, "1 feed"),
    ("finalized_constant", after_finalize(lambda x: tf.constant(2.0)), RuntimeError, "finalized"),
    ("finalized_variable", after_finalize(tf.Variable), RuntimeError, "finalized"),
    ("finalized_gradient", after_finalize(lambda x: tf.gradients(x * x, x)), RuntimeError, "finalized"),
    ("get_variable_no_shape", lambda s: tf.get_variable("v"), ValueError, "v"),
    ("get_variable_twice", lambda s: [tf.get_variable("v", [1]) for _ in range(2)], ValueError, "already exists"),
    ("get_variable_missing", reused("w", [1]), ValueError, "w"),
    ("get_variable_shape", reused("v", [2]), ValueError, r"shape.*v|v.*shape"),
    ("get_variable_dtype", reused("v", [1], tf.int32), ValueError, "v"),
    ("get_variable_unknown_size", lambda s: tf.get_variable("v", [None]), ValueError, "v"),
    ("bad_name", lambda s: tf.constant(1.0, name="!bad"), ValueError, "!bad"),
    ("bad_scope", lambda s: tf.name_scope("!bad").__enter__(), ValueError, "!bad"),
    ("constant_mixed", lambda s: tf.constant([1, "a"]), TypeError, "Expected string"),
    ("constant_of_objects", lambda s: tf.constant(np.full((9, 9, 9), {}), tf.float32), TypeError, "Expected float32"),
    ("constant_out_of_range", lambda s: tf.constant([1, 2**40], tf.int32), ValueError, str(2**40)),
    ("gradient_count", lambda s: tf.gradients(x := placeholder(), x, [x, x]), ValueError, "grad_ys"),
    ("minimize_nothing", lambda s: descend()(s), ValueError, "[Nn]o "),
    ("apply_wrong_shape", descend(lambda: (tf.ones([3]), tf.Variable([1.0, 2.0]))), ValueError, r"\[3\]"),
    ("saver_no_variables", lambda s: tf.train.Saver(), ValueError, "No variables"),
    ("saver_of_tensor", lambda s: tf.train.Saver([tf.constant(1.0)]), TypeError, "not a Variable"),
    ("while_shape", loop(lambda i: tf.stack([i, i])), ValueError, "shape"),
    ("while_count", loop(lambda i: [i, i]), ValueError, "structure"),
    (
        "too_large",
        lambda s: s.run(tf.zeros([2**40, 2**10])),
        (E.ResourceExhaustedError, E.InvalidArgumentError),
        "zeros",
    ),
    ("overflow", lambda s: s.run(tf.zeros([2**40, 2**40])), (ValueError, E.InvalidArgumentError), "too many"),
    ("integer_division", lambda s: s.run(placeholder(tf.int32) // 0, {"x:0": 1}), E.InvalidArgumentError, "zero"),
]


@pytest.mark.parametrize("call, error, match", [pytest.param(*row[1:], id=row[0]) for row in ROWS])
def test_misuse(call, error, match):
    with tf.Graph().as_default(), tf.Session() as sess:
        with pytest.raises(error, match=match) as caught:
            call(sess)
        assert len(str(caught.value).splitlines()) <= 10, caught.value
    with tf.Graph().as_default(), tf.Session() as sess:
        assert sess.run(tf.constant(1.0)) == 1.0


@pytest.mark.concurrency
def test_close_during_runs():
    """Threads that run while another closes the session finish their run or learn that it is closed."""
    outcomes = []

    def work(sess, y, x):
        try:
            for _ in range(200):
                sess.run(y, {x: np.ones((64, 64), np.float32)})
            outcomes.append("done")
        except (RuntimeError, tf.errors.CancelledError) as error:
            outcomes.append("closed" if "closed" in str(error) else repr(error))

    for _ in range(10):
        with tf.Graph().as_default():
            x = placeholder()
            v = tf.Variable(tf.zeros([64, 64]))
            y = tf.reduce_sum(v.assign_add(tf.matmul(x, x)))
            sess = tf.Session()
            sess.run(v.initializer)
            threads = [threading.Thread(target=work, args=(sess, y, x)) for _ in range(3)]
            for t in threads:
                t.start()
            sess.close()
            for t in threads:
                t.join()
    assert len(outcomes) == 30 and set(outcomes) <= {"done", "closed"}


@pytest.fixture
def ctrl_c():
    """SIGINT raises KeyboardInterrupt, even where the tests were started in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_interrupted_update_is_whole(ctrl_c):
    """Ctrl-C during updates of a variable: an update has happened to all elements or to none."""
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable(tf.zeros([1 << 16]))
        update = v.assign_add(tf.ones([1 << 16])).op
        sess.run(v.initializer)
        for _ in range(5):
            timer = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT))
            with pytest.raises(KeyboardInterrupt):
                timer.start()
                while True:
                    sess.run(update)
            timer.join()
            value = sess.run(v)
            assert (value == value[0]).all()


@pytest.mark.parametrize("cut", [0, 1, 7, 20, 64, 200, -1])
def test_damaged_checkpoint_restores_nothing(cut, tmp_path):
    with tf.Graph().as_default(), tf.Session() as sess:
        a, b = tf.Variable(1.0, name="a"), tf.Variable(tf.ones([50]), name="b")
        saver = tf.train.Saver()
        sess.run(tf.global_variables_initializer())
        path = saver.save(sess, tmp_path / "model")
        sess.run([a.assign(5.0), b.assign(tf.zeros([50]))])
        for file in pathlib.Path(tmp_path).glob("model*"):
            file.write_bytes(file.read_bytes()[:cut])
        with pytest.raises((E.DataLossError, E.NotFoundError, ValueError)) as caught:
            saver.restore(sess, path)
        assert len(str(caught.value).splitlines()) <= 10
        assert sess.run(a) == 5.0 and not sess.run(b).any()
