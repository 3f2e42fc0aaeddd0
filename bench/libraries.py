"""The same work in every library: what a row is, and what rows use of TensorFlow's interface and of PyTorch's.

A row has one function per kind of library: graphs, and arrays that are computed at once. Each returns (call, check): what is timed, and numbers that every library
must reproduce. Start values depend on nothing but their names, so that every library sees the same.
"""

import importlib
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LIBRARIES = ("tfmini", "tensorflow", "torch", "torch-compile", "cupy", "numpy")
Timed = tuple[Callable[[], Any], Sequence[float]]


@dataclass(frozen=True)
class Row:
    """graph(g, *args) is the work for tfmini and TensorFlow, g a Graph; eager(e, *args) for PyTorch, e an Eager, and, where
    `arrays` says that it uses nothing else, for CuPy and NumPy, e an Arrays. Libraries in `lacked_by` cannot do it.
    flops, bytes: what a call does and moves at least (each input read once, each output written once)."""

    name: str
    graph: Callable[..., Timed]
    eager: Callable[..., Timed] | None = None
    args: tuple[Any, ...] = ()
    flops: float = 0.0
    bytes: float = 0.0
    tolerance: float = 1e-3  # of the check
    arrays: bool = False
    lacked_by: tuple[str, ...] = ()


