"""pad with a constant, against NumPy's."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")


def pad(name, x, paddings, **kwargs):
    return Case(
        f"pad_{name}", lambda t: tf.pad(t, paddings), [x], lambda a: np.pad(a, paddings), ops=("Pad",), **kwargs
    )


CASES = [
    pad("matrix", rand(3, 5), [[1, 2], [0, 3]], dtypes=MOVED, second=True),
    pad("rows", rand(3, 5), [[2, 1], [0, 0]]),
    pad("columns", rand(3, 5), [[0, 0], [2, 1]]),
    pad("nothing", rand(3, 5), [[0, 0], [0, 0]]),
    pad("image", rand(2, 7, 5, 3), [[0, 0], [1, 1], [2, 0], [0, 0]]),
    pad("batch", rand(2, 3, 4), [[1, 0], [0, 0], [0, 1]]),
    pad("empty", rand(0, 3), [[2, 1], [1, 1]]),
    Case("pad_scalar", lambda t: tf.pad(t, np.zeros((0, 2), np.int32)), [rand()], lambda a: a),
    Case(
        "pad_value",
        lambda t: tf.pad(t, [[1, 0], [0, 2]], constant_values=3),
        [rand(3, 5)],
        lambda a: np.pad(a, [[1, 0], [0, 2]], constant_values=a.dtype.type(3)),
        dtypes=(*ALL_FLOATS, "int32", "uint8"),
        ops=("PadV2",),
    ),
    Case(
        "pad_fed",
        lambda t, p, v: tf.pad(t, p, constant_values=v),
        [rand(3), np.int64([[1, 2]]), np.array(0.5)],
        lambda a, p, v: np.pad(a, p, constant_values=v),
        grad=(0,),
    ),
    Case("pad_lower_case", lambda t: tf.pad(t, [[1, 1]], "constant"), [rand(3)], lambda a: np.pad(a, 1)),
    Case(
        "pad_strings",
        lambda t: tf.pad(t, [[1, 1]]),
        [np.array([b"a", b"b" * 40], object)],
        lambda a: np.array([b"", *a, b""]),
        dtypes=(),
        grad=False,
    ),
]


def _run(paddings):
    with tf.Session() as sess:
        p = tf.placeholder(tf.int32, [None, None])
        sess.run(tf.pad(tf.zeros([2, 3]), p), {p: paddings})


BAD = [
    Bad("mode", lambda: tf.pad(tf.zeros([2]), [[1, 1]], "WRAP"), ValueError, "Unknown padding mode"),
    Bad("negative", lambda: tf.pad(tf.zeros([2]), [[-1, 1]]), ValueError, "negative"),
    Bad("rank", lambda: tf.pad(tf.zeros([2, 2]), [[1, 1]]), ValueError, "must agree"),
    Bad("pairs", lambda: tf.pad(tf.zeros([2]), [[1, 1, 1]]), ValueError, r"\[rank, 2\]"),
    Bad("run_negative", lambda: _run([[0, -1], [0, 0]]), tf.errors.InvalidArgumentError, "negative"),
    Bad("run_rank", lambda: _run([[0, 1]]), tf.errors.InvalidArgumentError, "must agree"),
    Bad("run_huge", lambda: _run([[0, 2**31 - 1], [2**31 - 1, 0]]), tf.errors.ResourceExhaustedError, "."),
]
