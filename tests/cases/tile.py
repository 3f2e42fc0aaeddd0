"""tile, against NumPy's."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")


def tile(name, x, multiples, **kwargs):
    return Case(
        f"tile_{name}",
        lambda t: tf.tile(tf.reshape(t, x.shape), multiples),
        [x],
        lambda a: np.tile(a, multiples),
        ops=("Tile",),
        **kwargs,
    )


CASES = [
    tile("both", rand(3, 5), [2, 3], dtypes=MOVED, second=True),
    tile("rows", rand(1, 5), [4, 1]),
    tile("columns", rand(5, 1), [1, 17]),
    tile("once", rand(3, 5), [1, 1]),
    tile("none", rand(3, 5), [0, 2]),
    tile("vector", rand(3), [5]),
    tile("rank_4", rand(2, 1, 3, 2), [1, 4, 2, 3]),
    tile("rank_6", rand(2, 1, 2, 1, 2, 1), [1, 2, 1, 2, 1, 2]),
    tile("scalar", rand(), np.zeros(0, np.int32)),
    Case(
        "tile_fed",
        lambda t, m: tf.tile(tf.reshape(t, [3, 5]), m),
        [rand(3, 5), np.int64([2, 3])],
        lambda a, m: np.tile(a, (2, 3)),
    ),
    Case(
        "tile_packed",
        lambda t: tf.tile(tf.reshape(t, [3, 5]), [tf.shape(t)[0], 1]),
        [rand(3, 5)],
        lambda a: np.tile(a, (3, 1)),
    ),
    Case(
        "tile_strings",
        lambda t: tf.tile(t, [2]),
        [np.array([b"a", b"b" * 40], object)],
        lambda a: np.tile(a, 2),
        dtypes=(),
        grad=False,
    ),
]


def _run(multiples):
    with tf.Session() as sess:
        m = tf.placeholder(tf.int64, [None])
        sess.run(tf.tile(tf.zeros([2, 3]), m), {m: multiples})


BAD = [
    Bad("length", lambda: tf.tile(tf.zeros([2, 3]), [2]), ValueError, "must agree"),
    Bad("negative", lambda: tf.tile(tf.zeros([2, 3]), [2, -1]), ValueError, ">= 0"),
    Bad("run_length", lambda: _run([2]), tf.errors.InvalidArgumentError, "must agree"),
    Bad("run_negative", lambda: _run([2, -1]), tf.errors.InvalidArgumentError, ">= 0"),
    Bad("run_overflow", lambda: _run([2**62, 2]), tf.errors.InvalidArgumentError, "too large"),
    Bad("run_huge", lambda: _run([2**40, 2]), tf.errors.ResourceExhaustedError, "."),
]
