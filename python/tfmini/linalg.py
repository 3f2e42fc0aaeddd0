"""`tf.linalg`: matrix products and what belongs to them."""

from tfmini.ops.contraction import einsum, tensordot
from tfmini.ops.matmul import matmul, matvec
from tfmini.ops.transpose import matrix_transpose

__all__ = ["einsum", "matmul", "matrix_transpose", "matvec", "tensordot"]
