"""Losses, normalisation and recurrent cells."""

import numpy as np

from tests.golden.registry import evaluate, golden, numbers

TOL = 1e-5


def values(tf, out):
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden(TOL)
def softmax_cross_entropy(tf):
    logits = tf.constant([[1.0, 2, 3], [1000, 0, -1000], [-50, 0, 50]])
    labels = tf.constant([[0.2, 0.3, 0.5], [1, 0, 0], [0, 0, 1]])
    loss = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    v1 = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    sparse = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[2, 0, 1], logits=logits)
    out = {"loss": loss, "sparse": sparse}
    out["dlogits"], out["dlabels"] = tf.gradients(loss, [logits, labels])
    out["dsparse"] = tf.gradients(sparse, logits)[0]
    out["v1"] = v1
    out["v1_labels"] = tf.gradients(v1, labels, unconnected_gradients="zero")[0]  # labels get no gradient in v1
    rank3 = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[[0, 1]], logits=tf.constant(numbers(1, 2, 4)))
    other_axis = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits, dim=0)
    out["second"] = tf.gradients(out["dlogits"] * [[1.0, -1, 2]], logits)[0]
    return values(tf, dict(out, rank3=rank3, other_axis=other_axis))


@golden(TOL)
def sigmoid_cross_entropy(tf):
    logits = tf.constant([-1000.0, -2, 0, 0.5, 1000])
    labels = tf.constant([0.0, 1, 0.3, 1, 1])
    plain = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    weighted = tf.nn.weighted_cross_entropy_with_logits(targets=labels, logits=logits, pos_weight=3.0)
    out = {"plain": plain, "weighted": weighted, "gradient": tf.gradients(plain, logits)[0]}
    out["weighted_gradient"] = tf.gradients(weighted, logits)[0]
    out["log_poisson"] = tf.nn.log_poisson_loss(tf.constant([0.0, 2, 5]), tf.constant([0.5, 1, -1]))
    out["full"] = tf.nn.log_poisson_loss(tf.constant([0.5, 2, 5]), tf.constant([0.5, 1, -1]), compute_full_loss=True)
    return values(tf, out)


@golden(TOL)
def moments_and_norms(tf):
    x = tf.constant(numbers(2, 3, 4))
    mean, variance = tf.nn.moments(x, [0, 1])
    kept, _ = tf.nn.moments(x, [2], keep_dims=True)
    wm, wv = tf.nn.weighted_moments(x, [0], tf.constant(numbers(2, 3, 4, step=0.2, low=0.0)))
    out = {
        "mean": mean,
        "variance": variance,
        "kept": kept,
        "weighted_mean": wm,
        "weighted_variance": wv,
        "l2": tf.nn.l2_normalize(x, 2),
        "l2_gradient": tf.gradients(tf.nn.l2_normalize(x, 2) * numbers(2, 3, 4, step=0.6), x)[0],
        "l2_zero": tf.nn.l2_normalize(tf.zeros([3]), 0),
        "zero_fraction": tf.nn.zero_fraction(tf.nn.relu(x)),
        "lrn": tf.nn.lrn(tf.constant(numbers(1, 2, 2, 7)), depth_radius=2, bias=1.0, alpha=0.5, beta=0.75),
        "dvariance": tf.gradients(variance, x)[0],
    }
    return values(tf, out)


@golden(TOL)
def batch_normalization(tf):
    x, mean, var = tf.constant(numbers(4, 3)), tf.constant([0.1, 0.2, 0.3]), tf.constant([1.0, 0.5, 2.0])
    offset, scale = tf.constant([1.0, 2, 3]), tf.constant([0.5, 1.5, 2.5])
    y = tf.nn.batch_normalization(x, mean, var, offset, scale, 1e-3)
    bare = tf.nn.batch_normalization(x, mean, var, None, None, 1e-3)
    gradients = tf.gradients(y * numbers(4, 3, step=0.9), [x, mean, var, offset, scale])
    return values(tf, {"y": y, "bare": bare, **{f"d{i}": g for i, g in enumerate(gradients)}})


