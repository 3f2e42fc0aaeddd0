"""Training steps in the TF1 API. Each function builds a model and returns (session, step, feed, losses to fetch)."""

import math

import numpy as np

from . import data


class Builder:
    """Variables that start from fixed numbers fed at initialisation, so that graphs stay small."""

    def __init__(self, tf):
        self.tf = tf
        self.start = {}

    def variable(self, value, **kwargs):
        p = self.tf.placeholder(value.dtype, value.shape)
        self.start[p] = value
        return self.tf.Variable(p, **kwargs)

    def weights(self, name, shape, scale):
        return self.variable(data.normal(name, shape, scale))

    def bias(self, size, value=0.0):
        return self.variable(np.full(size, value, np.float32))

    def session(self):
        sess = self.tf.Session()
        sess.run(self.tf.global_variables_initializer(), self.start)
        return sess


def cross_entropy(tf, labels, logits):
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def mlp(tf):
    """784-512-512-10, batch 128, Adam."""
    b = Builder(tf)
    x, t = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.float32, [None, 10])
    h = tf.nn.relu(tf.matmul(x, b.weights("mlp1", (784, 512), 0.05)) + b.bias(512))
    h = tf.nn.relu(tf.matmul(h, b.weights("mlp2", (512, 512), 0.06)) + b.bias(512))
    loss = cross_entropy(tf, t, tf.matmul(h, b.weights("mlp3", (512, 10), 0.06)) + b.bias(10))
    step = tf.train.AdamOptimizer(1e-3).minimize(loss)
    images, labels = data.images(128)
    return b.session(), [step, loss], {x: images.reshape(128, 784), t: labels}


def convnet(tf):
    """The MNIST tutorial's network: two 5x5 convolutions, 1024 hidden units, dropout; batch 50, Adam."""
    b = Builder(tf)
    x, t, keep = (
        tf.placeholder(tf.float32, [None, 28, 28, 1]),
        tf.placeholder(tf.float32, [None, 10]),
        tf.placeholder(tf.float32),
    )

    def layer(h, name, inputs, outputs):
        h = tf.nn.conv2d(h, b.weights(name, (5, 5, inputs, outputs), 0.1), [1, 1, 1, 1], "SAME")
        return tf.nn.max_pool(tf.nn.relu(h + b.bias(outputs, 0.1)), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")

    h = tf.reshape(layer(layer(x, "conv1", 1, 32), "conv2", 32, 64), [-1, 3136])
    h = tf.nn.relu(tf.matmul(h, b.weights("hidden", (3136, 1024), 0.02)) + b.bias(1024, 0.1))
    logits = tf.matmul(tf.nn.dropout(h, keep), b.weights("out", (1024, 10), 0.05)) + b.bias(10, 0.1)
    loss = cross_entropy(tf, t, logits)
    step = tf.train.AdamOptimizer(1e-4).minimize(loss)
    images, labels = data.images(50)
    return b.session(), [step, loss], {x: images, t: labels, keep: 0.5}


def lstm(tf, batch=20, steps=20, units=200, vocabulary=10000, layers=2):
    """The PTB tutorial's small model: two unrolled LSTM layers, a full softmax, clipped gradients, SGD."""
    b = Builder(tf)
    words = tf.placeholder(tf.int32, [batch, steps])
    targets = tf.placeholder(tf.int32, [batch, steps])
    inputs = tf.unstack(tf.nn.embedding_lookup(b.weights("embedding", (vocabulary, units), 0.05), words), axis=1)
    state = [tf.placeholder(tf.float32, [batch, 2 * units]) for _ in range(layers)]
    final = []
    for i in range(layers):
        w, bias = b.weights(f"lstm{i}", (2 * units, 4 * units), 0.05), b.bias(4 * units)
        c, h = tf.split(state[i], 2, axis=1)
        outputs = []
        for x in inputs:
            gates = tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), w), bias)
            i_gate, new, forget, out = tf.split(gates, 4, axis=1)
            c = c * tf.sigmoid(forget + 1.0) + tf.sigmoid(i_gate) * tf.tanh(new)
            h = tf.tanh(c) * tf.sigmoid(out)
            outputs.append(h)
        inputs = outputs
        final.append(tf.concat([c, h], 1))
    flat = tf.reshape(tf.stack(inputs, 1), [-1, units])
    logits = tf.matmul(flat, b.weights("softmax", (units, vocabulary), 0.05)) + b.bias(vocabulary)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(targets, [-1]), logits=logits)
    loss = tf.reduce_sum(losses) / batch
    variables = tf.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 5.0)
    step = tf.train.GradientDescentOptimizer(1.0).apply_gradients(zip(gradients, variables))
    ids = data.integers("words", (batch, steps + 1), vocabulary)
    feed = {words: ids[:, :-1], targets: ids[:, 1:], **{s: np.zeros((batch, 2 * units), np.float32) for s in state}}
    return b.session(), [step, loss, *final], feed


