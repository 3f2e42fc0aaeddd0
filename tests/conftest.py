"""Fixtures and settings of all tests.

float32 is compared at full precision on every device; products in TF32 are compared in tests/cpp/cuda_gemm_test.cc.
"""

import pytest

import tfmini as tf

tf.config.experimental.enable_tensor_float_32_execution(False)


def pytest_runtest_setup(item):
    if item.get_closest_marker("cpu") and tf.test.is_gpu_available():
        pytest.skip("about plans or errors of the CPU; sessions use a GPU here")


@pytest.fixture
def graph():
    """A default graph of the test's own. `pytestmark = pytest.mark.usefixtures("graph")` gives one to each test of a file."""
    with tf.Graph().as_default() as g:
        yield g
