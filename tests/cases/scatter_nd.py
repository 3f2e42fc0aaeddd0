"""scatter_nd and sparse_to_dense, against NumPy's ufunc.at."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand


def scattered(indices, updates, shape):
    out = np.zeros(shape, np.asarray(updates).dtype)
    np.add.at(out, tuple(np.moveaxis(np.asarray(indices), -1, 0)), updates)
    return out


def scatter(name, indices, updates, shape, **kwargs):
    indices = np.asarray(indices, np.int32)
    return Case(
        f"scatter_nd_{name}",
        lambda i, u: tf.scatter_nd(i, u, shape),
        [indices, updates],
        lambda i, u: scattered(i, u, shape),
        ops=("ScatterNd",),
        **kwargs,
    )


def dense(indices, shape, values, default):
    out = np.full(shape, default, np.asarray(values).dtype)
    out[tuple(np.moveaxis(np.asarray(indices).reshape(-1, len(shape)), -1, 0))] = values
    return out


CASES = [
    scatter("elements", [[1, 2], [0, 0], [3, 1]], rand(3), [4, 3], dtypes=(*ALL_FLOATS, "int32", "int8"), second=True),
    scatter("repeated", [[1], [3], [1], [1]], rand(4), [5], tol={"float16": 4e-3, "bfloat16": 3e-2}),
    scatter("rows", [[2], [0], [2]], rand(3, 5), [4, 5]),
    scatter("blocks", [[[0, 1]], [[1, 2]]], rand(2, 1, 4), [2, 3, 4]),
    scatter("nothing", np.zeros((0, 1)), rand(0, 3), [2, 3]),
    scatter("many", np.arange(5000)[:, None] % 700, rand(5000, 65), [700, 65], tol={"float32": 1e-4}),
    Case(
        "scatter_nd_fed",
        tf.scatter_nd,
        [np.int64([[1], [0]]), rand(2), np.int64([3])],
        lambda i, u, s: scattered(i, u, [3]),
    ),
    Case(
        "sparse_to_dense",
        lambda i, v, d: tf.sparse_to_dense(i, [3, 4], v, d),
        [np.int64([[0, 1], [2, 0], [2, 3]]), rand(3), rand()],
        lambda i, v, d: dense(i, (3, 4), v, d),
        dtypes=(*ALL_FLOATS, "int32", "bool"),
        ops=("SparseToDense",),
    ),
    Case(
        "sparse_to_dense_vector",
        lambda i, v: tf.sparse_to_dense(i, [5], v),
        [np.int32([1, 3]), rand(2)],
        lambda i, v: dense(i, (5,), v, 0),
    ),
    Case(
        "sparse_to_dense_one_value",
        lambda i, v: tf.sparse_to_dense(i, [5], v),
        [np.int32([1, 3]), rand()],
        lambda i, v: dense(i, (5,), v, 0),
    ),
    Case(
        "sparse_to_dense_scalar",
        lambda v: tf.sparse_to_dense(2, [4], v, -1.0),
        [rand()],
        lambda v: dense([[2]], (4,), v, -1.0),
    ),
    Case(
        "sparse_to_dense_unordered",
        lambda i, v: tf.sparse_to_dense(i, [5], v, validate_indices=False),
        [np.int32([3, 1]), rand(2)],
        lambda i, v: dense(i, (5,), v, 0),
    ),
    Case(
        "sparse_to_dense_strings",
        lambda i: tf.sparse_to_dense(i, [3], ["a"], ""),
        [np.int32([1])],
        lambda i: np.array([b"", b"a", b""]),
        dtypes=(),
        grad=False,
    ),
]


def _scatter(indices, shape):
    with tf.Session() as sess:
        i, s = tf.placeholder(tf.int32, [1, 1]), tf.placeholder(tf.int32, [1])
        sess.run(tf.scatter_nd(i, [1.0], s), {i: indices, s: shape})


def _dense(indices, values=1.0):
    with tf.Session() as sess:
        sess.run(tf.sparse_to_dense(indices, [4], values))


INVALID = tf.errors.InvalidArgumentError

BAD = [
    Bad("updates", lambda: tf.scatter_nd([[1]], [[1.0, 2.0]], [4]), ValueError, "updates must have shape"),
    Bad("depth", lambda: tf.scatter_nd([[1, 1]], [1.0], [4]), ValueError, "name 2 dimensions"),
    Bad("shape_negative", lambda: tf.scatter_nd([[1]], [1.0], [-4]), ValueError, "negative"),
    Bad("run_index", lambda: _scatter([[4]], [4]), INVALID, r"indices\[0\] = \[4\]"),
    Bad("run_negative", lambda: _scatter([[-1]], [4]), INVALID, r"indices\[0\] = \[-1\]"),
    Bad("run_empty", lambda: _scatter([[0]], [0]), INVALID, "does not index"),
    Bad("dense_rank", lambda: tf.sparse_to_dense([[1, 1]], [4], [1.0]), ValueError, "do not fit"),
    Bad("dense_count", lambda: tf.sparse_to_dense([1, 2], [4], [1.0, 2.0, 3.0]), ValueError, "must agree"),
    Bad("run_order", lambda: _dense([2, 1]), INVALID, "out of order"),
    Bad("run_repeated", lambda: _dense([2, 2]), INVALID, "repeated"),
    Bad("run_range", lambda: _dense([9]), INVALID, "does not index"),
]
