"""Normalisations composed of elementary functions, as TF1 programs wrote them: of rows, and of channels in training."""

import math

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


def channels_graph(g, shape, axes, backward):
    tf = g.tf
    channels = [n for i, n in enumerate(shape) if i not in axes]
    spread = [1 if i in axes else n for i, n in enumerate(shape)]
    x, gamma, beta = g.normal("x", shape), g.bias(*channels, 1.0), g.bias(*channels)
    mean, variance = tf.nn.moments(x, list(axes), keep_dims=True)
    y = (x - mean) * (tf.rsqrt(variance + 1e-3) * tf.reshape(gamma, spread)) + tf.reshape(beta, spread)
    if backward:
        return g.computes(y, *tf.gradients(y, [x, gamma, beta], grad_ys=g.normal("grad", shape)))
    return g.computes(y)


def channels_eager(e, shape, axes, backward):
    channels = [n for i, n in enumerate(shape) if i not in axes]
    spread = [1 if i in axes else n for i, n in enumerate(shape)]
    x, gamma, beta = e.normal("x", shape, trainable=backward), e.bias(*channels, 1.0), e.bias(*channels)

    def norm():
        mean = x.mean(axes, keepdim=True)
        variance = (x - mean).square().mean(axes, keepdim=True)
        return (x - mean) * (e.torch.rsqrt(variance + 1e-3) * gamma.reshape(spread)) + beta.reshape(spread)

    if backward:
        return e.differentiates(norm, [x, gamma, beta], e.normal("grad", shape))
    return e.computes(norm)


def of_channels(name, shape, axes, backward):
    return Row(
        name,
        channels_graph,
        channels_eager,
        (shape, axes, backward),
        bytes=(16.0 if backward else 8.0) * math.prod(shape),
    )


BYTES = 8.0 * SHAPE[0] * SHAPE[1]
NHWC, NCHW = (32, 28, 28, 128), (32, 128, 28, 28)
ROWS = [
    Row("layer_norm_4096x1024_fwd", graph, eager, (False,), bytes=BYTES),
    Row("layer_norm_4096x1024_fwd_bwd", graph, eager, (True,), bytes=2 * BYTES),
    of_channels("batch_norm_nhwc_32x28x28x128_fwd", NHWC, (0, 1, 2), False),
    of_channels("batch_norm_nhwc_32x28x28x128_fwd_bwd", NHWC, (0, 1, 2), True),
    of_channels("batch_norm_nchw_32x128x28x28_fwd", NCHW, (0, 2, 3), False),
    of_channels("batch_norm_nchw_32x128x28x28_fwd_bwd", NCHW, (0, 2, 3), True),
]