def _random(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def normal(name, shape, scale=1.0):
    return _random(name).standard_normal(shape, dtype=np.float32) * np.float32(scale)


def integers(name, shape, high):
    return _random(name).integers(0, high, shape, dtype=np.int32)


def one_hot(ids, depth):
    return np.eye(depth, dtype=np.float32)[ids]


def magnitudes(arrays):
    """One number per array that does not depend on the order of its elements."""
    return [float(np.abs(np.asarray(a, np.float64)).mean()) for a in arrays]


class Graph:
    """A row for tfmini and TensorFlow 1 in a graph of its own."""

    def __init__(self, tf, graphs=True):
        self.tf = tf
        self.config = None if graphs else tf.ConfigProto(gpu_options=tf.GPUOptions(cuda_graphs=False))
        self.start = {}  # placeholders: variables start from fed values, so that graphs stay small
        self.sess = None

    def value(self, array, trainable=True):
        """A variable."""
        array = np.asarray(array)
        placeholder = self.tf.placeholder(array.dtype, array.shape)
        self.start[placeholder] = array
        return self.tf.Variable(placeholder, trainable=trainable)

    def normal(self, name, shape, scale=1.0):
        return self.value(normal(name, shape, scale))

    def bias(self, size, value=0.0):
        return self.value(np.full(size, value, np.float32))

    def session(self):
        self.sess = self.tf.Session(config=self.config)
        self.sess.run(self.tf.global_variables_initializer(), self.start)
        return self.sess

    def close(self):
        if self.sess is not None:
            self.sess.close()

    def computes(self, *outputs) -> Timed:
        """Times computing the outputs. Fetches their operations, so that no array moves to Python."""
        sess = self.session()
        operations = [getattr(t, "op", t) for t in outputs]
        check = magnitudes(sess.run([t for t in outputs if hasattr(t, "op")]))
        return (lambda: sess.run(operations)), check

    def trains(self, step, loss, feed, extra=(), check_feed=None) -> Timed:
        """Times a training step that also fetches the loss and `extra`; checks the losses of steps 1 and 5."""
        sess = self.session()
        losses = [sess.run([loss, step], check_feed or feed)[0] for _ in range(5)]
        fetches = [step, loss, *extra]
        return (lambda: sess.run(fetches, feed_dict=feed)), [losses[0], losses[4]]

    def infers(self, output, feed) -> Timed:
        """Times feeding and fetching arrays, as programs do; checks the mean and the spread of the output."""
        sess = self.session()
        values = sess.run(output, feed)
        return (lambda: sess.run(output, feed_dict=feed)), [*magnitudes([values]), values.std()]


class Eager:
    """A row for PyTorch. Images are NCHW in channels_last memory, the faster layout on CPUs."""

    def __init__(self, torch, compiled):
        self.torch = torch
        self.functions = torch
        self.f = torch.nn.functional
        self.compiled = torch.compile if compiled else lambda fn: fn
        self.parameters = []

    def value(self, array, trainable=False):
        tensor = self.on_device(np.array(array))
        if trainable:
            self.parameters.append(tensor.requires_grad_())
        return tensor

    def on_device(self, array):
        return self.torch.from_numpy(array).to(self.torch.get_default_device())

    def ids(self, array):
        return self.value(array).long()

    def normal(self, name, shape, scale=1.0, trainable=False):
        return self.value(normal(name, shape, scale), trainable)

    def bias(self, size, value=0.0):
        return self.value(np.full(size, value, np.float32), True)

    def images(self, array):
        return self.on_device(np.ascontiguousarray(array)).permute(0, 3, 1, 2)

    def filters(self, array, trainable=False):
        """PyTorch's order from TensorFlow's [height, width, in, out]."""
        tensor = self.value(np.asarray(array).transpose(3, 2, 0, 1))
        tensor = tensor.contiguous(memory_format=self.torch.channels_last)
        if trainable:
            self.parameters.append(tensor.requires_grad_())
        return tensor

    def flat(self, images):
        """[batch, features] in TensorFlow's order; no copy for channels_last images."""
        return images.permute(0, 2, 3, 1).reshape(len(images), -1)

    def transposed(self, x, order):
        return x.permute(order).contiguous()

    def rows_of(self, table, ids):
        return self.f.embedding(ids, table)

    def close(self):
        self.torch._dynamo.reset()

    def computes(self, fn) -> Timed:
        """Times fn() -> tensor without recording gradients."""
        fn = self.compiled(fn)

        def call():
            with self.torch.inference_mode():
                return fn()

        return call, magnitudes([call().cpu()])

    def differentiates(self, fn, inputs, grad=None) -> Timed:
        """Times fn() -> tensor and the gradients of its inputs."""
        fn = self.compiled(fn)

        def call():
            y = fn()
            return y, *self.torch.autograd.grad(y, inputs, grad)

        return call, magnitudes([t.detach().cpu() for t in call()])

    def trains(self, optimizer, loss, check_loss=None) -> Timed:
        """Times a training step that also reads the loss; checks the losses of steps 1 and 5."""

        def stepper(fn):
            def step():
                optimizer.zero_grad(set_to_none=True)
                value = fn()
                value.backward()
                optimizer.step()
                return value.item()

            return step

        check = stepper(check_loss or loss)
        losses = [check() for _ in range(5)]
        return stepper(self.compiled(loss)), [losses[0], losses[4]]

    def infers(self, fn, image) -> Timed:
        """Times fn(images) from array to array."""
        fn = self.compiled(fn)

        def call():
            with self.torch.no_grad():
                return fn(self.images(image)).cpu().numpy()

        values = call()
        return call, [*magnitudes([values]), values.std()]


class Arrays:
    """A row for CuPy or NumPy: the part of Eager that they have."""

    def __init__(self, module):
        self.module = module
        self.functions = ArrayFunctions(module)

    def value(self, array, trainable=False):
        return self.module.asarray(array)

    ids = value

    def normal(self, name, shape, scale=1.0, trainable=False):
        return self.value(normal(name, shape, scale))

    def transposed(self, x, order):
        return self.module.ascontiguousarray(x.transpose(order))

    def rows_of(self, table, ids):
        return table.take(ids, 0)

    def computes(self, fn) -> Timed:
        value = fn()
        return fn, magnitudes([value.get() if hasattr(value, "get") else value])

    def close(self):
        pass


class ArrayFunctions:
    """The module's functions, and some under PyTorch's names."""

    def __init__(self, module):
        self.module = module

    def __getattr__(self, name):
        return getattr(self.module, name)

    def sigmoid(self, x):
        return 1 / (1 + self.module.exp(-x))

    def relu(self, x):
        return self.module.maximum(x, 0)


def waiter(lib: str, library: Any, on: str) -> Callable[[], Any] | None:
    """What waits for the GPU; None on the CPU, where every call waits."""
    if on == "cpu":
        return None
    if lib.startswith("torch"):
        return library.cuda.synchronize
    if lib == "cupy":
        return library.cuda.runtime.deviceSynchronize
    if lib == "tfmini":
        return lambda: library._core.gpu_synchronize(0)
    return lambda: None  # TensorFlow's runs wait


def load(lib: str, on: str = "cpu") -> Any:
    """The module that stands for `tf`, or torch."""
    if on == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if lib == "tensorflow":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import tensorflow.compat.v1 as tf  # type: ignore[import-not-found]

        tf.disable_v2_behavior()
        tf.logging.set_verbosity(tf.logging.ERROR)
        return tf
    if lib.startswith("torch"):
        import torch  # type: ignore[import-not-found]

        torch.manual_seed(0)
        if on == "gpu":
            torch.set_default_device("cuda")
        if lib == "torch-compile":
            import torch._inductor.config as inductor  # type: ignore[import-not-found]

            inductor.freezing = True  # inference weights are constants, as in a frozen graph
        return torch
    if lib in ("cupy", "numpy"):
        return importlib.import_module(lib)
    import tfmini

    return tfmini
