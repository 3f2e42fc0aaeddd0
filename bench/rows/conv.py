"""Convolutions, NHWC, SAME padding: forward, and forward with both gradients."""

from libraries import Row, normal


def arrays(batch, size, inputs, outputs, kernel, stride, depthwise):
    out = -(-size // stride)
    x = ("image", (batch, size, size, inputs))
    w = ("filter", (kernel, kernel, inputs, 1 if depthwise else outputs), 0.1)
    return x, w, ("grad", (batch, out, out, outputs))


def graph(g, backward, *shape):
    x, w, dy = (g.normal(*a) for a in arrays(*shape))
    stride, depthwise = shape[5:]
    conv = g.tf.nn.depthwise_conv2d if depthwise else g.tf.nn.conv2d
    y = conv(x, w, [1, stride, stride, 1], "SAME")
    return g.computes(y, *(g.tf.gradients(y, [x, w], grad_ys=dy) if backward else ()))


def eager(e, backward, *shape):
    x, w, dy = (normal(*a) for a in arrays(*shape))
    inputs, _, kernel, stride, depthwise = shape[2:]
    if depthwise:  # one group per channel
        w = w.transpose(0, 1, 3, 2)
    x, w, dy = e.images(x).requires_grad_(backward), e.filters(w, trainable=backward), e.images(dy)

    def conv():
        return e.f.conv2d(x, w, None, stride, (kernel - 1) // 2, 1, inputs if depthwise else 1)

    return e.differentiates(conv, [x, w], dy) if backward else e.computes(conv)


def rows(name, *shape):
    batch, size, inputs, outputs, kernel, stride, depthwise = shape
    out = -(-size // stride)
    flops = 2.0 * batch * out * out * kernel * kernel * inputs * (1 if depthwise else outputs)
    bytes = 4.0 * batch * (size * size * inputs + out * out * outputs)
    yield Row(f"{name}_fwd", graph, eager, (False, *shape), flops=flops, bytes=bytes)
    yield Row(f"{name}_fwd_bwd", graph, eager, (True, *shape), flops=3 * flops, bytes=2 * bytes)


ROWS = [
    *rows("a_32x28x28x1_5x5x32", 32, 28, 1, 32, 5, 1, False),
    *rows("b_32x14x14x32_5x5x64", 32, 14, 32, 64, 5, 1, False),
    *rows("c_1x56x56x64_3x3x64", 1, 56, 64, 64, 3, 1, False),
    *rows("d_8x56x56x64_3x3x64", 8, 56, 64, 64, 3, 1, False),
    *rows("e_1x112x112x32_depthwise_3x3", 1, 112, 32, 32, 3, 1, True),
    *rows("f_8x28x28x128_1x1x256_stride2", 8, 28, 128, 256, 1, 2, False),
]
