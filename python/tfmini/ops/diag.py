"""Diagonals and bands of matrices; eye."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw, tensor_shape
from tfmini.autodiff import gradient
from tfmini.convert import constant
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = [
    "batch_matrix_band_part",
    "batch_matrix_diag",
    "batch_matrix_diag_part",
    "batch_matrix_set_diag",
    "diag",
    "diag_part",
    "eye",
    "matrix_band_part",
    "matrix_diag",
    "matrix_diag_part",
    "matrix_set_diag",
]


def diag(diagonal: Any, name: str | None = None) -> Tensor:
    """A tensor of shape diagonal.shape + diagonal.shape with `diagonal` on its diagonal, zeros elsewhere."""
    return raw.Diag(diagonal, name=name)


def diag_part(input: Any, name: str | None = None) -> Tensor:
    """The inverse of `diag`: `input` has an even rank, its shape repeats itself."""
    return raw.DiagPart(input, name=name)


def matrix_diag(diagonal: Any, name: str = "diag") -> Tensor:
    """[..., n] -> [..., n, n], the last dimension on the diagonal."""
    return raw.MatrixDiag(diagonal, name=name)


def matrix_diag_part(input: Any, name: str = "diag_part") -> Tensor:
    """The main diagonals, [..., min(m, n)], of matrices [..., m, n]."""
    return raw.MatrixDiagPart(input, name=name)


def matrix_set_diag(input: Any, diagonal: Any, name: str = "set_diag") -> Tensor:
    """Matrices [..., m, n] with their main diagonals replaced by `diagonal` [..., min(m, n)]."""
    return raw.MatrixSetDiag(input, diagonal, name=name)


def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """Matrices [..., m, n] with zeros outside a band around the diagonal.

    Kept are `num_lower` diagonals below and `num_upper` above the main one; negative: all of them.
    """
    index = dtypes.int64
    for n in (num_lower, num_upper):
        if isinstance(n, Tensor):
            index = n.dtype.base_dtype
    return raw.MatrixBandPart(input, num_lower, num_upper, Tindex=index, name=name)


# Names before TensorFlow 1.0.
batch_matrix_band_part = matrix_band_part
batch_matrix_diag = matrix_diag
batch_matrix_diag_part = matrix_diag_part
batch_matrix_set_diag = matrix_set_diag


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Identity matrices of shape batch_shape + [num_rows, num_columns]; square by default."""
    with name_scope(name, "eye", [num_rows, num_columns, batch_shape]):
        square = num_columns is None
        columns = num_rows if square else num_columns
        sizes = [_static(num_rows), _static(columns)]
        batch = [] if batch_shape is None else batch_shape
        dtype = dtypes.as_dtype(dtype).base_dtype
        if isinstance(batch, Tensor) or None in sizes:
            batch = convert_to_tensor(batch, dtypes.int32)
            shortest = raw.Minimum(num_rows, columns)
            ones = raw.Fill(_append(batch, shortest), constant(1, dtype))
            if square:
                return matrix_diag(ones)
            return matrix_set_diag(raw.Fill(_append(batch, num_rows, columns), constant(0, dtype)), ones)
        dims = tensor_shape.as_shape(batch).as_list()
        ones = raw.Fill([*dims, min(sizes)], constant(1, dtype))  # type: ignore[type-var]
        if square:
            return matrix_diag(ones)
        return matrix_set_diag(raw.Fill([*dims, *sizes], constant(0, dtype)), ones)


def _static(n: Any) -> int | None:
    return None if isinstance(n, Tensor) or hasattr(n, "_as_graph_element") else int(n)


def _append(batch: Tensor, *dims: Any) -> Tensor:
    return raw.ConcatV2([batch, raw.Pack(list(dims))], 0)


@gradient("Diag")
def _diag_grad(op: Operation, grad: Any) -> Tensor:
    return raw.DiagPart(grad)


@gradient("DiagPart")
def _diag_part_grad(op: Operation, grad: Any) -> Tensor:
    return raw.Diag(grad)


@gradient("MatrixDiag")
def _matrix_diag_grad(op: Operation, grad: Any) -> Tensor:
    return raw.MatrixDiagPart(grad)


@gradient("MatrixDiagPart")
def _matrix_diag_part_grad(op: Operation, grad: Any) -> Tensor:
    return raw.MatrixSetDiag(raw.ZerosLike(op.inputs[0]), grad)


@gradient("MatrixSetDiag")
def _matrix_set_diag_grad(op: Operation, grad: Any) -> list[Any]:
    return [raw.MatrixSetDiag(grad, raw.ZerosLike(op.inputs[1])), raw.MatrixDiagPart(grad)]


@gradient("MatrixBandPart")
def _matrix_band_part_grad(op: Operation, grad: Any) -> list[Any]:
    return [raw.MatrixBandPart(grad, op.inputs[1], op.inputs[2]), None, None]
