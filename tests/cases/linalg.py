"""Inverses, determinants, Cholesky factors, linear systems, traces, cross products."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, ints, rand

_TOL = {"float32": 2e-4, "float64": 1e-10}


def _well(*shape, diagonal=3):
    """Well-conditioned matrices with rows that need exchanging."""
    a = rand(*shape, low=-1, high=1) + diagonal * np.eye(shape[-1])
    return np.roll(a, 1, axis=-2)


def _spd(t):
    return tf.matmul(t, t, transpose_b=True) + tf.eye(3, dtype=t.dtype)


def _np_spd(a):
    return a @ np.swapaxes(a, -1, -2) + np.eye(3)


def _t(a):
    return np.swapaxes(a, -1, -2)


_LARGE_SPD = np.eye(150) + 1e-3 * np.cov(rand(150, 40))
_WAYS = [(lower, adjoint) for lower in (True, False) for adjoint in (True, False)]
_LOWER = np.tril(rand(2, 4, 4)) + 2 * np.eye(4)
_UPPER = _t(_LOWER)

CASES = [
    Case(
        "inverse",
        lambda x: [tf.matrix_inverse(x), tf.matrix_inverse(x, adjoint=True)],
        [_well(5, 5)],
        lambda a: [np.linalg.inv(a), np.linalg.inv(a.T)],
        tol=_TOL,
        ops=("MatrixInverse",),
        second=True,
    ),
    Case("inverse_batch", tf.matrix_inverse, [_well(2, 3, 4, 4)], np.linalg.inv, tol=_TOL),
    Case("inverse_large", tf.matrix_inverse, [_well(33, 33)], np.linalg.inv, tol=_TOL, grad=False),
    # Too large for one block of threads: factored by panels on a GPU.
    Case("inverse_panels", tf.matrix_inverse, [_well(2, 150, 150, diagonal=20)], np.linalg.inv, tol=_TOL, grad=False),
    Case("inverse_1x1", tf.matrix_inverse, [_well(1, 1)], np.linalg.inv, tol=_TOL),
    Case("inverse_empty", tf.matrix_inverse, [np.zeros([0, 3, 3])], lambda a: a),
    Case(
        "determinant",
        tf.matrix_determinant,
        [_well(3, 4, 4)],
        np.linalg.det,
        tol=_TOL,
        ops=("MatrixDeterminant",),
        second=True,
    ),
    Case("determinant_singular", tf.matrix_determinant, [np.ones([3, 3])], lambda a: 0.0, grad=False),
    Case("determinant_of_nothing", tf.matrix_determinant, [np.zeros([0, 0])], lambda a: 1.0, grad=False),
    Case(
        "slogdet",
        lambda x: list(tf.linalg.slogdet(x)),
        [_well(3, 4, 4)],
        lambda a: list(np.linalg.slogdet(a)),
        tol=_TOL,
        ops=("LogMatrixDeterminant",),
    ),
    Case(
        "slogdet_panels",
        lambda x: list(tf.linalg.slogdet(x)),
        [_well(130, 130, diagonal=20)],
        lambda a: list(np.linalg.slogdet(a)),
        tol=_TOL,
        grad=False,
    ),
    Case(
        "logdet",
        lambda x: tf.linalg.logdet(_spd(x)),
        [rand(2, 3, 3)],
        lambda a: np.linalg.slogdet(_np_spd(a))[1],
        tol=_TOL,
    ),
    Case(
        "cholesky",
        lambda x: tf.cholesky(_spd(x)),
        [rand(2, 3, 3)],
        lambda a: np.linalg.cholesky(_np_spd(a)),
        tol=_TOL,
        ops=("Cholesky",),
        second=True,
    ),
    Case(
        "cholesky_panels",
        tf.cholesky,
        [_LARGE_SPD],
        np.linalg.cholesky,
        tol=_TOL,
        grad=False,
    ),
    Case(
        "cholesky_reads_lower",
        tf.cholesky,
        [np.array([[4.0, 99], [2, 5]])],
        lambda a: np.array([[2.0, 0], [1, 2]]),
        grad=False,
    ),
    Case(
        "cholesky_solve",
        lambda x, b: tf.cholesky_solve(tf.cholesky(_spd(x)), b),
        [rand(3, 3), rand(3, 2)],
        lambda a, b: np.linalg.solve(_np_spd(a), b),
        tol=_TOL,
    ),
    Case(
        "solve",
        lambda a, b: [tf.matrix_solve(a, b), tf.matrix_solve(a, b, adjoint=True)],
        [_well(2, 4, 4), rand(2, 4, 3)],
        lambda a, b: [np.linalg.solve(a, b), np.linalg.solve(_t(a), b)],
        tol=_TOL,
        ops=("MatrixSolve",),
        second=True,
    ),
    Case(
        "solve_panels",
        lambda a, b: [tf.matrix_solve(a, b), tf.matrix_solve(a, b, adjoint=True)],
        [_well(150, 150, diagonal=20), rand(150, 37)],
        lambda a, b: [np.linalg.solve(a, b), np.linalg.solve(_t(a), b)],
        tol=_TOL,
        grad=False,
    ),
    Case("solve_no_rhs", tf.matrix_solve, [_well(3, 3), np.zeros([3, 0])], lambda a, b: b),
    Case(
        "triangular_lower",
        lambda a, b: [tf.matrix_triangular_solve(a, b), tf.matrix_triangular_solve(a, b, adjoint=True)],
        [_LOWER, rand(2, 4, 3)],
        lambda a, b: [np.linalg.solve(np.tril(a), b), np.linalg.solve(_t(np.tril(a)), b)],
        tol=_TOL,
        ops=("MatrixTriangularSolve",),
        second=True,
    ),
    Case(
        "triangular_upper",
        lambda a, b: [tf.matrix_triangular_solve(a, b, False), tf.matrix_triangular_solve(a, b, False, True)],
        [_UPPER + np.tril(np.ones([4, 4]), -1), rand(2, 4, 3)],
        lambda a, b: [np.linalg.solve(np.triu(a), b), np.linalg.solve(_t(np.triu(a)), b)],
        tol=_TOL,
    ),
    Case(
        "triangular_panels",
        lambda a, b: [tf.matrix_triangular_solve(a, b, *how) for how in _WAYS],
        [_LARGE_SPD, rand(150, 5)],
        lambda a, b: [
            np.linalg.solve(_t(triangle) if adjoint else triangle, b)
            for lower, adjoint in _WAYS
            for triangle in [np.tril(a) if lower else np.triu(a)]
        ],
        tol=_TOL,
        grad=False,
    ),
    Case("trace", tf.trace, [rand(2, 3, 4)], lambda a: np.trace(a, axis1=1, axis2=2)),
    Case(
        "cross",
        tf.cross,
        [rand(4, 5, 3), rand(4, 5, 3)],
        np.cross,
        ops=("Cross",),
        second=True,
        dtypes=("float32", "float64", "float16", "int32"),
    ),
    Case("cross_vector", tf.cross, [rand(3), rand(3)], np.cross),
    Case(
        "cross_int8",
        tf.cross,
        [ints(2, 3, high=7, dtype="int8"), ints(2, 3, high=7, dtype="int8")],
        lambda a, b: np.cross(a, b).astype(np.int8),
        dtypes=(),
        grad=False,
    ),
]


def _run(fn):
    def run():
        with tf.Session() as sess:
            sess.run(fn())

    return run


_INVALID = tf.errors.InvalidArgumentError
BAD = [
    Bad("not_square", lambda: tf.matrix_inverse(np.zeros([2, 3])), ValueError, "square"),
    Bad("vector", lambda: tf.matrix_determinant(np.zeros([3])), ValueError, "rank"),
    Bad("ints", lambda: tf.matrix_inverse(np.eye(2, dtype=np.int32)), TypeError, "int32"),
    Bad("singular", _run(lambda: tf.matrix_inverse(np.ones([2, 2]))), _INVALID, "not invertible"),
    Bad("solve_singular", _run(lambda: tf.matrix_solve(np.zeros([2, 2]), np.ones([2, 1]))), _INVALID, "not invertible"),
    Bad(
        "triangle_singular",
        _run(lambda: tf.matrix_triangular_solve(np.tri(2, k=-1), np.ones([2, 1]))),
        _INVALID,
        "not invertible",
    ),
    Bad("not_definite", _run(lambda: tf.cholesky(-np.eye(3))), _INVALID, "positive definite"),
    Bad("nan", _run(lambda: tf.cholesky(np.full([2, 2], np.nan))), _INVALID, "positive definite"),
    Bad("solve_rows", lambda: tf.matrix_solve(np.eye(3), np.ones([2, 1])), ValueError, "not compatible"),
    Bad("solve_ranks", lambda: tf.matrix_solve(np.eye(3), np.ones([2, 3, 1])), ValueError, "rank"),
    Bad("cross_of_four", lambda: tf.cross([1.0, 2, 3, 4], [1.0, 2, 3, 4]), ValueError, "3-element"),
]
