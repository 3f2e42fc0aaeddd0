"""The switch for TF32 products; what it does to GPU kernels is tested in tests/cpp/cuda_gemm_test.cc."""

import subprocess
import sys

import tfmini as tf

config = tf.config.experimental


def test_on_unless_switched_off():
    program = "import tfmini as tf; print(tf.config.experimental.tensor_float_32_execution_enabled())"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "True\n"


def test_switching():
    assert not config.tensor_float_32_execution_enabled()  # tests/conftest.py
    try:
        config.enable_tensor_float_32_execution(True)
        assert config.tensor_float_32_execution_enabled()
    finally:
        config.enable_tensor_float_32_execution(False)


def test_the_cpu_is_exact_either_way():
    one_and_a_bit = 1.0 + 2.0**-20  # TF32 would drop the bit
    with tf.device("/cpu:0"):
        product = tf.matmul([[one_and_a_bit]], [[1.0]])
    try:
        config.enable_tensor_float_32_execution(True)
        with tf.Session() as sess:
            assert sess.run(product)[0, 0] == one_and_a_bit
    finally:
        config.enable_tensor_float_32_execution(False)
