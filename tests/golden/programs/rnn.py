"""Recurrent cells and the functions that run them: variables, outputs, states, gradients."""

import numpy as np

from tests.golden.registry import golden, numbers

TOL = 2e-6
BATCH, TIME, DEPTH = 3, 4, 5


def cells(tf):
    """tf.nn.rnn_cell; TensorFlow 2 keeps it in a corner."""
    if hasattr(tf.nn.rnn_cell, "BasicRNNCell"):
        return tf.nn.rnn_cell
    from tensorflow.python.keras.layers.legacy_rnn import rnn_cell_impl

    return rnn_cell_impl


def flatten(structure):
    if isinstance(structure, (list, tuple)):
        return [leaf for part in structure for leaf in flatten(part)]
    return [structure]


def steps(tf):
    return [tf.constant(numbers(BATCH, DEPTH, step=0.3 + 0.1 * t)) for t in range(TIME)]


def results(tf, outputs, state, inputs=()):
    """Everything there is to compare, with fixed numbers in the variables."""
    variables = tf.global_variables()
    load = [v.assign(numbers(*v.shape.as_list(), step=0.37 + 0.1 * i) * 0.7) for i, v in enumerate(variables)]
    outputs, state = flatten(outputs), flatten(state)
    loss = tf.add_n([tf.reduce_sum(y * numbers(*y.shape.as_list(), step=0.8)) for y in outputs + state])
    gradients = tf.gradients(loss, [*variables, *inputs])
    out = {"variables": [f"{v.op.name} {v.shape.as_list()} {v.dtype.base_dtype.name}" for v in variables]}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        initial = sess.run(variables)
        # Kernels start at random, biases do not.
        out["biases"] = np.concatenate([x for v, x in zip(variables, initial) if v.op.name.endswith("bias")])
        sess.run(load)
        out.update({f"y{i}": y for i, y in enumerate(sess.run(outputs))})
        out.update({f"state{i}": s for i, s in enumerate(sess.run(state))})
        out.update({f"d{i}": g for i, g in enumerate(sess.run(gradients))})
    return out


def unrolled(tf, cell, **kwargs):
    xs = steps(tf)
    outputs, state = tf.nn.static_rnn(cell, xs, dtype=tf.float32, **kwargs)
    return results(tf, outputs, state, xs)


@golden(TOL)
def rnn_basic(tf):
    return unrolled(tf, cells(tf).BasicRNNCell(4))


@golden(TOL)
def rnn_basic_relu(tf):
    return unrolled(tf, cells(tf).BasicRNNCell(4, activation=tf.nn.relu, name="plain"))


@golden(TOL)
def rnn_gru(tf):
    return unrolled(tf, cells(tf).GRUCell(4))


@golden(TOL)
def rnn_basic_lstm(tf):
    return unrolled(tf, cells(tf).BasicLSTMCell(4, forget_bias=0.3))


@golden(TOL)
def rnn_basic_lstm_one_tensor(tf):
    return unrolled(tf, cells(tf).BasicLSTMCell(4, state_is_tuple=False, activation=tf.sigmoid))


@golden(TOL)
def rnn_lstm(tf):
    return unrolled(tf, cells(tf).LSTMCell(4))


@golden(TOL)
def rnn_lstm_everything(tf):
    cell = cells(tf).LSTMCell(4, use_peepholes=True, cell_clip=0.4, num_proj=3, proj_clip=0.3, forget_bias=0.5)
    return unrolled(tf, cell)


@golden(TOL)
def rnn_lstm_projection_one_tensor(tf):
    return unrolled(tf, cells(tf).LSTMCell(4, num_proj=3, state_is_tuple=False))


@golden(TOL)
def rnn_stack(tf):
    c = cells(tf)
    return unrolled(tf, c.MultiRNNCell([c.BasicLSTMCell(4), c.GRUCell(3), c.ResidualWrapper(c.BasicRNNCell(3))]))


@golden(TOL)
def rnn_stack_one_tensor(tf):
    c = cells(tf)
    parts = [c.BasicLSTMCell(4, state_is_tuple=False), c.GRUCell(3)]
    return unrolled(tf, c.MultiRNNCell(parts, state_is_tuple=False))


@golden(TOL)
def rnn_dropout(tf):
    c = cells(tf)
    cell = c.DropoutWrapper(c.BasicLSTMCell(4), 0.8, 0.7, 0.6, seed=11)
    return unrolled(tf, cell)


@golden(TOL)
def rnn_dropout_variational(tf):
    c = cells(tf)
    cell = c.DropoutWrapper(
        c.LSTMCell(4), 0.8, 0.7, 0.6, variational_recurrent=True, input_size=DEPTH, dtype=tf.float32, seed=12
    )
    return unrolled(tf, cell)


@golden(TOL)
def rnn_lengths(tf):
    return unrolled(tf, cells(tf).BasicLSTMCell(4), sequence_length=[2, 4, 0])


@golden(TOL)
def rnn_shared_in_scope(tf):
    """Two uses of one scope share variables; a cell called twice keeps its own."""
    c = cells(tf)
    xs = steps(tf)
    with tf.variable_scope("model"):
        first, _ = tf.nn.static_rnn(c.BasicLSTMCell(4), xs, dtype=tf.float32)
    with tf.variable_scope("model", reuse=True):
        second, _ = tf.nn.static_rnn(c.BasicLSTMCell(4), xs[:2], dtype=tf.float32)
    with tf.variable_scope("other"):
        cell = c.GRUCell(4)
        state = cell.zero_state(BATCH, tf.float32)
        _, state = cell(xs[0], state)
        _, state = cell(xs[1], state)
    return results(tf, [first, second], state)


