"""`tf.linalg`: matrix products, linear systems and what belongs to them."""

from tfmini.ops.clip import global_norm
from tfmini.ops.contraction import einsum, tensordot
from tfmini.ops.diag import diag as tensor_diag
from tfmini.ops.diag import diag_part as tensor_diag_part
from tfmini.ops.diag import eye
from tfmini.ops.diag import matrix_band_part as band_part
from tfmini.ops.diag import matrix_diag as diag
from tfmini.ops.diag import matrix_diag_part as diag_part
from tfmini.ops.diag import matrix_set_diag as set_diag
from tfmini.ops.linalg import cholesky, cholesky_solve, cross, logdet, slogdet, trace
from tfmini.ops.linalg import matrix_determinant as det
from tfmini.ops.linalg import matrix_inverse as inv
from tfmini.ops.linalg import matrix_solve as solve
from tfmini.ops.linalg import matrix_triangular_solve as triangular_solve
from tfmini.ops.matmul import matmul, matvec
from tfmini.ops.norm import l2_normalize, norm
from tfmini.ops.qr import qr
from tfmini.ops.transpose import matrix_transpose
from tfmini.ops.transpose import matrix_transpose as adjoint
from tfmini.ops.transpose import matrix_transpose as transpose

__all__ = [
    "adjoint",
    "band_part",
    "cholesky",
    "cholesky_solve",
    "cross",
    "det",
    "diag",
    "diag_part",
    "einsum",
    "eye",
    "global_norm",
    "inv",
    "l2_normalize",
    "logdet",
    "matmul",
    "matrix_transpose",
    "matvec",
    "norm",
    "qr",
    "set_diag",
    "slogdet",
    "solve",
    "tensor_diag",
    "tensor_diag_part",
    "tensordot",
    "trace",
    "transpose",
    "triangular_solve",
]
