"""The same training steps in PyTorch's eager mode. Each function returns a callable that does one step."""

import math

import numpy as np

from . import data


class Builder:
    def __init__(self, torch):
        self.torch = torch
        self.parameters = []

    def weights(self, name, shape, scale):
        return self.add(data.normal(name, shape, scale))

    def bias(self, size, value=0.0):
        return self.add(np.full(size, value, np.float32))

    def add(self, value):
        p = self.torch.from_numpy(value).requires_grad_()
        self.parameters.append(p)
        return p

    def conv(self, name, kernel, inputs, outputs, scale):
        """A filter in PyTorch's order from numbers in TensorFlow's."""
        return self.add(
            np.ascontiguousarray(data.normal(name, (kernel, kernel, inputs, outputs), scale).transpose(3, 2, 0, 1))
        )


def stepper(optimizer, loss_fn):
    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_fn()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def mlp(torch):
    b = Builder(torch)
    layers = [
        (b.weights(f"mlp{i}", s, 0.05), b.bias(s[1])) for i, s in ((1, (784, 512)), (2, (512, 512)), (3, (512, 10)))
    ]
    images, labels = data.images(128)
    x, t = torch.from_numpy(images.reshape(128, 784)), torch.from_numpy(labels)

    def loss():
        h = x
        for w, bias in layers[:2]:
            h = torch.relu(torch.addmm(bias, h, w))
        return torch.nn.functional.cross_entropy(torch.addmm(layers[2][1], h, layers[2][0]), t)

    return stepper(torch.optim.Adam(b.parameters, 1e-3), loss)


def convnet(torch):
    b, f = Builder(torch), torch.nn.functional
    convs = [(b.conv("conv1", 5, 1, 32, 0.1), b.bias(32, 0.1)), (b.conv("conv2", 5, 32, 64, 0.1), b.bias(64, 0.1))]
    hidden, out = (
        (b.weights("hidden", (3136, 1024), 0.02), b.bias(1024, 0.1)),
        (b.weights("out", (1024, 10), 0.05), b.bias(10, 0.1)),
    )
    images, labels = data.images(50)
    x, t = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), torch.from_numpy(labels)
    x = x.contiguous(memory_format=torch.channels_last)

    def loss():
        h = x
        for w, bias in convs:
            h = f.max_pool2d(torch.relu(f.conv2d(h, w, bias, padding=2)), 2)
        h = torch.relu(torch.addmm(hidden[1], h.reshape(50, -1), hidden[0]))
        return f.cross_entropy(torch.addmm(out[1], f.dropout(h, 0.5), out[0]), t)

    return stepper(torch.optim.Adam(b.parameters, 1e-4), loss)


def lstm(torch, batch=20, steps=20, units=200, vocabulary=10000, layers=2):
    b = Builder(torch)
    embedding = b.weights("embedding", (vocabulary, units), 0.05)
    net = torch.nn.LSTM(units, units, layers, batch_first=True)
    w, bias = b.weights("softmax", (units, vocabulary), 0.05), b.bias(vocabulary)
    parameters = b.parameters + list(net.parameters())
    ids = torch.from_numpy(data.integers("words", (batch, steps + 1), vocabulary)).long()
    state = [torch.zeros(layers, batch, units), torch.zeros(layers, batch, units)]
    optimizer = torch.optim.SGD(parameters, 1.0)

    def step():
        optimizer.zero_grad(set_to_none=True)
        outputs, (h, c) = net(torch.nn.functional.embedding(ids[:, :-1], embedding), tuple(state))
        logits = torch.addmm(bias, outputs.reshape(-1, units), w)
        loss = torch.nn.functional.cross_entropy(logits, ids[:, 1:].reshape(-1), reduction="sum") / batch
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        state[:] = h.detach(), c.detach()
        return loss.item()

    return step


def word2vec(torch, vocabulary=50000, size=128, batch=128, sampled=64):
    f = torch.nn.functional
    embeddings = torch.from_numpy(data.normal("embeddings", (vocabulary, size), 0.5)).requires_grad_()
    weights = torch.from_numpy(data.normal("nce", (vocabulary, size), 1 / math.sqrt(size))).requires_grad_()
    biases = torch.zeros(vocabulary, 1, requires_grad=True)
    words = torch.from_numpy(data.integers("centre", (batch,), vocabulary)).long()
    neighbours = torch.from_numpy(data.integers("neighbour", (batch,), vocabulary)).long()
    random = np.random.RandomState(0)

    def loss():
        noise = torch.from_numpy((np.exp(random.uniform(size=sampled) * math.log(vocabulary + 1)) - 1).astype(np.int64))
        noise.clamp_(max=vocabulary - 1)
        x = f.embedding(words, embeddings, sparse=True)
        rows, offsets = (f.embedding(torch.cat([neighbours, noise]), p, sparse=True) for p in (weights, biases))
        true = (x * rows[:batch]).sum(1) + offsets[:batch, 0]
        false = x @ rows[batch:].T + offsets[batch:, 0]
        return (f.softplus(-true) + f.softplus(false).sum(1)).mean()

    return stepper(torch.optim.SGD([embeddings, weights, biases], 1.0), loss)


class QNet:
    def __init__(self, torch):
        self.torch, self.b = torch, Builder(torch)
        shapes = (("q1", 8, 4, 4, 32), ("q2", 4, 2, 32, 64), ("q3", 3, 1, 64, 64))
        self.convs = [
            (self.b.conv(n, k, i, o, math.sqrt(2.0 / (k * k * i))), self.b.bias(o, 0.01), k, s)
            for n, k, s, i, o in shapes
        ]
        self.hidden = self.b.weights("q4", (6400, 512), 0.018), self.b.bias(512, 0.01)
        self.out = self.b.weights("q5", (512, 6), 0.044), self.b.bias(6, 0.01)

    def __call__(self, x):
        torch, f = self.torch, self.torch.nn.functional
        for w, bias, kernel, stride in self.convs:
            total = max(kernel - stride, 0)  # TensorFlow's SAME for these sizes
            low = total // 2
            x = torch.relu(f.conv2d(f.pad(x, (low, total - low, low, total - low)), w, bias, stride))
        h = torch.relu(torch.addmm(self.hidden[1], x.reshape(x.shape[0], -1), self.hidden[0]))
        return torch.addmm(self.out[1], h, self.out[0])


def frames(torch, batch):
    x = torch.from_numpy(data.normal("frames", (batch, 80, 80, 4), 1.0).transpose(0, 3, 1, 2).copy())
    return x.contiguous(memory_format=torch.channels_last)


def dqn_train(torch):
    net, x = QNet(torch), frames(torch, 32)
    target = torch.from_numpy(data.normal("target", (32,), 1.0))
    action = torch.from_numpy(np.eye(6, dtype=np.float32)[data.integers("action", (32,), 6)])
    return stepper(torch.optim.Adam(net.b.parameters, 1e-4), lambda: ((target - (net(x) * action).sum(1)) ** 2).mean())


def dqn_act(torch):
    net, x = QNet(torch), frames(torch, 1)

    def act():
        with torch.inference_mode():
            return net(x).numpy()

    return act


MODELS = (mlp, convnet, lstm, word2vec, dqn_train, dqn_act)
