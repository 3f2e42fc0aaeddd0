"""What image networks are built from, over TensorFlow's interface and over PyTorch's: convolutions with batch norm
in its inference form and ReLU, pooling, branches.

A network is written once as network(b, x) with b one of the two builders. Parameters are named in the order of use;
symmetric paddings are explicit, because TensorFlow's SAME pads strided convolutions on one side more.
"""

import numpy as np
from libraries import normal


class Builder:
    def __init__(self):
        self.count = 0

    def names(self):
        """A fresh name for the next layer."""
        self.count += 1
        return f"layer{self.count}"

    @staticmethod
    def norm(name, channels):
        """scale, offset, mean, variance of a batch norm"""
        shift = [normal(f"{name}/{part}", (channels,), 0.1) for part in ("scale", "offset", "mean", "variance")]
        return [1 + np.abs(shift[0]), shift[1], shift[2], 1 + np.abs(shift[3])]

    @staticmethod
    def filters(name, kernel, inputs, outputs):
        return normal(name, (*kernel, inputs, outputs), (2.0 / (kernel[0] * kernel[1] * inputs)) ** 0.5)


class GraphBuilder(Builder):
    """frozen: parameters are constants, as in a frozen graph, instead of variables."""

    def __init__(self, g, frozen):
        super().__init__()
        self.tf = g.tf
        self.parameter = g.tf.constant if frozen else lambda a: g.value(a, trainable=False)

    def conv(self, x, outputs, kernel, stride=1, pad="SAME", relu=True):
        tf, name = self.tf, self.names()
        if pad == "SAME" and stride > 1:
            pad = [[0, 0], *([k // 2, k // 2] for k in kernel), [0, 0]]
        y = tf.nn.conv2d(
            x, self.parameter(self.filters(name, kernel, int(x.shape[3]), outputs)), [1, stride, stride, 1], pad
        )
        norm = [self.parameter(a) for a in self.norm(name, outputs)]
        y = tf.nn.fused_batch_norm(y, *norm, epsilon=1e-3, is_training=False)[0]
        return tf.nn.relu(y) if relu else y

    def add_relu(self, x, y):
        return self.tf.nn.relu(x + y)

    def max_pool(self, x, pad):
        return self.tf.nn.max_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], pad)

    def avg_pool(self, x):
        return self.tf.nn.avg_pool(x, [1, 3, 3, 1], [1, 1, 1, 1], "SAME")

    def concat(self, branches):
        return self.tf.concat(branches, 3)

    def classify(self, x, classes=1000):
        inputs = int(x.shape[3])
        w = self.parameter(normal("classes", (inputs, classes), inputs**-0.5))
        return self.tf.matmul(self.tf.reduce_mean(x, [1, 2]), w) + self.parameter(np.zeros(classes, np.float32))


class EagerBuilder(Builder):
    """The first pass makes the parameters, later ones reuse them."""

    def __init__(self, e):
        super().__init__()
        self.e, self.torch, self.f = e, e.torch, e.f
        self.made = e.torch.nn.ParameterDict()

    def parameter(self, name, make):
        key = name.replace("/", "_")
        if key not in self.made:
            self.made[key] = self.torch.nn.Parameter(make(), requires_grad=False)
        return self.made[key]

    def conv(self, x, outputs, kernel, stride=1, pad="SAME", relu=True):
        name, inputs = self.names(), x.shape[1]
        w = self.parameter(name, lambda: self.e.filters(self.filters(name, kernel, inputs, outputs)))
        y = self.f.conv2d(x, w, None, stride, tuple(k // 2 for k in kernel) if pad == "SAME" else 0)
        scale, offset, mean, variance = (
            self.parameter(f"{name}/{i}", lambda i=i: self.e.value(self.norm(name, outputs)[i])) for i in range(4)
        )
        y = self.f.batch_norm(y, mean, variance, scale, offset, False, 0.0, 1e-3)
        return self.torch.relu_(y) if relu else y

    def add_relu(self, x, y):
        return self.torch.relu_(x + y)

    def max_pool(self, x, pad):
        return self.f.max_pool2d(x, 3, 2, ceil_mode=pad == "SAME")

    def avg_pool(self, x):
        return self.f.avg_pool2d(x, 3, 1, 1, count_include_pad=False)

    def concat(self, branches):
        return self.torch.cat(branches, 1)

    def classify(self, x, classes=1000):
        inputs = x.shape[1]
        w = self.parameter("classes", lambda: self.e.normal("classes", (inputs, classes), inputs**-0.5))
        bias = self.parameter("bias", lambda: self.torch.zeros(classes))
        return self.torch.addmm(bias, x.mean((2, 3)), w)


def image(batch, size):
    return normal("image", (batch, size, size, 3))


def graph(g, network, batch, size, frozen):
    x = g.tf.placeholder(g.tf.float32, [batch, size, size, 3])
    return g.infers(network(GraphBuilder(g, frozen), x), {x: image(batch, size)})


def eager(e, network, batch, size, frozen):
    builder = EagerBuilder(e)

    class Module(e.torch.nn.Module):  # compilers treat the parameters of a module as frozen
        def __init__(self):
            super().__init__()
            self.made = builder.made

        def forward(self, x):
            builder.count = 0
            return network(builder, x)

    module = Module().eval()
    with e.torch.no_grad():
        module(e.images(image(batch, size)))
    return e.infers(module, image(batch, size))
