"""The PTB tutorial's small model: two LSTM layers of 200 units unrolled over 20 words, a full softmax over 10000,
clipped gradients, SGD; batch 20. PyTorch has a fused module for it, which is what it runs here."""

import numpy as np
from libraries import Row, integers, normal

BATCH, STEPS, UNITS, WORDS, LAYERS = 20, 20, 200, 10000, 2
EMBEDDING = ("embedding", (WORDS, UNITS), 0.05)
SOFTMAX = ("softmax", (UNITS, WORDS), 0.05)


def gates(layer):
    return f"lstm{layer}", (2 * UNITS, 4 * UNITS), 0.05


def batch():
    ids = integers("words", (BATCH, STEPS + 1), WORDS)
    return ids[:, :-1], ids[:, 1:]


def graph(g):
    tf = g.tf
    words, targets = (tf.placeholder(tf.int32, [BATCH, STEPS]) for _ in range(2))
    state = [tf.placeholder(tf.float32, [BATCH, UNITS]) for _ in range(2 * LAYERS)]
    inputs = tf.unstack(tf.nn.embedding_lookup(g.normal(*EMBEDDING), words), axis=1)
    final = []
    for layer in range(LAYERS):
        weights, bias = g.normal(*gates(layer)), g.bias(4 * UNITS)
        c, h = state[2 * layer : 2 * layer + 2]
        outputs = []
        for x in inputs:
            z = tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), weights), bias)
            i, new, forget, out = tf.split(z, 4, axis=1)
            c = c * tf.sigmoid(forget + 1.0) + tf.sigmoid(i) * tf.tanh(new)
            h = tf.tanh(c) * tf.sigmoid(out)
            outputs.append(h)
        inputs = outputs
        final += [c, h]
    flat = tf.reshape(tf.stack(inputs, 1), [-1, UNITS])
    logits = tf.matmul(flat, g.normal(*SOFTMAX)) + g.bias(WORDS)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(targets, [-1]), logits=logits)
    loss = tf.reduce_sum(losses) / BATCH
    variables = tf.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 5.0)
    step = tf.train.GradientDescentOptimizer(1.0).apply_gradients(zip(gradients, variables))
    zero = np.zeros((BATCH, UNITS), np.float32)
    # Programs fetch the final state to feed it to the next step; what it is does not change the time.
    return g.trains(step, loss, {**dict(zip((words, targets), batch())), **dict.fromkeys(state, zero)}, extra=final)


def module(e):
    """PyTorch's LSTM with the same parameters: gates in the order i, f, new, out; the second bias stays zero."""
    net = e.torch.nn.LSTM(UNITS, UNITS, LAYERS, batch_first=True)
    for layer in range(LAYERS):
        i, new, forget, out = np.split(normal(*gates(layer)), 4, axis=1)
        weights = np.concatenate([i, forget, new, out], 1)
        bias = np.zeros(4 * UNITS, np.float32)
        bias[UNITS : 2 * UNITS] = 1.0
        values = dict(weight_ih=weights[:UNITS].T, weight_hh=weights[UNITS:].T, bias_ih=bias, bias_hh=0 * bias)
        for name, value in values.items():
            parameter = getattr(net, f"{name}_l{layer}")
            parameter.data.copy_(e.torch.from_numpy(np.ascontiguousarray(value)))
            parameter.requires_grad_(name != "bias_hh")
    return net


def eager(e):
    net = module(e)
    table, w = (e.normal(*p, trainable=True) for p in (EMBEDDING, SOFTMAX))
    b = e.bias(WORDS)
    parameters = [*e.parameters, *(p for p in net.parameters() if p.requires_grad)]
    words, targets = (e.ids(a) for a in batch())
    zero = e.torch.zeros(LAYERS, BATCH, UNITS)

    def loss():
        outputs, _ = net(e.f.embedding(words, table), (zero, zero))
        logits = e.torch.addmm(b, outputs.reshape(-1, UNITS), w)
        return e.f.cross_entropy(logits, targets.reshape(-1), reduction="sum") / BATCH

    class ClippedSGD(e.torch.optim.SGD):
        def step(self):
            e.torch.nn.utils.clip_grad_norm_(parameters, 5.0)
            super().step()

    return e.trains(ClippedSGD(parameters, 1.0), loss)


FLOPS = 3 * 2.0 * BATCH * STEPS * (LAYERS * 2 * UNITS * 4 * UNITS + UNITS * WORDS)
ROWS = [Row("ptb_small_b20x20_sgd", graph, eager, flops=FLOPS)]
