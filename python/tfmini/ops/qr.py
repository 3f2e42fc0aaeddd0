"""QR decompositions, as a host op: LAPACK's, through NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor
from tfmini.host_ops import register_host_op

__all__ = ["qr"]


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The QR decompositions of matrices.

    Args:
      input: [..., M, N], floating.
      full_matrices: whether q is square.

    Returns:
      q [..., M, P] with orthonormal columns and r [..., P, N], upper triangular, whose product is `input`; P is M if
      `full_matrices`, else min(M, N).
    """
    return raw.Qr(input, full_matrices=full_matrices, name=name)


@gradient("Qr")
def _qr_grad(op: Operation, *grads: Any) -> Any:
    raise NotImplementedError(f"The gradient of Qr is not implemented (node '{op.name}'); use tf.stop_gradient on it")


def _qr(attrs: dict[str, Any], a: np.ndarray) -> list[np.ndarray]:
    work = a.astype(np.float32) if a.dtype == np.float16 else a
    q, r = np.linalg.qr(work, mode="complete" if attrs["full_matrices"] else "reduced")
    return [q.astype(a.dtype, copy=False), r.astype(a.dtype, copy=False)]


register_host_op("Qr", _qr)