@golden(TOL)
def rnn_bidirectional(tf):
    c = cells(tf)
    xs = steps(tf)
    outputs, forward, backward = tf.nn.static_bidirectional_rnn(
        c.BasicLSTMCell(4), c.GRUCell(2), xs, dtype=tf.float32, sequence_length=[4, 2, 3]
    )
    return results(tf, outputs, [forward, backward], xs)


def looped(tf, cell, time_major=False, **kwargs):
    x = tf.constant(numbers(TIME, BATCH, DEPTH) if time_major else numbers(BATCH, TIME, DEPTH))
    outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, time_major=time_major, **kwargs)
    return results(tf, outputs, state, [x])


@golden()
def rnn_result_names(tf):
    c = cells(tf)
    x = tf.placeholder(tf.float32, [None, 2, DEPTH])
    outputs, _ = tf.nn.dynamic_rnn(c.GRUCell(4), x, dtype=tf.float32)
    both, _ = tf.nn.bidirectional_dynamic_rnn(c.GRUCell(4), c.GRUCell(4), x, dtype=tf.float32)
    static, _, _ = tf.nn.static_bidirectional_rnn(
        c.GRUCell(4), c.GRUCell(4), tf.unstack(x, axis=1), dtype=tf.float32, scope="static"
    )
    return {"names": [t.name for t in [outputs, *both, *static]]}


@golden(TOL)
def rnn_dynamic(tf):
    return looped(tf, cells(tf).BasicLSTMCell(4))


@golden(TOL)
def rnn_dynamic_time_major(tf):
    return looped(tf, cells(tf).GRUCell(4), time_major=True, swap_memory=True, parallel_iterations=7)


@golden(TOL)
def rnn_dynamic_lengths(tf):
    c = cells(tf)
    return looped(tf, c.MultiRNNCell([c.BasicLSTMCell(4), c.GRUCell(3)]), sequence_length=[2, 3, 0], scope="net")


@golden(TOL)
def rnn_raw(tf):
    """raw_rnn: lengths by hand, something other than the output emitted, a sum kept as loop state."""
    x, lengths = tf.constant(numbers(TIME, BATCH, DEPTH)), tf.constant([4, 2, 3])
    steps = tf.TensorArray(tf.float32, TIME).unstack(x)
    cell = cells(tf).LSTMCell(4)

    def loop(time, output, state, total):
        if output is None:
            state, total, emit = cell.zero_state(BATCH, tf.float32), tf.constant(0.0), (tf.zeros([2]), tf.zeros([]))
        else:
            total, emit = total + tf.reduce_sum(output), (output[:, :2], tf.reduce_max(output, 1))
        finished = time >= lengths
        following = tf.cond(
            tf.reduce_all(finished), lambda: tf.zeros([BATCH, DEPTH]), lambda: steps.read(tf.minimum(time, TIME - 1))
        )
        return finished, following, state, emit, total

    (first, largest), state, total = tf.nn.raw_rnn(cell, loop)
    emitted = [tf.reshape(first.stack(), [TIME, BATCH, 2]), tf.reshape(largest.stack(), [TIME, BATCH])]
    return results(tf, [*emitted, tf.reshape(total, [1])], state, [x])


@golden(TOL)
def rnn_dynamic_bidirectional(tf):
    c = cells(tf)
    x = tf.constant(numbers(BATCH, TIME, DEPTH))
    outputs, states = tf.nn.bidirectional_dynamic_rnn(
        c.BasicLSTMCell(4), c.BasicRNNCell(2), x, sequence_length=[4, 2, 3], dtype=tf.float32
    )
    return results(tf, outputs, states, [x])


def block(tf, steps, peephole, clip):
    """BlockLSTM over all times; tfmini has it as a function."""
    depth, units = 5, 4
    x = tf.constant(numbers(TIME, BATCH, depth))
    state = [tf.constant(numbers(BATCH, units, step=0.2 + 0.1 * i)) for i in range(2)]
    weights = [tf.constant(numbers(*shape, step=0.41) * 0.7) for shape in [(depth + units, 4 * units), *[(units,)] * 3]]
    inputs = [x, *state, *weights, tf.constant(numbers(4 * units, step=0.3))]
    options = dict(forget_bias=0.5, cell_clip=clip, use_peephole=peephole)
    if hasattr(tf, "raw_ops"):
        names = ("x", "cs_prev", "h_prev", "w", "wci", "wcf", "wco", "b")
        outputs = tf.raw_ops.BlockLSTM(seq_len_max=tf.constant(steps, tf.int64), **dict(zip(names, inputs)), **options)
    else:
        from tfmini.ops.block_lstm import block_lstm

        outputs = block_lstm(tf.constant(steps, tf.int64), *inputs, **options)
    # The gates' values past the last step are whatever TensorFlow's memory held; states and outputs are zeros.
    loss = sum(tf.reduce_sum(y * numbers(*y.shape.as_list(), step=0.8)) for y in (outputs.cs, outputs.h))
    gradients = tf.gradients(loss, inputs if peephole else [*inputs[:4], inputs[7]])
    with tf.Session() as sess:
        out = {f: y[:steps] for f, y in zip(outputs._fields, sess.run(list(outputs)))}
        return out | {f"d{i}": g for i, g in enumerate(sess.run(gradients))}


@golden(TOL)
def rnn_block_lstm(tf):
    return block(tf, TIME, False, -1.0)


@golden(TOL)
def rnn_block_lstm_peepholes(tf):
    return block(tf, TIME - 1, True, 0.4)
