"""LSTMs over all times as one op, against NumPy and against steps made of other ops."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand
from tfmini import raw
from tfmini.ops.block_lstm import block_lstm

# After several steps the rounding of 16-bit states adds up.
TOL = {"float16": 2e-2, "bfloat16": 1.5e-1}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def forward(steps, bias=1.0, clip=-1.0, peephole=False):
    """All seven outputs."""

    def ref(x, cs, h, w, wci, wcf, wco, b):
        if not peephole:
            wci = wcf = wco = 0.0
        out = np.zeros([7, len(x), *cs.shape])
        for t in range(steps):
            i, ci, f, o = np.split(np.concatenate([x[t], h], 1) @ w + b, 4, axis=1)
            i, f, ci = sigmoid(i + cs * wci), sigmoid(f + bias + cs * wcf), np.tanh(ci)
            cs = i * ci + f * cs
            cs = np.clip(cs, -clip, clip) if clip > 0 else cs
            o, co = sigmoid(o + cs * wco), np.tanh(cs)
            h = o * co
            out[:, t] = i, cs, f, o, ci, co, h
        return list(out)

    return ref


def run(steps, bias=1.0, clip=-1.0, peephole=False, only=slice(None)):
    def fn(*inputs):
        outputs = block_lstm(
            tf.constant(steps, tf.int64), *inputs, forget_bias=bias, cell_clip=clip, use_peephole=peephole
        )
        return list(outputs[only])

    return fn


def inputs(time, batch, depth, units):
    weights = rand(depth + units, 4 * units) * 0.5
    state = rand(batch, units), rand(batch, units)
    return [rand(time, batch, depth), *state, weights, *(rand(units) for _ in range(3)), rand(4 * units)]


def row(name, time, batch, depth, units, steps=None, **kwargs):
    """States and outputs, whose gradients are followed; wci, wcf and wco have none without peepholes."""
    steps = time if steps is None else steps
    options = {k: kwargs.pop(k) for k in ("bias", "clip", "peephole") if k in kwargs}
    return Case(
        f"block_lstm_{name}",
        run(steps, **options, only=slice(1, 7, 5)),
        inputs(time, batch, depth, units),
        lambda *x: forward(steps, **options)(*x)[1:7:5],
        ops=("BlockLSTM", "BlockLSTMGrad"),
        tol=TOL,
        **kwargs,
    )


CASES = [
    row("small", 3, 2, 4, 3, dtypes=ALL_FLOATS),
    row("peepholes", 3, 2, 5, 7, peephole=True, dtypes=ALL_FLOATS),
    row("one", 1, 1, 1, 1, bias=0.25),
    row("tail", 4, 3, 2, 19, steps=2, peephole=True),
    row("none", 3, 2, 4, 3, steps=0),
    row("wide", 5, 20, 40, 64, grad=False),
    row("many_sequences", 2, 70, 3, 6, peephole=True, grad=False),
    row("clipped", 4, 3, 5, 9, clip=0.25, grad=False),
    row("no_time", 0, 2, 4, 3, grad=False),
    row("no_batch", 2, 0, 4, 3, grad=False),
    Case(
        "block_lstm_all_outputs",
        run(3, clip=0.5, peephole=True),
        inputs(4, 3, 6, 11),
        forward(3, clip=0.5, peephole=True),
        dtypes=ALL_FLOATS,
        tol=TOL,
        grad=False,
    ),
]


def bad(time=4, batch=2, depth=3, units=5, steps=4, w=None, b=None, h=None):
    x, cs, h_before, weights, *diagonals, bias = (tf.constant(a, tf.float32) for a in inputs(time, batch, depth, units))
    parts = [x, cs, h_before if h is None else h, weights if w is None else w, *diagonals, bias if b is None else b]
    return tf.Session().run(raw.BlockLSTM(tf.placeholder_with_default(np.int64(steps), []), *parts))


def zeros(*shape):
    return np.zeros(shape, np.float32)


BAD = [
    Bad("block_lstm_w", lambda: bad(w=zeros(8, 21)), ValueError, r"w must have shape \[inputs \+ units, 4 units\]"),
    Bad("block_lstm_b", lambda: bad(b=zeros(5)), ValueError, "20.*5|5.*20"),
    Bad("block_lstm_h", lambda: bad(h=zeros(3, 5)), ValueError, "2.*3|3.*2"),
    Bad("block_lstm_steps", lambda: bad(steps=5), tf.errors.InvalidArgumentError, "seq_len_max is 5, but x has 4"),
    Bad("block_lstm_negative", lambda: bad(steps=-1), tf.errors.InvalidArgumentError, "seq_len_max is -1"),
]
