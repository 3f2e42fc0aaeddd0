"""Where nodes go, what is said when they cannot, and what a machine's devices are."""

import numpy as np
import pytest

import tfmini as tf
from tfmini.__main__ import describe_devices, main
from tfmini.device import gpu_status

pytestmark = pytest.mark.usefixtures("graph")

HAS_GPU = tf.test.is_gpu_available()
needs_gpu = pytest.mark.skipif(not HAS_GPU, reason="no GPU")
no_gpu = pytest.mark.skipif(HAS_GPU, reason="there is a GPU")

SPELLINGS = ["/gpu:0", "/GPU:0", "/device:GPU:0", "/job:localhost/replica:0/task:0/device:GPU:0", "gpu:0"]


def test_devices_are_listed(capsys):
    assert main(["devices"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("/device:CPU:0: ") and ("no GPU: " in out) == bool(gpu_status())
    assert describe_devices() in out
    cpus = tf.config.list_physical_devices("CPU")
    assert [d.name for d in cpus] == ["/physical_device:CPU:0"]
    assert len(tf.config.list_physical_devices()) == len(tf.Session().list_devices())
    assert bool(tf.config.list_physical_devices("GPU")) == HAS_GPU == bool(tf.test.gpu_device_name())
    assert HAS_GPU != bool(gpu_status())
    assert not tf.test.is_gpu_available(min_cuda_compute_capability=(99, 0))


@no_gpu
@pytest.mark.parametrize("device", SPELLINGS)
def test_a_missing_gpu_is_refused_with_the_reason(device):
    with tf.device(device):
        x = tf.placeholder(tf.float32)
        y = tf.tanh(x, name="y")
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.Session().run(y, {x: 1.0})
    message = str(caught.value)
    assert "Cannot assign a device for operation y" in message and gpu_status() in message
    assert "allow_soft_placement=True" in message and "test_placement.py" in message
    assert len(message.splitlines()) <= 10
    soft = tf.ConfigProto(allow_soft_placement=True)
    assert tf.Session(config=soft).run(y, {x: 0.0}) == 0.0


@no_gpu
def test_a_variable_on_a_missing_gpu():
    with tf.device("/gpu:0"):
        v = tf.Variable(3.0, name="weights")
    with pytest.raises(tf.errors.InvalidArgumentError, match="weights.*/device:GPU:0"):
        tf.Session().run(v.initializer)
    sess = tf.Session(config=tf.ConfigProto(allow_soft_placement=True))
    sess.run(v.initializer)
    assert sess.run(v) == 3.0


def test_placement_is_logged(capfd):
    x = tf.placeholder(tf.float32, name="x")
    with tf.device("/cpu:0"):
        y = tf.tanh(x, name="y")
    tf.Session(config=tf.ConfigProto(log_device_placement=True)).run(y, {x: 0.0})
    assert "y: (Tanh): /job:localhost/replica:0/task:0/device:CPU:0" in capfd.readouterr().err


@needs_gpu
@pytest.mark.gpu
class TestOnGpu:
    def test_an_op_without_kernel_is_refused(self):
        with tf.device("/gpu:0"):
            y = tf.as_string(tf.placeholder(tf.float32, name="x")) if hasattr(tf, "as_string") else None
            y = tf.py_func(lambda: np.float32(1), [], tf.float32, name="y")
        with pytest.raises(tf.errors.InvalidArgumentError, match="has no CUDA kernel"):
            tf.Session().run(y)
        assert tf.Session(config=tf.ConfigProto(allow_soft_placement=True)).run(y) == 1

    def test_there_is_no_such_gpu(self):
        with tf.device("/gpu:77"):
            y = tf.tanh(tf.placeholder_with_default(np.float32(0), []))
        with pytest.raises(tf.errors.InvalidArgumentError, match="there is no /device:GPU:77: this session has"):
            tf.Session().run(y)

    def test_a_session_without_gpus(self):
        v = tf.Variable(np.ones([4, 4], np.float32))
        sess = tf.Session(config=tf.ConfigProto(device_count={"GPU": 0}))
        sess.run(v.initializer)
        assert "GPU" not in sess.describe_plan(v + 1.0)

    def test_visible_devices(self):
        count = len(tf.config.list_physical_devices("GPU"))
        config = tf.ConfigProto(gpu_options=tf.GPUOptions(visible_device_list=str(count - 1)))
        v = tf.Variable(np.ones([4, 4], np.float32))
        sess = tf.Session(config=config)
        sess.run(v.initializer)
        assert f"/device:GPU:{count - 1}" in sess.describe_plan(v.initializer)
        for wrong in ("77", "x", "0,0"):
            with pytest.raises(tf.errors.InvalidArgumentError, match="visible_device_list"):
                tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(visible_device_list=wrong)))


def test_a_list_of_devices_that_cannot_be_read():
    """Anywhere; numbers of GPUs that a machine lacks matter only if it has others."""
    for wrong in ("x", "0,0", "1,,0", "-1"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="visible_device_list"):
            tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(visible_device_list=wrong)))
