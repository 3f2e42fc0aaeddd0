"""Recurrent cells and loops: what the golden values (tests/golden/programs/rnn.py) do not show."""

import numpy as np
import pytest

import tfmini as tf
from tfmini.rnn_cell import (
    BasicLSTMCell,
    BasicRNNCell,
    DropoutWrapper,
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    ResidualWrapper,
    RNNCell,
)

pytestmark = pytest.mark.usefixtures("graph")


def run(fetches, feeds=None):
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(fetches, feeds)


def data(*shape):
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


def test_dynamic_equals_static():
    x = tf.constant(data(3, 5, 4))
    cell = MultiRNNCell([BasicLSTMCell(6), GRUCell(2)])
    lengths = tf.constant([5, 2, 0])
    static, static_state = tf.nn.static_rnn(cell, tf.unstack(x, axis=1), dtype=tf.float32, sequence_length=lengths)
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        dynamic, dynamic_state = tf.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32)
    a, b, c, d = run([tf.stack(static, axis=1), dynamic, static_state, dynamic_state])
    np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(c[0].h, d[0].h, atol=1e-6)
    np.testing.assert_allclose(c[1], d[1], atol=1e-6)
    assert len(tf.global_variables()) == 6


@pytest.mark.parametrize("time_major", [False, True])
def test_unknown_sizes(time_major):
    x = tf.placeholder(tf.float32, [None, None, 4])
    outputs, state = tf.nn.dynamic_rnn(LSTMCell(3), x, dtype=tf.float32, time_major=time_major)
    assert outputs.shape.as_list() == [None, None, 3] and state.c.shape.as_list() == [None, 3]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for batch, time in [(2, 5), (1, 1), (3, 0)]:
            fed = data(*((time, batch) if time_major else (batch, time)), 4)
            y, s = sess.run([outputs, state], {x: fed})
            assert y.shape == (*fed.shape[:2], 3) and s.h.shape == (batch, 3)
            if time:
                np.testing.assert_array_equal(y[-1] if time_major else y[:, -1], s.h)


def test_fed_inputs():
    """A fed array goes straight into the loop, laid out as the cell wants it."""
    x = tf.placeholder(tf.float32, [5, 2, 3])
    outputs, _ = tf.nn.dynamic_rnn(ResidualWrapper(GRUCell(3)), x, dtype=tf.float32, time_major=True)
    steps, _ = tf.nn.static_rnn(ResidualWrapper(GRUCell(3)), tf.unstack(x), dtype=tf.float32, scope="again")
    first, second = tf.global_variables()[:4], tf.global_variables()[4:]
    same = [b.assign(a) for a, b in zip(first, second)]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(same)
        a, b = sess.run([outputs, tf.stack(steps)], {x: data(5, 2, 3)})
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_state_flows_on():
    """Two halves of a sequence, the second from the state of the first, give the whole."""
    x = data(2, 6, 3)
    cell = BasicLSTMCell(4, state_is_tuple=False)
    whole, last = tf.nn.dynamic_rnn(cell, tf.constant(x), dtype=tf.float32)
    first, state = tf.nn.dynamic_rnn(cell, tf.constant(x[:, :3]), dtype=tf.float32)
    second, end = tf.nn.dynamic_rnn(cell, tf.constant(x[:, 3:]), initial_state=state)
    w, f, s, a, b = run([whole, first, second, last, end])
    np.testing.assert_allclose(w, np.concatenate([f, s], axis=1), atol=1e-6)
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_variables_and_sharing():
    x = tf.constant(data(2, 3))
    cell = BasicLSTMCell(4)
    with tf.variable_scope("net"):
        _, state = cell(x, cell.zero_state(2, tf.float32))
        cell(x, state)
    assert [v.op.name for v in cell.variables] == ["net/basic_lstm_cell/kernel", "net/basic_lstm_cell/bias"]
    with tf.variable_scope("net", reuse=True):
        BasicLSTMCell(4)(x, state)
    with tf.variable_scope("net"):
        BasicLSTMCell(4, reuse=True, name="basic_lstm_cell")(x, state)
    assert len(tf.trainable_variables()) == 2
    with tf.variable_scope("net"), pytest.raises(ValueError, match="already exists"):
        BasicLSTMCell(4, name="basic_lstm_cell")(x, state)


def test_own_cell_with_build():
    class Scaled(RNNCell):
        state_size = output_size = 3

        def build(self, input_shape):
            self.scale = self.add_variable("scale", [int(input_shape[-1])], initializer=tf.ones_initializer())

        def call(self, inputs, state):
            state = state + inputs * self.scale
            return state, state

    x = data(2, 4, 3)
    outputs, _ = tf.nn.dynamic_rnn(Scaled(), tf.constant(x), dtype=tf.float32)
    assert [v.op.name for v in tf.global_variables()] == ["rnn/scaled/scale"]
    np.testing.assert_allclose(run(outputs), np.cumsum(x, axis=1), atol=1e-5)


