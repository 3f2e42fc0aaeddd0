"""Exported graphs have TensorFlow's ops only."""

import numpy as np
import pytest

import tfmini as tf
from tfmini import raw
from tfmini.composed import _compositions

pytestmark = pytest.mark.usefixtures("graph")


def model():
    """A training step with an LSTM, in steps and in a loop, and rows of a table updated by Adam."""
    table = tf.get_variable("table", [11, 4])
    x = tf.nn.embedding_lookup(table, tf.placeholder(tf.int32, [3, 5], name="ids"))
    steps, _ = tf.nn.static_rnn(tf.nn.rnn_cell.BasicLSTMCell(6), tf.unstack(x, axis=1), dtype=tf.float32)
    looped, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(6), x, dtype=tf.float32, scope="looped")
    tf.identity(looped, name="looped")
    return tf.train.AdamOptimizer().minimize(tf.reduce_sum(steps[-1]), name="train")


def test_no_private_ops_and_no_loose_ends():
    pytest.importorskip("tensorboard")
    train = model()
    kinds = {op.type for op in tf.get_default_graph().get_operations()}
    assert {"_LSTMGates", "_LSTMGatesGrad", "_SparseApplyAdam"} <= kinds
    definition = tf.get_default_graph().as_graph_def()
    seen = set()
    for node in definition.node:
        assert not node.op.startswith("_"), node.name
        assert node.name not in seen
        assert all(name.lstrip("^").partition(":")[0] in seen for name in node.input), node
        seen.add(node.name)
    assert train.name in seen
    for function in definition.library.function:
        known = {a.name for a in function.signature.input_arg}
        for node in function.node_def:
            assert not node.op.startswith("_"), node.name
            assert all(name.lstrip("^").partition(":")[0] in known for name in node.input), node
            known.add(node.name)


def sparse_adam(composed):
    """Three steps on a table by rows, one of them named twice: by the op, or by what stands for it."""
    rng = np.random.default_rng(0)
    start = [rng.random((5, 3)) for _ in range(3)]
    var, m, v = variables = [tf.Variable(s) for s in start]
    numbers = [tf.constant(x, tf.float64) for x in (0.81, 0.998, 0.1, 0.9, 0.999, 1e-3)]
    inputs = [*numbers, tf.constant(rng.standard_normal((4, 3))), tf.constant([2, 0, 2, 4])]
    step = raw._SparseApplyAdam(var._ref(), m._ref(), v._ref(), *inputs)
    if composed:
        step = _compositions[step.op.type](step.op, *(x._ref() for x in variables), *inputs)[0]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run(step.op)
        return sess.run(variables)


def test_what_stands_for_an_op_computes_the_same():
    for got, want in zip(sparse_adam(True), sparse_adam(False)):
        np.testing.assert_allclose(got, want, rtol=1e-12)
