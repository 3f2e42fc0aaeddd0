"""Linear algebra on matrices [..., n, n]: inverses, determinants, Cholesky factors, linear systems; cross products.

float32 and float64. Matrices of the leading dimensions are independent of each other.
"""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = [
    "batch_cholesky",
    "batch_matrix_determinant",
    "batch_matrix_inverse",
    "batch_matrix_solve",
    "batch_matrix_triangular_solve",
    "cholesky",
    "cholesky_solve",
    "cross",
    "logdet",
    "matrix_determinant",
    "matrix_inverse",
    "matrix_solve",
    "matrix_triangular_solve",
    "slogdet",
    "trace",
]


def matrix_inverse(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverses of square matrices (of their transposes if `adjoint`). Singular ones raise InvalidArgumentError."""
    return raw.MatrixInverse(input, adjoint=adjoint, name=name)


def matrix_determinant(input: Any, name: str | None = None) -> Tensor:
    """The determinants of square matrices: [..., n, n] -> [...]."""
    return raw.MatrixDeterminant(input, name=name)


def slogdet(input: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(sign, log |determinant|) of square matrices; the sign of a singular one is 0, its logarithm -inf."""
    return raw.LogMatrixDeterminant(input, name=name)


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """log(determinant) of symmetric positive definite matrices, by way of their Cholesky factors."""
    with name_scope(name, "logdet", [matrix]):
        diagonal = raw.MatrixDiagPart(raw.Cholesky(matrix))
        return raw.Mul(2.0, raw.Sum(raw.Log(diagonal), [-1]))


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangular L with L L' = input, for symmetric positive definite matrices.

    Only the lower triangle of `input` is read. Raises InvalidArgumentError if a matrix is not positive definite.
    """
    return raw.Cholesky(input, name=name)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """Solves A x = rhs, [..., n, m], from the Cholesky factors `chol` of A."""
    with name_scope(name, "cholesky_solve", [chol, rhs]):
        y = raw.MatrixTriangularSolve(chol, rhs, adjoint=False, lower=True)
        return raw.MatrixTriangularSolve(chol, y, adjoint=True, lower=True)


def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Solves matrix x = rhs (its transpose if `adjoint`) for right-hand sides [..., n, m]."""
    return raw.MatrixSolve(matrix, rhs, adjoint=adjoint, name=name)


def matrix_triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """Solves matrix x = rhs, where `matrix` is lower (else upper) triangular; its other triangle is not read."""
    return raw.MatrixTriangularSolve(matrix, rhs, lower=lower, adjoint=adjoint, name=name)


# Names before TensorFlow 1.0.
batch_cholesky = cholesky
batch_matrix_determinant = matrix_determinant
batch_matrix_inverse = matrix_inverse
batch_matrix_solve = matrix_solve
batch_matrix_triangular_solve = matrix_triangular_solve


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sums of the diagonals of matrices: [..., m, n] -> [...]."""
    with name_scope(name, "Trace", [x]) as scope:
        return raw.Sum(raw.MatrixDiagPart(convert_to_tensor(x, name="x")), [-1], name=scope)


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """Cross products of vectors [..., 3] of one shape."""
    return raw.Cross(a, b, name=name)


# --- gradients ------------------------------------------------------------------------------------


def _matmul(a: Tensor, b: Tensor, adj_x: bool = False, adj_y: bool = False) -> Tensor:
    return raw.BatchMatMulV2(a, b, adj_x=adj_x, adj_y=adj_y)


def _over_matrices(t: Tensor) -> Tensor:
    return raw.ExpandDims(raw.ExpandDims(t, -1), -1)


@gradient("MatrixInverse")
def _matrix_inverse_grad(op: Operation, grad: Tensor) -> Tensor:
    inverse = op.outputs[0]
    if op.get_attr("adjoint"):
        return raw.Neg(_matmul(inverse, _matmul(grad, inverse, adj_x=True)))
    return raw.Neg(_matmul(inverse, _matmul(grad, inverse, adj_y=True), adj_x=True))


@gradient("MatrixDeterminant")
def _matrix_determinant_grad(op: Operation, grad: Tensor) -> Tensor:
    inverse = raw.MatrixInverse(op.inputs[0], adjoint=True)
    return raw.Mul(_over_matrices(raw.Mul(grad, op.outputs[0])), inverse)


@gradient("LogMatrixDeterminant")
def _log_matrix_determinant_grad(op: Operation, _: Tensor, grad: Tensor) -> Tensor:
    return raw.Mul(_over_matrices(grad), raw.MatrixInverse(op.inputs[0], adjoint=True))


@gradient("Cholesky")
def _cholesky_grad(op: Operation, grad: Tensor) -> Tensor:
    """Iain Murray, Differentiation of the Cholesky decomposition (2016), eq. 10; symmetric."""
    factor = op.outputs[0]
    middle = _matmul(factor, grad, adj_x=True)
    middle = raw.MatrixSetDiag(middle, raw.Mul(0.5, raw.MatrixDiagPart(middle)))
    middle = raw.MatrixBandPart(middle, convert_to_tensor(-1, dtypes.int64), convert_to_tensor(0, dtypes.int64))
    # L^-T middle L^-1, by two solves.
    left = raw.MatrixTriangularSolve(factor, middle, lower=True, adjoint=True)
    flipped = raw.MatrixTriangularSolve(factor, _transposed(left), lower=True, adjoint=True)
    return raw.Mul(0.5, raw.Add(flipped, _transposed(flipped)))


def _transposed(x: Tensor) -> Tensor:
    rank = x.shape.ndims
    if rank is not None:
        return raw.Transpose(x, [*range(rank - 2), rank - 1, rank - 2])
    rank = raw.Rank(x)
    last = raw.Pack([raw.Sub(rank, 1), raw.Sub(rank, 2)])
    return raw.Transpose(x, raw.ConcatV2([raw.Range(0, raw.Sub(rank, 2), 1), last], 0))


@gradient("MatrixSolve")
def _matrix_solve_grad(op: Operation, grad: Tensor) -> list[Tensor]:
    adjoint = op.get_attr("adjoint")
    for_rhs = raw.MatrixSolve(op.inputs[0], grad, adjoint=not adjoint)
    return [_for_matrix(for_rhs, op.outputs[0], adjoint), for_rhs]


@gradient("MatrixTriangularSolve")
def _matrix_triangular_solve_grad(op: Operation, grad: Tensor) -> list[Tensor]:
    adjoint, lower = op.get_attr("adjoint"), op.get_attr("lower")
    for_rhs = raw.MatrixTriangularSolve(op.inputs[0], grad, lower=lower, adjoint=not adjoint)
    below, above = (convert_to_tensor(n, dtypes.int64) for n in ((-1, 0) if lower else (0, -1)))
    return [raw.MatrixBandPart(_for_matrix(for_rhs, op.outputs[0], adjoint), below, above), for_rhs]


def _for_matrix(for_rhs: Tensor, solution: Tensor, adjoint: bool) -> Tensor:
    first, second = (solution, for_rhs) if adjoint else (for_rhs, solution)
    return raw.Neg(_matmul(first, second, adj_y=True))


@gradient("Cross")
def _cross_grad(op: Operation, grad: Tensor) -> list[Tensor]:
    a, b = op.inputs
    return [raw.Cross(b, grad), raw.Cross(grad, a)]
