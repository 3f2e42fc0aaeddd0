"""The switch for TF32 products; what it does to GPU kernels is tested in tests/cpp/cuda_gemm_test.cc."""

import pytest

import tfmini as tf


@pytest.fixture(autouse=True)
def _restored():
    yield
    tf.config.experimental.enable_tensor_float_32_execution(True)


def test_on_unless_switched_off():
    config = tf.config.experimental
    assert config.tensor_float_32_execution_enabled()
    config.enable_tensor_float_32_execution(False)
    assert not config.tensor_float_32_execution_enabled()


def test_the_cpu_is_exact_either_way():
    one_and_a_bit = 1.0 + 2.0**-20  # TF32 would drop the bit
    with tf.device("/cpu:0"):
        product = tf.matmul([[one_and_a_bit]], [[1.0]])
    with tf.Session() as sess:
        assert sess.run(product)[0, 0] == one_and_a_bit
