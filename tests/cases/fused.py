"""Chains that the fuse pass turns into one kernel. tests/session/test_passes.py compares each with the
same graph run node by node."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, bools, distinct, ints, rand
from tfmini import raw


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


def _huber(x, y):
    error = tf.abs(x - y)
    return tf.where(error < 1.0, 0.5 * tf.square(error), error - 0.5)


def _huber_ref(x, y):
    error = np.abs(x - y)
    return np.where(error < 1, 0.5 * error**2, error - 0.5)


def _masks(x, flag, row):
    """Booleans and integers among the registers and the results."""
    inside = tf.logical_and(x > -0.5, tf.logical_not(flag))
    count = tf.cast(inside, tf.int32) * 3 + row
    return [tf.where_v2(inside, x, -1.0) * tf.cast(count, x.dtype), inside, count]


def _masks_ref(x, flag, row):
    inside = (x > -0.5) & ~flag
    count = inside * np.int32(3) + row
    return [np.where(inside, x, -1.0) * count, inside, count]


def _limited(x):
    return tf.nn.leaky_relu(raw.ClipByValue(x * 2, -1.0, 1.5), alpha=0.25) + tf.nn.leaky_relu(x, alpha=0.5)


def _limited_ref(x):
    y = np.clip(2 * x, -1, 1.5)
    return np.where(y > 0, y, 0.25 * y) + np.where(x > 0, x, 0.5 * x)


def _many_results(x):
    values = [x]
    for i in range(40):
        values.append(values[-1] * 0.5 + float(i))
    return values[1:]


def _many_results_ref(x):
    values = [x]
    for i in range(40):
        values.append(values[-1] * 0.5 + i)
    return values[1:]


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
    Case("integers", lambda x: (x + 3) * x - tf.maximum(x, 2), [np.arange(-5, 50, dtype=np.int32)],
         lambda x: (x + 3) * x - np.maximum(x, 2), ops=("_FusedElementwise",), dtypes=("float32",), grad=False),
]  # fmt: skip

SHAPES = [(), (1,), (5, 7), (3, 128), (2, 5000)]
CASES += [
    Case(f"huber_{'x'.join(map(str, s))}", _huber, [distinct(*s), distinct(*s) * 3 + 0.017], _huber_ref,
         ops=("_FusedElementwise",)) for s in SHAPES
] + [
    Case(f"masks_{'x'.join(map(str, s))}", _masks, [distinct(*s) + 0.02, bools(*s[-1:]), ints(*s)], _masks_ref,
         ops=("_FusedElementwise",)) for s in SHAPES
] + [
    Case(f"limited_{'x'.join(map(str, s))}", _limited, [distinct(*s) + 0.003], _limited_ref, ops=("_FusedElementwise",))
    for s in SHAPES
] + [
    Case("many_results", _many_results, [rand(700)], _many_results_ref, ops=("_FusedElementwise",)),
]  # fmt: skip

BAD: list[Bad] = []
