"""One block of a GPT-2-like language model: 256 numbers, 8 heads, 64 positions, batch 8, a 2000-word softmax, Adam.

Written as TF1 programs write it: layer norm and gelu from elementary operations, heads by transposition, a batch of
unknown size."""

import math

import numpy as np
from libraries import Row, integers, normal

BATCH, TIME, SIZE, HEADS, HIDDEN, WORDS = 8, 64, 256, 8, 1024, 2000
HEAD = SIZE // HEADS
LAYERS = {"qkv": (SIZE, 3 * SIZE), "projection": (SIZE, SIZE), "up": (SIZE, HIDDEN), "down": (HIDDEN, SIZE)}
MASK = np.triu(np.full((TIME, TIME), -1e9, np.float32), 1)


def parameters(lib, **trainable):
    """Weights and biases by layer, gains and offsets of three layer norms, weights of the softmax."""
    dense = {n: (lib.normal(n, s, s[0] ** -0.5, **trainable), lib.bias(s[1])) for n, s in LAYERS.items()}
    norms = [(lib.bias(SIZE, 1.0), lib.bias(SIZE)) for _ in range(3)]
    return dense, norms, lib.normal("words", (SIZE, WORDS), SIZE**-0.5, **trainable)


def batch():
    return normal("states", (BATCH, TIME, SIZE)), integers("targets", (BATCH, TIME), WORDS)


def graph(g):
    tf = g.tf
    x, targets = tf.placeholder(tf.float32, [None, TIME, SIZE]), tf.placeholder(tf.int32, [None, TIME])
    layers, norms, words = parameters(g)

    def dense(h, name):
        weights, bias = layers[name]
        flat = tf.reshape(h, [-1, weights.shape[0]])
        return tf.nn.bias_add(tf.reshape(tf.matmul(flat, weights), [-1, TIME, weights.shape[1]]), bias)

    def norm(h, i):
        mean, variance = tf.nn.moments(h, [-1], keep_dims=True)
        gain, offset = norms[i]
        return (h - mean) * tf.rsqrt(variance + 1e-5) * gain + offset

    def heads(h):
        return tf.transpose(tf.reshape(h, [-1, TIME, HEADS, HEAD]), [0, 2, 1, 3])

    def gelu(h):
        return 0.5 * h * (1 + tf.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h * h * h)))

    q, k, v = (heads(part) for part in tf.split(dense(norm(x, 0), "qkv"), 3, axis=-1))
    weights = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * HEAD**-0.5 + MASK)
    mixed = tf.reshape(tf.transpose(tf.matmul(weights, v), [0, 2, 1, 3]), [-1, TIME, SIZE])
    h = x + dense(mixed, "projection")
    h = h + dense(gelu(dense(norm(h, 1), "up")), "down")
    logits = tf.matmul(tf.reshape(norm(h, 2), [-1, SIZE]), words)
    labels = tf.reshape(targets, [-1])
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    return g.trains(tf.train.AdamOptimizer(1e-3).minimize(loss), loss, dict(zip((x, targets), batch())))


def eager(e):
    states, ids = batch()
    x, targets = e.value(states), e.ids(ids.reshape(-1))
    layers, norms, words = parameters(e, trainable=True)

    def dense(h, name):
        weights, bias = layers[name]
        return e.torch.addmm(bias, h.reshape(-1, h.shape[-1]), weights).reshape(*h.shape[:-1], -1)

    def norm(h, i):
        return e.f.layer_norm(h, (SIZE,), *norms[i])

    def heads(h):
        return h.reshape(-1, TIME, HEADS, HEAD).transpose(1, 2)

    def loss():
        q, k, v = (heads(part) for part in dense(norm(x, 0), "qkv").chunk(3, -1))
        mixed = e.f.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(-1, TIME, SIZE)
        h = x + dense(mixed, "projection")
        h = h + dense(e.f.gelu(dense(norm(h, 1), "up"), approximate="tanh"), "down")
        return e.f.cross_entropy(norm(h, 2).reshape(-1, SIZE) @ words, targets)

    return e.trains(e.torch.optim.Adam(e.parameters, 1e-3, fused=True), loss)


PRODUCTS = sum(n * m for n, m in LAYERS.values()) + SIZE * WORDS + 2 * TIME * SIZE
ROWS = [Row("block_b8x64_adam", graph, eager, flops=3 * 2.0 * BATCH * TIME * PRODUCTS)]
