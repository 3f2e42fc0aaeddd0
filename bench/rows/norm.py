"""Layer normalisation of 4096 rows of 1024, composed of elementary functions as TF1 programs wrote it."""

from libraries import Row

SHAPE = (4096, 1024)


def graph(g, backward):
    tf = g.tf
    x, gamma, beta = g.normal("x", SHAPE), g.bias(1024, 1.0), g.bias(1024)
    mean = tf.reduce_mean(x, [1], keepdims=True)
    variance = tf.reduce_mean(tf.square(x - mean), [1], keepdims=True)
    y = (x - mean) * tf.rsqrt(variance + 1e-5) * gamma + beta
    if backward:
        return g.computes(y, *tf.gradients(y, [x, gamma, beta], grad_ys=g.normal("grad", SHAPE)))
    return g.computes(y)


def eager(e, backward):
    x, gamma, beta = e.normal("x", SHAPE, trainable=backward), e.bias(1024, 1.0), e.bias(1024)

    def norm():
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).square().mean(1, keepdim=True)
        return (x - mean) * e.torch.rsqrt(variance + 1e-5) * gamma + beta

    if backward:
        return e.differentiates(norm, [x, gamma, beta], e.normal("grad", SHAPE))
    return e.computes(norm)


BYTES = 8.0 * SHAPE[0] * SHAPE[1]
ROWS = [
    Row("layer_norm_4096x1024_fwd", graph, eager, (False,), bytes=BYTES),
    Row("layer_norm_4096x1024_fwd_bwd", graph, eager, (True,), bytes=2 * BYTES),
]
