"""Softmax, and cross entropy with the gradient of its mean, labels dense or sparse."""

from libraries import Row, integers, one_hot


def labels(n, classes, dense):
    ids = integers("labels", (n,), classes)
    return one_hot(ids, classes) if dense else ids


def xent_graph(g, n, classes, dense):
    tf = g.tf
    x, t = g.normal("logits", (n, classes)), g.value(labels(n, classes, dense), trainable=False)
    if dense:
        losses = tf.nn.softmax_cross_entropy_with_logits(labels=t, logits=x)
    else:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=t, logits=x)
    loss = tf.reduce_mean(losses)
    return g.computes(loss, *tf.gradients(loss, x))


def xent_eager(e, n, classes, dense):
    x, t = e.normal("logits", (n, classes), trainable=True), e.value(labels(n, classes, dense))
    t = t if dense else t.long()
    return e.differentiates(lambda: e.f.cross_entropy(x, t), [x])


def softmax_graph(g, n, classes):
    return g.computes(g.tf.nn.softmax(g.normal("logits", (n, classes))))


def softmax_eager(e, n, classes):
    x = e.normal("logits", (n, classes))
    return e.computes(lambda: e.torch.softmax(x, 1))


def xent(name, n, classes, dense):
    bytes = 4.0 * n * classes * (3 if dense else 2)
    return Row(name, xent_graph, xent_eager, (n, classes, dense), bytes=bytes)


ROWS = [
    xent("xent_128x10_fwd_bwd", 128, 10, True),
    xent("xent_128x50000_fwd_bwd", 128, 50000, True),
    xent("sparse_xent_128x50000_fwd_bwd", 128, 50000, False),
    Row("softmax_4096x1000", softmax_graph, softmax_eager, (4096, 1000), bytes=8.0 * 4096 * 1000),
]
