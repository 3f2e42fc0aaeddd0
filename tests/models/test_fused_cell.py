"""LSTMBlockFusedCell against the cells that it stands for, run step by step."""

import numpy as np
import pytest

import tfmini as tf

pytestmark = pytest.mark.usefixtures("graph")

TIME, BATCH, DEPTH, UNITS = 6, 3, 5, 7
LENGTHS = [6, 0, 4]


def numbers(*shape):
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def train(outputs, state, x, variables):
    """Outputs, final state and gradients of something that uses all of them."""
    loss = tf.reduce_sum(outputs * numbers(TIME, BATCH, UNITS)) + sum(tf.reduce_sum(s * s) for s in state)
    return [outputs, *state, *tf.gradients(loss, [x, *variables])]


def fused(x, peephole, lengths, state):
    cell = tf.contrib.rnn.LSTMBlockFusedCell(UNITS, forget_bias=0.5, use_peephole=peephole)
    outputs, state = cell(x, state, dtype=tf.float32, sequence_length=lengths)
    return train(outputs, state, x, cell.trainable_variables)


def stepwise(x, peephole, lengths, state):
    cell = tf.nn.rnn_cell.LSTMCell(UNITS, use_peepholes=peephole, forget_bias=0.5)
    state = None if state is None else tf.nn.rnn_cell.LSTMStateTuple(*state)
    outputs, state = tf.nn.dynamic_rnn(cell, x, lengths, state, tf.float32, time_major=True)
    by_name = {v.op.name.rpartition("/")[2]: v for v in tf.trainable_variables()}
    order = ["kernel", "bias"] + (["w_i_diag", "w_f_diag", "w_o_diag"] if peephole else [])
    return train(outputs, state, x, [by_name[name] for name in order])


def results(build, *args):
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.constant(numbers(TIME, BATCH, DEPTH))
        fetches = build(x, *args)
        for v in tf.global_variables():
            v.load(numbers(*v.shape.as_list()) * np.float32(0.5), sess)
        return sess.run(fetches)


@pytest.mark.parametrize("peephole", [False, True])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("given", [False, True])
def test_same_as_steps(peephole, lengths, given):
    state = (numbers(BATCH, UNITS) + 1, numbers(BATCH, UNITS)) if given else None
    for got, want in zip(*(results(build, peephole, lengths, state) for build in (fused, stepwise))):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-6)


def test_lists_names_and_reuse():
    xs = [tf.placeholder(tf.float32, [None, DEPTH]) for _ in range(2)]
    cell = tf.contrib.rnn.LSTMBlockFusedCell(UNITS, cell_clip=0.1)
    outputs, state = cell(xs, dtype=tf.float32)
    again, _ = cell(xs, dtype=tf.float32)
    assert [v.op.name for v in tf.global_variables()] == ["lstm_fused_cell/kernel", "lstm_fused_cell/bias"]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        one, two, c = sess.run([outputs, again, state.c], {x: numbers(4, DEPTH) for x in xs})
    np.testing.assert_array_equal(one, two)
    assert len(one) == 2 and one[0].shape == (4, UNITS) and np.abs(c).max() <= np.float32(0.1)


def test_errors():
    cell = tf.contrib.rnn.LSTMBlockFusedCell(UNITS)
    with pytest.raises(ValueError, match="initial_state or dtype"):
        cell(tf.zeros([2, 3, 4]))
    with pytest.raises(ValueError, match="3 dimensions"):
        cell(tf.zeros([3, 4]), dtype=tf.float32)
    with pytest.raises(ValueError, match=r"inputs\[2\]"):
        cell(tf.placeholder(tf.float32, [2, 3, None]), dtype=tf.float32)
