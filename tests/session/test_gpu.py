"""Runs on a GPU: variables, copies, memory, threads, arrays of other libraries. The simulator (docs/cuda.md) is one."""

import gc
import threading

import numpy as np
import pytest

import tfmini as tf
from tfmini import _core

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.usefixtures("graph"),
    pytest.mark.skipif(not tf.test.is_gpu_available(), reason="no GPU (`tfmini devices` says why)"),
]


def rand(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def copies(sess, fetches, feeds=None):
    """(to the device, to the host) in the plan"""
    plan = sess.describe_plan(fetches, feeds)
    return plan.count("_CopyToDevice"), plan.count("_CopyToHost")


def in_use():
    return sum(_core.gpu_bytes_in_use(i) + _core.gpu_bytes_cached(i) for i in range(_core.gpu_count()))


def test_a_variable_lives_on_the_gpu():
    value = rand(17, 5)
    v = tf.Variable(value)
    with tf.Session() as sess:
        assert "Assign" in sess.describe_plan(v.initializer)
        sess.run(v.initializer)
        assert "on /device:GPU:0" in sess.describe_plan(v)
        assert copies(sess, v) == (0, 1)
        np.testing.assert_array_equal(sess.run(v), value)
        sess.run(v.assign(value + 1))
        np.testing.assert_array_equal(sess.run(v), value + 1)
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized"):
            tf.Session().run(v)


def test_a_fed_value_is_assigned_and_fetched():
    x = tf.placeholder(tf.float32, [None])
    v = tf.Variable(np.zeros(3, np.float32), validate_shape=False)
    assign = tf.assign(v, x, validate_shape=False)
    with tf.Session() as sess:
        for n in (0, 1, 5, 1 << 21):  # the last one is longer than a part of the staging memory
            value = rand(n)
            sess.run(assign.op, {x: value})
            np.testing.assert_array_equal(sess.run(v), value)


def test_constants_are_on_the_device_once():
    v = tf.Variable(np.ones([8], np.float32))
    assign = v.assign(tf.constant(rand(8)))
    with tf.Session() as sess:
        assert copies(sess, assign.op) == (0, 0)


def test_one_copy_per_value_and_device():
    v = tf.Variable(rand(6, 4))
    with tf.Session() as sess, tf.device("/cpu:0"):
        a = tf.py_func(lambda x: x, [v], tf.float32)
        b = tf.py_func(lambda x: x, [v.value()], tf.float32)
        assert copies(sess, [tf.py_func(lambda x, y: x + y, [v.value(), v.value()], tf.float32)])[1] <= 2
        sess.run(v.initializer)
        np.testing.assert_array_equal(*sess.run([a, b]))


def test_shapes_are_read_without_a_copy():
    v = tf.Variable(rand(6, 4), validate_shape=False)
    with tf.Session() as sess:
        sess.run(v.initializer)
        size = tf.size(v)
        assert copies(sess, size)[1] == 0
        assert sess.run(size) == 24


def test_integers_and_strings_stay_on_the_host():
    i, s = tf.Variable(3), tf.Variable("text")
    with tf.Session() as sess:
        assert "GPU" not in sess.describe_plan([i.initializer, s.initializer])
        sess.run([i.initializer, s.initializer])
        assert sess.run([i, s]) == [3, b"text"]


def test_a_snapshot_is_not_written_to():
    v = tf.Variable(rand(300))
    with tf.Session() as sess:
        sess.run(v.initializer)
        before = sess.run(v, options=tf.RunOptions(fetch_on_device=True))
        copy = np.asarray(before).copy()
        for k in range(4):
            sess.run(v.assign(np.full(300, k, np.float32)).op)
        np.testing.assert_array_equal(np.asarray(before), copy)


def test_control_flow_on_the_device():
    v = tf.Variable(rand(4, 4))
    i, out = tf.while_loop(
        lambda i, x: i < 3, lambda i, x: (i + 1, tf.reshape(v.value(), [4, 4])), [0, tf.zeros([4, 4])]
    )
    branch = tf.cond(i > 2, lambda: v.value(), lambda: tf.zeros([4, 4]))
    with tf.Session() as sess:
        sess.run(v.initializer)
        for value in sess.run([out, branch]):
            np.testing.assert_array_equal(value, sess.run(v))


def test_saver(tmp_path):
    value = rand(5, 7)
    v = tf.Variable(value, name="v")
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(v.initializer)
        path = saver.save(sess, str(tmp_path / "model"))
        sess.run(v.assign(tf.zeros([5, 7])))
        saver.restore(sess, path)
        np.testing.assert_array_equal(sess.run(v), value)


def test_close_returns_all_memory():
    gc.collect()
    before = in_use()
    v = tf.Variable(tf.zeros([1000, 250]))
    sess = tf.Session()
    sess.run(v.initializer)
    assert sess.run(v).sum() == 0
    assert in_use() >= before + 1_000_000
    sess.close()
    assert in_use() <= before


def test_out_of_memory_names_what_was_wanted():
    v = tf.Variable(tf.zeros([1 << 20]), name="big")
    w = tf.Variable(tf.placeholder_with_default(np.zeros(1 << 22, np.float32), [1 << 22]), name="bigger")
    with tf.Session() as sess:
        total = _core.gpu_total_memory(0)
    config = tf.ConfigProto(
        gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=(8 << 20) / total, allow_growth=True)
    )
    with tf.Session(config=config) as sess:
        sess.run(v.initializer)
        with pytest.raises(tf.errors.ResourceExhaustedError) as caught:
            sess.run(w.initializer)
        message = str(caught.value)
        assert "bigger" in message and "[4194304]" in message and "'big' 4" in message and "MiB" in message
        assert len(message.splitlines()) <= 10
        assert sess.run(v).sum() == 0  # the session goes on
    with tf.Session(
        config=tf.ConfigProto(gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=1.0, allow_growth=True))
    ):
        pass  # lifts the limit