def test_own_cell_as_in_2016():
    class Old(RNNCell):
        def __init__(self, units):
            self._units = units  # no call of the base class

        @property
        def state_size(self):
            return self._units

        @property
        def output_size(self):
            return self._units

        def __call__(self, inputs, state, scope=None):
            with tf.variable_scope(scope or type(self).__name__):
                w = tf.get_variable("w", [self._units, self._units], initializer=tf.constant_initializer(0.1))
                state = tf.tanh(tf.matmul(state, w) + inputs)
            return state, state

    outputs, _ = tf.nn.rnn(Old(3), tf.unstack(tf.constant(data(4, 2, 3))), dtype=tf.float32)
    assert len(tf.global_variables()) == 1 and run(outputs)[3].shape == (2, 3)


def test_structured_inputs_and_outputs():
    class Pair(RNNCell):
        state_size = (2, tf.TensorShape([3]))
        output_size = (2, 3)

        def call(self, inputs, state):
            a, b = inputs["a"] + state[0], inputs["b"] + state[1]
            return (a, b), (a, b)

    inputs = {"a": tf.constant(data(4, 5, 2)), "b": tf.constant(data(4, 5, 3))}
    (a, b), _ = tf.nn.dynamic_rnn(Pair(), inputs, dtype=tf.float32)
    assert a.shape.as_list() == [4, 5, 2] and b.shape.as_list() == [4, 5, 3]
    np.testing.assert_allclose(run(b), np.cumsum(data(4, 5, 3), axis=1), atol=1e-5)


def test_dropout_keeps_memory():
    """With everything else dropped, c of an LSTM state stays."""
    cell = DropoutWrapper(LSTMCell(4), state_keep_prob=1e-7, seed=1)
    _, state = cell(tf.constant(data(2, 3)), LSTMStateTuple(tf.ones([2, 4]), tf.ones([2, 4])))
    c, h = run(state)
    assert np.all(c != 0) and np.all(h == 0)


def test_dropout_of_a_placeholder_probability():
    keep = tf.placeholder(tf.float32, [])
    cell = DropoutWrapper(BasicRNNCell(50), output_keep_prob=keep)
    y, _ = cell(tf.constant(data(2, 3)), cell.zero_state(2, tf.float32))
    assert np.all(run(y, {keep: 1.0}) != 0)


def test_zero_state():
    assert run(GRUCell(3).zero_state(2, tf.float64)).dtype == np.float64
    batch = tf.placeholder(tf.int32, [])
    state = MultiRNNCell([BasicLSTMCell(3), GRUCell(2)]).zero_state(batch, tf.float32)
    assert state[1].shape.as_list() == [None, 2]
    (c, h), g = run(state, {batch: 5})
    assert c.shape == h.shape == (5, 3) and g.shape == (5, 2) and not c.any()


@pytest.mark.parametrize(
    "error, match, build",
    [
        (ValueError, "must give a dtype", lambda x: tf.nn.dynamic_rnn(GRUCell(3), x)),
        (TypeError, "not an RNNCell", lambda x: tf.nn.dynamic_rnn(42, x, dtype=tf.float32)),
        (TypeError, "not an RNNCell", lambda x: tf.nn.dynamic_rnn(GRUCell, x, dtype=tf.float32)),
        (TypeError, "must be a sequence", lambda x: tf.nn.static_rnn(GRUCell(3), x, dtype=tf.float32)),
        (ValueError, "must not be empty", lambda x: tf.nn.static_rnn(GRUCell(3), [], dtype=tf.float32)),
        (ValueError, "vector of length batch_size", lambda x: tf.nn.dynamic_rnn(GRUCell(3), x, [1], dtype=tf.float32)),
        (ValueError, "batch and a time", lambda x: tf.nn.dynamic_rnn(GRUCell(3), x[0, 0], dtype=tf.float32)),
        (ValueError, "at least one cell", lambda x: MultiRNNCell([])),
        (TypeError, "list or tuple", lambda x: MultiRNNCell(GRUCell(3))),
        (ValueError, "state_is_tuple", lambda x: MultiRNNCell([BasicLSTMCell(3)], state_is_tuple=False)),
        (ValueError, "between 0 and 1", lambda x: DropoutWrapper(GRUCell(3), input_keep_prob=1.5)),
        (ValueError, "dtype must be", lambda x: DropoutWrapper(GRUCell(3), variational_recurrent=True)),
        (ValueError, "to be known", lambda x: GRUCell(3)(tf.placeholder(tf.float32, [2, None]), tf.zeros([2, 3]))),
        (ValueError, "Dimensions must be equal", lambda x: GRUCell(3)(x[:, 0], tf.zeros([2, 7]))),
        (ValueError, "incompatible|not compatible", lambda x: ResidualWrapper(GRUCell(3))(x[:, 0], tf.zeros([2, 3]))),
        (TypeError, "colour", lambda x: GRUCell(3, colour=1)),
    ],
)
def test_bad_input(error, match, build):
    with pytest.raises(error, match=match):
        build(tf.constant(data(2, 5, 4)))
