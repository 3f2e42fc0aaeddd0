"""784-512-512-10 with ReLU, batch 128, Adam."""

from libraries import Row, integers, normal, one_hot

SIZES = (784, 512, 512, 10)
BATCH = 128


def parameters(lib, **trainable):
    for i, (n, m) in enumerate(zip(SIZES, SIZES[1:])):
        yield lib.normal(f"weights{i}", (n, m), (2.0 / n) ** 0.5, **trainable), lib.bias(m)


def batch():
    return normal("images", (BATCH, SIZES[0])), one_hot(integers("labels", (BATCH,), SIZES[-1]), SIZES[-1])


def graph(g):
    tf = g.tf
    x, t = tf.placeholder(tf.float32, [None, SIZES[0]]), tf.placeholder(tf.float32, [None, SIZES[-1]])
    *hidden, (w, b) = parameters(g)
    h = x
    for weights, bias in hidden:
        h = tf.nn.relu(tf.matmul(h, weights) + bias)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=t, logits=tf.matmul(h, w) + b))
    return g.trains(tf.train.AdamOptimizer(1e-3).minimize(loss), loss, dict(zip((x, t), batch())))


def eager(e):
    *hidden, (w, b) = parameters(e, trainable=True)
    x, t = (e.value(a) for a in batch())

    def loss():
        h = x
        for weights, bias in hidden:
            h = e.torch.relu(e.torch.addmm(bias, h, weights))
        return e.f.cross_entropy(e.torch.addmm(b, h, w), t)

    return e.trains(e.torch.optim.Adam(e.parameters, 1e-3, fused=True), loss)


FLOPS = 3 * 2.0 * BATCH * sum(n * m for n, m in zip(SIZES, SIZES[1:]))
ROWS = [Row("b128_adam", graph, eager, flops=FLOPS)]
