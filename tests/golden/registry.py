"""The golden programs: small TF1 programs whose results real TensorFlow has written down.

A program is a function `f(tf) -> {key: array | str | list of str}` that builds in a fresh default graph and
runs what it needs; `tf` is TensorFlow (in write.py) or tfmini (in test_golden.py).
"""

import importlib
import pathlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

DATA = pathlib.Path(__file__).parent / "data"


@dataclass(frozen=True)
class Program:
    name: str
    file: str
    fn: Callable[[Any], dict[str, Any]]
    tol: float  # relative and absolute; 0 means bit for bit

    def run(self, tf):
        with tf.Graph().as_default():
            return {key: np.asarray(value) for key, value in self.fn(tf).items()}


_programs: dict[str, Program] = {}


def golden(tol: float = 0.0):
    """Registers a program. The default tolerance is none: every bit must agree."""

    def register(fn):
        if fn.__name__ in _programs:
            raise ValueError(f"two programs are called {fn.__name__}")
        _programs[fn.__name__] = Program(fn.__name__, fn.__module__.rpartition(".")[2], fn, tol)
        return fn

    return register


def programs() -> list[Program]:
    """All programs of tests/golden/programs, by file."""
    package = importlib.import_module("tests.golden.programs")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return sorted(_programs.values(), key=lambda p: (p.file, p.name))


def evaluate(tf, fetches, feed_dict=None):
    """Initialises all variables and fetches once."""
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(fetches, feed_dict)


def numbers(*shape, step=0.37, low=-1.0, dtype="float32"):
    """A fixed array of irregular, distinct values in [low, low + 2)."""
    n = int(np.prod(shape))
    return (low + np.arange(1, n + 1) * step % 2.0).reshape(shape).astype(dtype)
