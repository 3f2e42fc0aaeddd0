"""Diagonals and bands, eye, against NumPy's."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")


def diag(a):
    return np.diag(a.ravel()).reshape(a.shape * 2)


def diag_part(a):
    half = a.shape[: a.ndim // 2]
    n = int(np.prod(half))
    return np.diagonal(a.reshape(n, n)).reshape(half)


def matrix_diag(a):
    return a[..., None] * np.eye(a.shape[-1], dtype=a.dtype)


def set_diag(a, d):
    out = np.array(a)
    for i in range(min(a.shape[-2:])):
        out[..., i, i] = d[..., i]
    return out


def band(a, lower, upper):
    i, j = np.indices(a.shape[-2:])
    keep = ((lower < 0) | (i - j <= lower)) & ((upper < 0) | (j - i <= upper))
    return np.where(keep, a, np.zeros((), a.dtype))


def band_part(name, x, lower, upper, **kwargs):
    return Case(
        f"band_{name}",
        lambda t: tf.matrix_band_part(t, lower, upper),
        [x],
        lambda a: band(a, lower, upper),
        ops=("MatrixBandPart",),
        **kwargs,
    )


def diagonals(a):
    return np.diagonal(a, axis1=-2, axis2=-1)


CASES = [
    Case("diag", tf.diag, [rand(5)], diag, dtypes=MOVED, ops=("Diag",), second=True),
    Case("diag_matrix", tf.diag, [rand(2, 3)], diag),
    Case("diag_empty", tf.diag, [rand(0)], lambda a: np.zeros((0, 0))),
    Case("diag_part", tf.diag_part, [rand(5, 5)], diag_part, dtypes=MOVED, ops=("DiagPart",), second=True),
    Case("diag_part_rank_4", tf.diag_part, [rand(2, 3, 2, 3)], diag_part),
    Case("matrix_diag", tf.matrix_diag, [rand(2, 3, 4)], matrix_diag, dtypes=MOVED, ops=("MatrixDiag",), second=True),
    Case("matrix_diag_vector", tf.matrix_diag, [rand(17)], matrix_diag),
    Case("matrix_diag_part", tf.matrix_diag_part, [rand(3, 4, 4)], diagonals, dtypes=MOVED, ops=("MatrixDiagPart",)),
    Case("matrix_diag_part_wide", tf.matrix_diag_part, [rand(3, 2, 5)], diagonals, second=True),
    Case("matrix_diag_part_tall", tf.matrix_diag_part, [rand(5, 2)], diagonals),
    Case(
        "matrix_set_diag",
        tf.matrix_set_diag,
        [rand(3, 4, 4), rand(3, 4)],
        set_diag,
        dtypes=MOVED,
        ops=("MatrixSetDiag",),
        second=True,
    ),
    Case("matrix_set_diag_wide", tf.matrix_set_diag, [rand(2, 5), rand(2)], set_diag),
    Case("matrix_set_diag_tall", tf.matrix_set_diag, [rand(5, 2), rand(2)], set_diag),
    band_part("lower", rand(2, 5, 4), -1, 0, dtypes=MOVED, second=True),
    band_part("upper", rand(4, 17), 0, -1, dtypes=MOVED),
    band_part("diagonal", rand(4, 4), 0, 0),
    band_part("around", rand(6, 6), 1, 2),
    band_part("all", rand(3, 4), -1, -1),
    band_part("wide", rand(3, 4), 3, 4),
    Case(
        "band_fed",
        tf.matrix_band_part,
        [rand(4, 4), np.int32(1), np.int32(-1)],
        lambda a, lower, upper: band(a, 1, -1),
    ),
    Case("eye", lambda: tf.eye(3), [], lambda: np.eye(3), (), False),
    Case("eye_wide", lambda: tf.eye(2, 4, dtype=tf.int32), [], lambda: np.eye(2, 4, dtype=np.int32), (), False),
    Case("eye_batch", lambda: tf.eye(2, batch_shape=[3]), [], lambda: np.stack([np.eye(2)] * 3), (), False),
    Case("eye_fed", lambda n: tf.eye(n, 4), [np.int32(3)], lambda n: np.eye(3, 4), (), False),
]


def _run(lower, upper):
    with tf.Session() as sess:
        p, q = tf.placeholder(tf.int64, []), tf.placeholder(tf.int64, [])
        sess.run(tf.matrix_band_part(tf.zeros([3, 4]), p, q), {p: lower, q: upper})


BAD = [
    Bad("diag_scalar", lambda: tf.diag(1.0), ValueError, "rank at least 1"),
    Bad("part_odd", lambda: tf.diag_part(tf.zeros([2, 2, 2])), ValueError, "even"),
    Bad("part_shape", lambda: tf.diag_part(tf.zeros([2, 3])), ValueError, "must be equal"),
    Bad("matrix_part", lambda: tf.matrix_diag_part(tf.zeros([2])), ValueError, "rank at least 2"),
    Bad(
        "set_length",
        lambda: tf.matrix_set_diag(tf.zeros([2, 3]), tf.zeros([3])),
        ValueError,
        "diagonal must have shape",
    ),
    Bad("set_batch", lambda: tf.matrix_set_diag(tf.zeros([4, 2, 2]), tf.zeros([2])), ValueError, "diagonal must have"),
    Bad("band_rank", lambda: tf.matrix_band_part(tf.zeros([2]), 0, 0), ValueError, "rank at least 2"),
    Bad("run_lower", lambda: _run(4, 0), tf.errors.InvalidArgumentError, "num_lower"),
    Bad("run_upper", lambda: _run(0, 5), tf.errors.InvalidArgumentError, "num_upper"),
]