@golden(TOL)
def fused_batch_norm(tf):
    x = tf.constant(numbers(2, 3, 3, 2))
    scale, offset = tf.constant([1.5, 0.5]), tf.constant([0.1, -0.2])
    weights = numbers(2, 3, 3, 2, step=0.9)
    y, mean, var = tf.nn.fused_batch_norm(x, scale, offset, epsilon=1e-3)
    out = {"y": y, "mean": mean, "variance": var}
    for i, g in enumerate(tf.gradients(y * weights, [x, scale, offset])):
        out[f"train_d{i}"] = g
    frozen, _, _ = tf.nn.fused_batch_norm(x, scale, offset, [0.2, 0.1], [1.2, 0.7], epsilon=1e-3, is_training=False)
    out["frozen"] = frozen
    for i, g in enumerate(tf.gradients(frozen * weights, [x, scale, offset])):
        out[f"frozen_d{i}"] = g
    return values(tf, out)


@golden(TOL)
def activations(tf):
    x = tf.constant([-5.0, -1, -0.1, 0, 0.1, 1, 5])
    functions = ["relu", "relu6", "elu", "selu", "softplus", "softsign", "sigmoid", "tanh", "leaky_relu", "swish"]
    out = {}
    for name in functions:
        y = getattr(tf.nn, name)(x)
        out[name], out[name + "_gradient"] = y, tf.gradients(y, x)[0]
    out["crelu"] = tf.nn.crelu(x)
    return values(tf, out)


@golden(TOL)
def reductions(tf):
    x = tf.constant(numbers(2, 3, 4))
    out = {
        "all": tf.reduce_sum(x),
        "axis": tf.reduce_mean(x, 1),
        "axes": tf.reduce_max(x, [0, -1]),
        "keep": tf.reduce_min(x, axis=2, keep_dims=True),
        "old_name": tf.reduce_sum(x, reduction_indices=[1]),
        "no_axes": tf.reduce_sum(x, []),
        "prod": tf.reduce_prod(x, 0),
        "logsumexp": tf.reduce_logsumexp(x, 2),
        "cumsum": tf.cumsum(x, 1),
        "cumsum_options": tf.cumsum(x, 2, exclusive=True, reverse=True),
        "cumprod": tf.cumprod(x, 0),
        "int_mean": tf.reduce_mean(tf.constant([1, 2, 4, -8])),
        "euclidean": tf.norm(x, axis=1),
        "one_norm": tf.norm(x, ord=1),
    }
    return values(tf, out)


@golden(TOL)
def matmuls(tf):
    a, b = tf.constant(numbers(2, 3, 4)), tf.constant(numbers(2, 4, 5, step=0.7))
    m = tf.constant(numbers(3, 4))
    out = {
        "batch": tf.matmul(a, b),
        "batch_transposed": tf.matmul(a, tf.transpose(b, [0, 2, 1]), transpose_b=True),
        "both": tf.matmul(m, tf.constant(numbers(5, 3)), transpose_a=True, transpose_b=True),
        "tensordot": tf.tensordot(a, b, [[2], [1]]),
        "tensordot2": tf.tensordot(a, tf.constant(numbers(3, 4, 2)), 2),
        "xw_plus_b": tf.nn.xw_plus_b(m, tf.constant(numbers(4, 2)), tf.constant([1.0, 2.0])),
        "einsum": tf.einsum("bij,bjk->bik", a, b),
    }
    return values(tf, out)


def lstm_cell(tf, x, c, h, kernel, bias, forget_bias):
    """The slide's BasicLSTMCell in plain ops."""
    i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), kernel) + bias, 4, axis=1)
    c = c * tf.sigmoid(f + forget_bias) + tf.sigmoid(i) * tf.tanh(j)
    return c, tf.tanh(c) * tf.sigmoid(o)


class Cell:
    """BasicLSTMCell: tfmini's own where there is one, the plain ops where TensorFlow has lost it."""

    def __init__(self, tf, inputs, units):
        self.units = units
        self.kernel = tf.constant(numbers(inputs + units, 4 * units, step=0.43) * 0.8)
        self.bias = tf.constant(numbers(4 * units, step=0.21))
        self.tf = tf
        try:
            self.cell = tf.nn.rnn_cell.BasicLSTMCell(units, forget_bias=0.7)
        except AttributeError:
            self.cell = None

    def unroll(self, xs):
        tf = self.tf
        batch = xs[0].shape[0]
        c = h = tf.zeros([batch, self.units])
        outputs = []
        for t, x in enumerate(xs):
            if self.cell is None:
                c, h = lstm_cell(tf, x, c, h, self.kernel, self.bias, 0.7)
            else:
                with tf.variable_scope("unrolled", reuse=t > 0):
                    h, (c, h) = self.cell(x, (c, h))
            outputs.append(h)
        return outputs, c, h

    def parameters(self):
        """(kernel, bias, op that sets the cell's variables to the fixed numbers)"""
        if self.cell is None:
            return self.kernel, self.bias, None
        kernel, bias = self.tf.trainable_variables()
        return kernel, bias, [kernel.assign(self.kernel), bias.assign(self.bias)]


