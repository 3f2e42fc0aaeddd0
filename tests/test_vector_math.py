"""The accuracy that vector_math.py states holds on every instruction set, for a sample of all float32 numbers."""

import numpy as np
import pytest

import tfmini as tf
from tests.vector_math import FUNCTIONS, ISAS, Measurement
from tfmini import _core


@pytest.fixture(scope="module")
def measurement():
    return Measurement()


@pytest.mark.parametrize("isa", ISAS)
def test_accuracy(measurement, isa):
    now = _core.isa()
    if not _core.set_isa(isa):
        pytest.skip(f"this processor lacks {isa}")
    _core.set_isa(now)
    worst = measurement.worst(isa, stride=40_009)
    wrong = {name: w for name, w in worst.items() if not w[0] <= FUNCTIONS[name][2]}
    assert not wrong, f"greatest error in ULP, and where: {wrong}"


@pytest.mark.slow
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_accuracy_of_all_arguments(name, isa):
    """Minutes per function: `pytest -m slow tests/test_vector_math.py`."""
    now = _core.isa()
    if not _core.set_isa(isa):
        pytest.skip(f"this processor lacks {isa}")
    _core.set_isa(now)
    error, argument = Measurement((name,)).worst(isa, stride=1)[name]
    assert error <= FUNCTIONS[name][2], f"{error} ULP at {argument!r}"


def test_signed_zeros():
    """Odd functions keep the sign of zero, and of the smallest numbers."""
    x = np.array([0.0, -0.0, 1e-45, -1e-45, 1e-38, -1e-38], np.float32)
    odd = (tf.expm1, tf.log1p, tf.tanh, tf.erf, tf.sin, tf.tan, tf.asin, tf.atan, tf.sinh, tf.asinh, tf.atanh)
    for got in tf.Session().run([f(tf.constant(x) + tf.placeholder_with_default(-0.0, [])) for f in odd]):
        np.testing.assert_array_equal(np.signbit(got), np.signbit(x))
