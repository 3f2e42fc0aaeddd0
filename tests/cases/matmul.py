"""Matrix products. Sizes straddle the register tiles of all instruction sets (up to 14 x 32) and the
boundaries between the paths for thin, small and blocked products."""

import itertools

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, FLOATS, NUMBERS, Bad, Case, ints, rand

TRANSPOSES = list(itertools.product([False, True], repeat=2))


def product(m, n, k, ta, tb, **kwargs):
    """a [m, k] times b [k, n], each stored transposed or not."""
    a = rand(k, m) if ta else rand(m, k)
    b = rand(n, k) if tb else rand(k, n)
    return Case(
        f"matmul_{m}x{n}x{k}_{'NT'[ta]}{'NT'[tb]}",
        lambda a, b: tf.matmul(a, b, transpose_a=ta, transpose_b=tb),
        [a, b],
        lambda a, b: (a.T if ta else a) @ (b.T if tb else b),
        ops=("MatMul",),
        tol={"float32": 1e-6 * max(k, 10), "float64": 1e-14 * max(k, 100), "bfloat16": 4e-2},
        work=(2.0 * m * n * k, 4.0 * (m * k + k * n + m * n)),
        **kwargs,
    )


def batch(name, a_shape, b_shape, ta=False, tb=False, fn=None, op="BatchMatMulV2", **kwargs):
    def swapped(x, flag):
        return np.swapaxes(x, -1, -2) if flag else x

    fn = fn or (lambda a, b: tf.matmul(a, b, adjoint_a=ta, adjoint_b=tb))
    return Case(
        name,
        fn,
        [rand(*a_shape), rand(*b_shape)],
        lambda a, b: swapped(a, ta) @ swapped(b, tb),
        ops=(op,),
        tol={"float32": 1e-5, "bfloat16": 4e-2},
        **kwargs,
    )


# Each size once as m, n and k against sizes of other kinds; the transposes take turns.
SIZES = [0, 1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65]
TURNS = [(m, SIZES[(i * 7 + 3) % 16], SIZES[(i * 5 + 1) % 16]) for i, m in enumerate(SIZES)]

