"""Chains that the fuse pass turns into one kernel. tests/session/test_passes.py compares each with the
same graph run node by node."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, rand


def _gelu(x):
    return 0.5 * x * (1.0 + tf.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def _gelu_ref(x):
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def _mixed(x, row, column, scalar):
    y = tf.tanh(x * scalar + row)
    z = tf.sigmoid(y - column)
    return [y * z, tf.add_n([x, y, z])]


def _mixed_ref(x, row, column, scalar):
    y = np.tanh(x * scalar + row)
    z = 1 / (1 + np.exp(-(y - column)))
    return [y * z, x + y + z]


def _long(x):
    y = x
    for _ in range(300):
        y = tf.maximum(y * 0.99, x * 0.5)
    return y


def _long_ref(x):
    y = x
    for _ in range(300):
        y = np.maximum(y * 0.99, x * 0.5)
    return y


TOL = {"float32": 2e-5}
CASES = [
    Case(f"gelu_{'x'.join(map(str, s)) or 'scalar'}", _gelu, [rand(*s)], _gelu_ref, ops=("_FusedElementwise",), tol=TOL)
    for s in [(), (1,), (17,), (3, 33), (129, 65), (0, 4)]
] + [
    Case(
        f"mixed_{m}x{n}",
        _mixed,
        [rand(m, n), rand(n), rand(m, 1), rand()],
        _mixed_ref,
        ops=("_FusedElementwise",),
        tol=TOL,
    )
    for m, n in [(1, 1), (5, 7), (3, 128), (31, 257), (2, 5000)]
] + [
    Case("long_chain", _long, [rand(19)], _long_ref, ops=("_FusedElementwise",), grad=False, tol={"float32": 1e-4}),
    Case("integers", lambda x: (x + 3) * x - tf.maximum(x, 2), [np.arange(-5, 50, dtype=np.int32)], lambda x: (x + 3) * x - np.maximum(x, 2), ops=("_FusedElementwise",), dtypes=("float32",), grad=False),
]  # fmt: skip

BAD: list[Bad] = []
