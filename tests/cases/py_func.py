"""Python functions as ops."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, rand


def _raise(x):
    raise ValueError("the message")


CASES = [
    Case(
        "one",
        lambda x: tf.py_func(lambda a: a * 2, [x], x.dtype),
        [rand(3, 2)],
        lambda x: 2 * x,
        ops=("PyFunc",),
        grad=False,
    ),
    Case(
        "stateless",
        lambda x: tf.py_func(lambda a: [a + 1, a.shape[0]], [x], [x.dtype, tf.int64], stateful=False),
        [rand(3)],
        lambda x: [x + 1, np.array(3)],
        ops=("PyFuncStateless",),
        grad=False,
    ),
]


def _run(fn, tout):
    return tf.Session().run(tf.py_func(fn, [tf.constant(1.0)], tout))


BAD = [
    Bad("raises", lambda: _run(_raise, tf.float32), (tf.errors.OpError), "ValueError: the message"),
    Bad("count", lambda: _run(lambda x: (x, x), tf.float32), tf.errors.OpError, "returned 2 values"),
    Bad("dtype", lambda: _run(lambda x: np.float64(x), tf.float32), tf.errors.OpError, "float64"),
    Bad("not_callable", lambda: tf.py_func(3, [], tf.float32), ValueError, "callable"),
]