CASES = [
    *(product(*size, *TRANSPOSES[i % 4]) for i, size in enumerate(TURNS)),
    *(product(33, 17, 65, *t, dtypes=NUMBERS if t == (False, True) else ALL_FLOATS, second=True) for t in TRANSPOSES),
    *(product(1, 70, 40, *t) for t in TRANSPOSES),  # one row: matrix times vector, all ways
    *(product(70, 1, 40, *t) for t in TRANSPOSES),
    *(product(3, 130, 9, *t) for t in TRANSPOSES),
    # Tiles of three vectors and tall ones of one, more rows of dot products than a tile, few steps, one wide strip.
    *(product(13, 21, 40, *t, dtypes=ALL_FLOATS) for t in TRANSPOSES),
    *(product(11, 45, 33, *t) for t in TRANSPOSES),
    *(product(12, 6, 90, *t) for t in TRANSPOSES),
    *(product(5, 9, 70, *t) for t in TRANSPOSES),
    *(product(4, 20, 60, *t) for t in TRANSPOSES),
    *(product(9, 130, 5, *t) for t in TRANSPOSES),
    *(product(900, 23, 70, *t, grad=False) for t in TRANSPOSES),
    *(product(7, 57, 256, *t, grad=False) for t in TRANSPOSES),  # one tile packs columns for the next
    product(1, 1, 1000, False, False),
    product(300, 280, 400, False, True, grad=False),  # several tasks, two depth blocks
    product(1600, 20, 30, True, False, grad=False),  # more rows than are packed at once
    product(20, 1600, 1300, False, False, grad=False),
    product(4, 0, 3, False, False),
    product(4, 3, 0, False, False),
    Case(
        "matmul_nan",
        tf.matmul,
        [np.array([[np.nan, 1.0], [np.inf, 0.0]]), np.array([[0.0, 1.0], [0.0, 2.0]])],
        lambda a, b: np.array([[np.nan, np.nan], [np.nan, np.inf]]),
        grad=False,
        ops=("MatMul",),
    ),
    Case(
        "matmul_int32_wraps",
        tf.matmul,
        [np.full([1, 2], 2**30, np.int32), np.full([2, 1], 2, np.int32)],
        lambda a, b: np.zeros([1, 1], np.int32),
        dtypes=(),
        ops=("MatMul",),
    ),
    Case(
        "matmul_int64",
        lambda a, b: tf.matmul(a, b, transpose_b=True),
        [ints(7, 5, low=-99, dtype="int64"), ints(9, 5, low=-99, dtype="int64")],
        lambda a, b: a @ b.T,
        dtypes=(),
        ops=("MatMul",),
    ),
    batch("batch_same", (3, 4, 5), (3, 5, 6), dtypes=NUMBERS),
    batch("batch_rank4_adjoint", (2, 3, 5, 4), (2, 3, 6, 5), True, True, second=True),
    batch("batch_adjoint_a", (2, 5, 4), (2, 5, 3), True, False),
    batch("batch_adjoint_b", (2, 4, 5), (2, 3, 5), False, True),
    batch("batch_broadcast", (2, 1, 4, 5), (3, 5, 2), second=True),
    batch("batch_broadcast_matrix", (4, 5), (3, 5, 2), dtypes=FLOATS),
    batch("batch_many", (40, 3, 4), (40, 4, 2)),
    batch("batch_large", (2, 90, 80), (2, 80, 70)),
    batch("batch_empty", (0, 3, 4), (0, 4, 2)),
    batch("batch_no_depth", (2, 3, 0), (2, 0, 2)),
    batch("batch_v1", (3, 4, 5), (3, 5, 6), fn=tf.batch_matmul, op="BatchMatMul", dtypes=ALL_FLOATS),
    batch(
        "batch_v1_adjoint",
        (3, 5, 4),
        (3, 6, 5),
        True,
        True,
        fn=lambda x, y: tf.batch_matmul(x, y, adj_x=True, adj_y=True),
        op="BatchMatMul",
    ),
    Case(
        "matvec",
        tf.linalg.matvec,
        [rand(2, 3, 4), rand(2, 4)],
        lambda a, b: np.einsum("bij,bj->bi", a, b),
    ),
    Case(
        "xw_plus_b",
        lambda x, w, b: tf.nn.xw_plus_b(x, w, b),
        [rand(5, 3), rand(3, 4), rand(4)],
        lambda x, w, b: x @ w + b,
    ),
    Case(
        "relu_layer",
        lambda x, w, b: tf.nn.relu_layer(x, w, b),
        [rand(5, 3), rand(3, 4), rand(4)],
        lambda x, w, b: np.maximum(x @ w + b, 0),
    ),
]


def placeholder(*shape, dtype=tf.float32):
    return tf.placeholder(dtype, shape)


def run_mismatch():
    a, b = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    with tf.Session() as sess:
        sess.run(tf.matmul(a, b), {a: np.ones([2, 2, 3]), b: np.ones([2, 4, 5])})


BAD = [
    Bad("inner", lambda: tf.matmul(placeholder(2, 3), placeholder(2, 3)), ValueError, "Dimensions must be equal"),
    Bad("vector", lambda: tf.matmul(placeholder(2, 3), placeholder(3)), ValueError, "rank"),
    Bad("scalar", lambda: tf.matmul(placeholder(2, 3), 1.0), ValueError, "rank"),
    Bad(
        "both_ways",
        lambda: tf.matmul(placeholder(2, 3), placeholder(2, 3), transpose_a=True, adjoint_a=True),
        ValueError,
        "Only one of transpose_a and adjoint_a",
    ),
    Bad("batches", lambda: tf.matmul(placeholder(2, 3, 4), placeholder(3, 4, 5)), ValueError, "2.*3"),
    Bad(
        "dtypes",
        lambda: tf.matmul(placeholder(2, 3), placeholder(3, 2, dtype=tf.float64)),
        TypeError,
        "float64",
    ),
    Bad("inner_at_run_time", run_mismatch, tf.errors.InvalidArgumentError, "Dimensions must be equal, but are 3 and 4"),
]