@pytest.mark.concurrency
def test_threads_and_sessions():
    x = tf.placeholder(tf.float32, [64])
    v = tf.Variable(np.zeros(64, np.float32))
    assign = tf.assign(v, x).op
    errors = []

    def work(sess, k):
        try:
            for _ in range(20):
                sess.run(assign, {x: np.full(64, k, np.float32)})
                got = sess.run(v)
                assert (got == got[0]).all()
        except Exception as e:
            errors.append(e)

    with tf.Session() as one, tf.Session() as two:
        threads = [threading.Thread(target=work, args=(sess, k)) for k in range(3) for sess in (one, two)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert not errors


def test_two_devices():
    if len(tf.config.list_physical_devices("GPU")) < 2:
        pytest.skip("one GPU")
    with tf.device("/gpu:0"):
        a = tf.Variable(rand(9))
    with tf.device("/gpu:1"):
        b = tf.Variable(tf.zeros([9]))
    move = tf.assign(b, a).op
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert copies(sess, move) == (1, 0)
        sess.run(move)
        np.testing.assert_array_equal(sess.run(b), rand(9))


def test_shared_memory_is_asked_for_on_each_device():
    gpus = len(tf.config.list_physical_devices("GPU"))
    x = rand(3, 9000)
    for i in range(gpus):
        with tf.device(f"/gpu:{i}"):
            e = tf.exp(x - tf.reduce_max(tf.constant(x), axis=1, keepdims=True))  # rows in shared memory, > 48 KiB
            y = e / tf.reduce_sum(e, axis=1, keepdims=True)
        with tf.Session() as sess:
            got = sess.run(y)
        want = np.exp(x - x.max(axis=1, keepdims=True))
        np.testing.assert_allclose(got, want / want.sum(axis=1, keepdims=True), rtol=1e-5)


class Lent:
    """An array of another library on a GPU: what CuPy, PyTorch and JAX show of theirs."""

    def __init__(self, array, stream=1, dlpack=False):
        self.array = array  # a DeviceArray, which owns the memory
        self.stream = stream
        self.asked = []
        if dlpack:
            self.__class__ = LentByDlpack

    @property
    def __cuda_array_interface__(self):
        return {**self.array.__cuda_array_interface__, "stream": self.stream}


class LentByVersion2(Lent):
    """Before arrays could name a stream."""

    @property
    def __cuda_array_interface__(self):
        return {k: v for k, v in super().__cuda_array_interface__.items() if k != "stream"} | {"version": 2}


class LentByDlpack(Lent):
    __cuda_array_interface__ = property(lambda self: (_ for _ in ()).throw(AttributeError()))

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, stream=None):
        self.asked.append(stream)
        return self.array.__dlpack__(stream=stream)


