"""The MNIST tutorial's network: two 5x5 convolutions with pooling, 1024 hidden units, dropout; batch 50, Adam.

Losses are checked without dropout."""

from libraries import Row, integers, normal, one_hot

BATCH = 50
CONVS = (("conv1", (5, 5, 1, 32)), ("conv2", (5, 5, 32, 64)))
DENSE = (("hidden", (3136, 1024), 0.02), ("out", (1024, 10), 0.05))


def batch():
    return normal("images", (BATCH, 28, 28, 1)), one_hot(integers("labels", (BATCH,), 10), 10)


def graph(g):
    tf = g.tf
    x, t = tf.placeholder(tf.float32, [None, 28, 28, 1]), tf.placeholder(tf.float32, [None, 10])
    keep = tf.placeholder(tf.float32)
    h = x
    for name, shape in CONVS:
        h = tf.nn.conv2d(h, g.normal(name, shape, 0.1), [1, 1, 1, 1], "SAME")
        h = tf.nn.max_pool(tf.nn.relu(h + g.bias(shape[3], 0.1)), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    (w1, b1), (w2, b2) = ((g.normal(*d), g.bias(d[1][1], 0.1)) for d in DENSE)
    h = tf.nn.relu(tf.matmul(tf.reshape(h, [-1, 3136]), w1) + b1)
    logits = tf.matmul(tf.nn.dropout(h, keep), w2) + b2
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=t, logits=logits))
    feed = dict(zip((x, t), batch()))
    step = tf.train.AdamOptimizer(1e-4).minimize(loss)
    return g.trains(step, loss, {**feed, keep: 0.5}, check_feed={**feed, keep: 1.0})


def eager(e):
    convs = [(e.filters(normal(name, shape, 0.1), True), e.bias(shape[3], 0.1)) for name, shape in CONVS]
    (w1, b1), (w2, b2) = ((e.normal(*d, trainable=True), e.bias(d[1][1], 0.1)) for d in DENSE)
    images, labels = batch()
    x, t = e.images(images), e.value(labels)

    def loss(drop=0.5):
        h = x
        for w, b in convs:
            h = e.f.max_pool2d(e.torch.relu(e.f.conv2d(h, w, b, padding=2)), 2)
        h = e.torch.relu(e.torch.addmm(b1, e.flat(h), w1))
        return e.f.cross_entropy(e.torch.addmm(b2, e.f.dropout(h, drop), w2), t)

    return e.trains(e.torch.optim.Adam(e.parameters, 1e-4, fused=True), loss, check_loss=lambda: loss(0.0))


FLOPS = 3 * 2.0 * BATCH * (784 * 25 * 32 + 196 * 800 * 64 + 3136 * 1024 + 10240)
ROWS = [Row("mnist_b50_adam", graph, eager, flops=FLOPS)]