@golden(TOL)
def basic_lstm_cell(tf):
    """Four unrolled steps, with the gradients of everything."""
    xs = [tf.constant(numbers(2, 3, step=0.3 + 0.1 * t)) for t in range(4)]
    cell = Cell(tf, inputs=3, units=5)
    outputs, c, h = cell.unroll(xs)
    kernel, bias, load = cell.parameters()
    loss = tf.add_n([tf.reduce_sum(y * numbers(2, 5, step=0.8)) for y in outputs]) + tf.reduce_sum(c * c)
    gradients = tf.gradients(loss, [kernel, bias, *xs])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        if load:
            sess.run(load)
        out = {f"y{t}": y for t, y in enumerate(sess.run(outputs))}
        out["c"], out["h"], out["loss"] = sess.run([c, h, loss])
        out.update({f"d{i}": g for i, g in enumerate(sess.run(gradients))})
    return out


class Accumulator:
    """A cell small enough to follow by hand: its state is the running sum of its inputs."""

    state_size = output_size = 2

    def __init__(self, tf):
        self.tf = tf

    def zero_state(self, batch_size, dtype):
        return self.tf.zeros([batch_size, 2], dtype)

    def __call__(self, inputs, state, scope=None):
        state = state + inputs
        return state * 10.0, state


@golden(TOL)
def dynamic_rnn(tf):
    """Sequences of different lengths: outputs are zero and the state stands still beyond the end."""
    x = tf.constant(numbers(3, 5, 2))
    lengths = tf.constant([5, 0, 3])
    outputs, state = tf.nn.dynamic_rnn(Accumulator(tf), x, sequence_length=lengths, dtype=tf.float32)
    major, _ = tf.nn.dynamic_rnn(
        Accumulator(tf), tf.transpose(x, [1, 0, 2]), initial_state=tf.ones([3, 2]), time_major=True
    )
    dx = tf.gradients(tf.reduce_sum(outputs * numbers(3, 5, 2, step=0.7)) + tf.reduce_sum(state), x)[0]
    return values(tf, dict(outputs=outputs, state=state, time_major=major, dx=dx))


@golden(TOL)
def static_rnn(tf):
    xs = tf.unstack(tf.constant(numbers(3, 4, 2)), axis=1)
    outputs, state = tf.nn.static_rnn(Accumulator(tf), xs, dtype=tf.float32, sequence_length=[4, 1, 2])
    return values(tf, dict(outputs=tf.stack(outputs), state=state))


@golden()
def fill_and_cast(tf):
    out = {
        "zeros": tf.zeros([2, 2], tf.int64),
        "ones": tf.ones([3], tf.bool),
        "fill": tf.fill([2, 3], 7.5),
        "zeros_like": tf.zeros_like([1, 2]),
        "constant_fill": tf.constant(3, shape=[2, 2]),
        "constant_last": tf.constant([1, 2, 3], shape=[5]),
        "float": tf.constant([1, 2], tf.float32),
        "double": tf.constant(np.array([1.5])),
        "saturate": tf.saturate_cast(tf.constant([300.0, -5.0]), tf.uint8),
        "shape": tf.shape(tf.zeros([3, 0, 2])),
        "shape64": tf.shape(tf.zeros([3, 0, 2]), out_type=tf.int64),
        "size": tf.size(tf.zeros([3, 4])),
        "rank": tf.rank(tf.zeros([3, 4])),
        "bitcast_half": tf.cast(tf.constant([1.0, 65504.0, 1e-8, 70000.0]), tf.float16),
        "bfloat": tf.cast(tf.cast(tf.constant([1.0, 1.00390625, 1.01171875, 3.14159]), tf.bfloat16), tf.float32),
        "uint8": tf.cast(tf.constant([1, 255, 256, -1]), tf.uint8),
    }
    return values(tf, out)