def on_device(value):
    """`value` as a DeviceArray."""
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable(value)
        sess.run(v.initializer)
        return sess.run(v, options=tf.RunOptions(fetch_on_device=True))


@pytest.mark.parametrize("kind", ["interface", "no stream", "version 2", "dlpack", "itself"])
def test_arrays_of_others_are_fed_where_they_are(kind):
    value = rand(33, 3)
    array = on_device(value)
    lent = {
        "interface": lambda: Lent(array),
        "no stream": lambda: Lent(array, stream=None),
        "version 2": lambda: LentByVersion2(array),
        "dlpack": lambda: Lent(array, dlpack=True),
        "itself": lambda: array,
    }[kind]()
    x = tf.placeholder(tf.float32, [None, 3])
    v = tf.Variable(np.zeros([33, 3], np.float32))
    assign = tf.assign(v, x).op
    with tf.Session() as sess:
        for _ in range(3):
            sess.run(assign, {x: lent})
            np.testing.assert_array_equal(sess.run(v), value)
        np.testing.assert_array_equal(sess.run(x, {x: lent}), value)
        assert kind != "dlpack" or all(s > 2 for s in lent.asked)
        sess.run(assign, {x: value + 1})  # and from the host again
        np.testing.assert_array_equal(sess.run(v), value + 1)


def test_wrong_arrays_are_refused():
    lent = Lent(on_device(rand(4, 4)))
    with tf.Session() as sess:
        x = tf.placeholder(tf.float64)
        with pytest.raises(TypeError, match="float32 is fed for float64; cast it first"):
            sess.run(x, {x: lent})
        x = tf.placeholder(tf.float32, [5])
        with pytest.raises(ValueError, match="Cannot feed value of shape"):
            sess.run(x, {x: lent})

        class Strided(Lent):
            @property
            def __cuda_array_interface__(self):
                return {**super().__cuda_array_interface__, "strides": (4, 16)}

        x = tf.placeholder(tf.float32)
        with pytest.raises(ValueError, match="make it contiguous first"):
            sess.run(x, {x: Strided(lent.array)})


def test_fetched_arrays_stay_on_the_device():
    value = rand(7, 2)
    v = tf.Variable(value)
    name = tf.constant("text")
    with tf.Session() as sess:
        sess.run(v.initializer)
        got, text = sess.run([v, name], options=tf.RunOptions(fetch_on_device=True))
        call = sess.make_callable(v, fetch_on_device=True)
        assert isinstance(got, tf.DeviceArray) and isinstance(call(), tf.DeviceArray) and text == b"text"
        assert got.shape == (7, 2) and got.dtype == np.float32 and got.ndim == 2 and got.nbytes == 56
        assert got.device == "/device:GPU:0" and "DeviceArray" in repr(got)
        interface = got.__cuda_array_interface__
        assert interface["version"] == 3 and interface["shape"] == (7, 2) and interface["typestr"] == "<f4"
        assert interface["stream"] > 2 and interface["strides"] is None
        assert got.__dlpack_device__() == (2, 0)
        with pytest.raises(ValueError, match="ambiguous"):
            got.__dlpack__(stream=0)
        capsule = got.__dlpack__(stream=1)
        del capsule  # nobody took it
        np.testing.assert_array_equal(np.asarray(got), value)
        np.testing.assert_array_equal(got.numpy(), value)
    np.testing.assert_array_equal(got.numpy(), value)  # it outlives the session
