"""Skip-grams by noise-contrastive estimation: 50000 words of 128 numbers, 64 sampled, batch 128, SGD.

Every library samples its own noise, so losses agree only roughly."""

import math

import numpy as np
from libraries import Row, integers

WORDS, SIZE, BATCH, SAMPLED = 50000, 128, 128, 64
EMBEDDINGS = ("embeddings", (WORDS, SIZE), 0.5)
WEIGHTS = ("nce", (WORDS, SIZE), SIZE**-0.5)


def batch():
    return integers("centre", (BATCH,), WORDS), integers("neighbour", (BATCH,), WORDS)


def graph(g):
    tf = g.tf
    words, neighbours = tf.placeholder(tf.int32, [BATCH]), tf.placeholder(tf.int32, [BATCH, 1])
    losses = tf.nn.nce_loss(
        weights=g.normal(*WEIGHTS), biases=g.bias(WORDS), labels=neighbours,
        inputs=tf.nn.embedding_lookup(g.normal(*EMBEDDINGS), words), num_sampled=SAMPLED, num_classes=WORDS,
    )  # fmt: skip
    loss = tf.reduce_mean(losses)
    centre, neighbour = batch()
    step = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    return g.trains(step, loss, {words: centre, neighbours: neighbour[:, None]})


def eager(e):
    table, weights = (e.normal(*p, trainable=True) for p in (EMBEDDINGS, WEIGHTS))
    biases = e.value(np.zeros((WORDS, 1), np.float32), trainable=True)
    words, neighbours = (e.ids(a) for a in batch())
    range_log = math.log(WORDS + 1)

    def lookup(ids):
        """Rows, and biases less the log of how often the sampler is expected to draw the word."""
        expected = SAMPLED * e.torch.log((ids + 2.0) / (ids + 1.0)) / range_log
        offsets = e.f.embedding(ids, biases, sparse=True)[:, 0] - e.torch.log(expected)
        return e.f.embedding(ids, weights, sparse=True), offsets

    def loss():
        noise = (e.torch.exp(e.torch.rand(SAMPLED) * range_log) - 1).long().clamp_(max=WORDS - 1)
        x = e.f.embedding(words, table, sparse=True)
        rows, offsets = lookup(e.torch.cat([neighbours, noise]))
        true = (x * rows[:BATCH]).sum(1) + offsets[:BATCH]
        false = e.torch.addmm(offsets[BATCH:], x, rows[BATCH:].T)
        return (e.f.softplus(-true) + e.f.softplus(false).sum(1)).mean()

    return e.trains(e.torch.optim.SGD(e.parameters, 1.0), loss)


ROWS = [Row("nce_b128_sgd", graph, eager, tolerance=0.5)]
