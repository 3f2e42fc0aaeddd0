"""pad that mirrors the inside, against NumPy's."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")


def pad(mode, name, x, paddings, **kwargs):
    return Case(
        f"{mode}_{name}",
        lambda t: tf.pad(t, paddings, mode),
        [x],
        lambda a: np.pad(a, paddings, mode),
        ops=("MirrorPad", "MirrorPadGrad"),
        **kwargs,
    )


CASES = [
    pad("reflect", "matrix", rand(3, 5), [[1, 2], [0, 4]], dtypes=MOVED, second=True),
    pad("symmetric", "matrix", rand(3, 5), [[3, 2], [0, 5]], dtypes=MOVED, second=True),
    pad("reflect", "image", rand(2, 4, 5, 3), [[0, 0], [1, 1], [2, 0], [0, 0]]),
    pad("symmetric", "vector", rand(7), [[7, 7]]),
    pad("reflect", "nothing", rand(3, 1), [[0, 0], [0, 0]]),
    Case("reflect_scalar", lambda t: tf.pad(t, np.zeros((0, 2), np.int32), "REFLECT"), [rand()], lambda a: a),
    Case(
        "symmetric_empty", lambda t: tf.pad(t, [[0, 0], [1, 1]], "SYMMETRIC"), [rand(0, 2)], lambda a: np.zeros((0, 4))
    ),
    Case(
        "reflect_fed",
        lambda t, p: tf.pad(t, p, "REFLECT"),
        [rand(4), np.int64([[1, 2]])],
        lambda a, p: np.pad(a, p, "reflect"),
    ),
    Case(
        "mirror_pad_grad",
        lambda t: tf.raw.MirrorPadGrad(t, [[1, 2]], mode="REFLECT"),
        [rand(7)],
        lambda g: np.array([g[1], g[0] + g[2] + g[6], g[3] + g[5], g[4]]),
        dtypes=(*ALL_FLOATS, "int32"),
        tol={"float16": 4e-3, "bfloat16": 3e-2},
    ),
]

BAD = [
    Bad("reflect_size", lambda: tf.pad(tf.zeros([3]), [[3, 0]], "REFLECT"), ValueError, "no greater than 2"),
    Bad("symmetric_size", lambda: tf.pad(tf.zeros([3]), [[0, 4]], "SYMMETRIC"), ValueError, "no greater than 3"),
    Bad("negative", lambda: tf.pad(tf.zeros([3]), [[-1, 0]], "REFLECT"), ValueError, "negative"),
    Bad("mode", lambda: tf.raw.MirrorPad(tf.zeros([3]), [[1, 1]], mode="EDGE"), ValueError, "EDGE|mode"),
]
