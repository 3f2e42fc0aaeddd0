"""The fused LSTM gates and their gradient, against NumPy."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand
from tfmini import raw
from tfmini.ops.lstm import lstm_gates, lstm_gates_composed


def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def gates(z, bias):
    i, j, f, o = np.split(z, 4, axis=1)
    return sigmoid(i), np.tanh(j), sigmoid(f + bias), sigmoid(o)


def forward(bias):
    def ref(z, c_prev):
        i, j, f, o = gates(z, bias)
        c = f * c_prev + i * j
        return [c, o * np.tanh(c)]

    return ref


def backward(bias):
    def ref(z, c_prev, c, dc, dh):
        i, j, f, o = gates(z, bias)
        t = np.tanh(c)
        total = dc + dh * o * (1 - t * t)
        dz = [total * j * i * (1 - i), total * i * (1 - j * j), total * c_prev * f * (1 - f), dh * t * o * (1 - o)]
        return [np.concatenate(dz, axis=1), total * f]

    return ref


def step(name, batch, units, bias, scale=2.0, **kwargs):
    return Case(
        f"lstm_gates_{name}",
        lambda z, c: list(lstm_gates(z, c, bias)),
        [rand(batch, 4 * units) * scale, rand(batch, units)],
        forward(bias),
        ops=("_LSTMGates",),
        **kwargs,
    )


CASES = [
    step("small", 3, 5, 1.0, dtypes=ALL_FLOATS, second=True),
    step("tail", 2, 33, 0.0),
    step("one", 1, 1, -2.5),
    step("wide", 20, 200, 1.0, grad=False),
    step("saturated", 3, 17, 1.0, scale=60.0),
    step("empty", 0, 4, 1.0),
    step("inexact_bias", 3, 5, 0.7, second=True),
    Case(
        "lstm_gates_composed",
        lambda z, c: list(lstm_gates_composed(z, c, 0.5)),
        [rand(3, 20), rand(3, 5)],
        forward(0.5),
    ),
    Case(
        "lstm_gates_grad",
        lambda *x: list(raw._LSTMGatesGrad(*x, forget_bias=0.5, name="grad")),
        [rand(4, 4 * 19), *(rand(4, 19) for _ in range(4))],
        backward(0.5),
        dtypes=ALL_FLOATS,
        ops=("_LSTMGatesGrad",),
        tol={"float16": 5e-3, "bfloat16": 4e-2},
    ),
]


def pre(*shape):
    return tf.placeholder(tf.float32, shape)


BAD = [
    Bad("lstm_columns", lambda: lstm_gates(pre(2, 6), pre(2, 2)), ValueError, "4 columns per unit"),
    Bad("lstm_units", lambda: lstm_gates(pre(2, 8), pre(2, 3)), ValueError, "2.*3"),
    Bad("lstm_batch", lambda: lstm_gates(pre(3, 8), pre(2, 2)), ValueError, "2.*3|3.*2"),
    Bad("lstm_rank", lambda: lstm_gates(pre(8), pre(2, 2)), ValueError, "rank 2"),
]