def word2vec(tf, vocabulary=50000, size=128, batch=128, sampled=64):
    """Skip-grams by noise-contrastive estimation, SGD on the rows looked up."""
    b = Builder(tf)
    words, neighbours = tf.placeholder(tf.int32, [batch]), tf.placeholder(tf.int32, [batch, 1])
    embed = tf.nn.embedding_lookup(b.weights("embeddings", (vocabulary, size), 0.5), words)
    losses = tf.nn.nce_loss(
        weights=b.weights("nce", (vocabulary, size), 1 / math.sqrt(size)), biases=b.bias(vocabulary),
        labels=neighbours, inputs=embed, num_sampled=sampled, num_classes=vocabulary,
    )  # fmt: skip
    loss = tf.reduce_mean(losses)
    step = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    feed = {words: data.integers("centre", (batch,), vocabulary)}
    feed[neighbours] = data.integers("neighbour", (batch, 1), vocabulary)
    return b.session(), [step, loss], feed


def dqn_values(tf, b, x):
    """Action values of stacks of four 80x80 frames."""
    for name, kernel, stride, inputs, outputs in (("q1", 8, 4, 4, 32), ("q2", 4, 2, 32, 64), ("q3", 3, 1, 64, 64)):
        w = b.weights(name, (kernel, kernel, inputs, outputs), math.sqrt(2.0 / (kernel * kernel * inputs)))
        x = tf.nn.relu(tf.nn.conv2d(x, w, [1, stride, stride, 1], "SAME") + b.bias(outputs, 0.01))
    h = tf.nn.relu(tf.matmul(tf.reshape(x, [-1, 6400]), b.weights("q4", (6400, 512), 0.018)) + b.bias(512, 0.01))
    return tf.matmul(h, b.weights("q5", (512, 6), 0.044)) + b.bias(6, 0.01)


def dqn_train(tf):
    """Deep Q-learning, batch 32, Adam."""
    b = Builder(tf)
    x, action, target = (
        tf.placeholder(tf.float32, [None, 80, 80, 4]),
        tf.placeholder(tf.float32, [None, 6]),
        tf.placeholder(tf.float32, [None]),
    )
    loss = tf.reduce_mean(tf.square(target - tf.reduce_sum(dqn_values(tf, b, x) * action, 1)))
    step = tf.train.AdamOptimizer(1e-4).minimize(loss)
    feed = {x: data.normal("frames", (32, 80, 80, 4), 1.0), target: data.normal("target", (32,), 1.0)}
    feed[action] = np.eye(6, dtype=np.float32)[data.integers("action", (32,), 6)]
    return b.session(), [step, loss], feed


def dqn_act(tf):
    """One decision of the same network."""
    b = Builder(tf)
    x = tf.placeholder(tf.float32, [None, 80, 80, 4])
    values = dqn_values(tf, b, x)
    return b.session(), [values], {x: data.normal("frames", (1, 80, 80, 4), 1.0)}


MODELS = (mlp, convnet, lstm, word2vec, dqn_train, dqn_act)
