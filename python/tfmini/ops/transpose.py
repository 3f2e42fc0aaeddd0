"""transpose, matrix_transpose, invert_permutation."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import raw
from tfmini.autodiff import gradient, not_differentiable
from tfmini.constant_value import constant_value
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = [
    "batch_matrix_transpose",
    "invert_permutation",
    "matrix_transpose",
    "transpose",
]

not_differentiable("InvertPermutation")


def transpose(a: Any, perm: Any = None, name: str = "transpose", conjugate: bool = False) -> Tensor:
    """Permutes dimensions: dimension i of the result is dimension perm[i] of `a`.

    Without `perm` the order is reversed. `conjugate` changes complex tensors only.
    """
    with name_scope(name, "transpose", [a]) as scope:
        a = convert_to_tensor(a, name="a")
        if perm is None:
            dims = a._dims()
            if dims is None:
                perm = raw.Range(raw.Sub(raw.Rank(a), 1, name="sub"), -1, -1)
            else:
                perm = list(range(len(dims)))[::-1]
                if not perm:
                    perm = convert_to_tensor(perm, "int32", name="perm")
        out = raw.Transpose(a, perm, name=scope)
        return raw.Conj(out) if conjugate and a.dtype.is_complex else out


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """Swaps the last two dimensions of `a` (rank at least 2)."""
    with name_scope(name, values=[a]):
        a = convert_to_tensor(a, name="a")
        dims = a._dims()
        perm: Any
        if dims is not None:
            if len(dims) < 2:
                raise ValueError(
                    f"Argument 'a' should be a (batch) matrix, with rank at least 2. Received shape {a.shape}"
                )
            n = len(dims)
            perm = [*range(n - 2), n - 1, n - 2]
        else:
            rank = raw.Rank(a)
            outer = raw.Range(0, raw.Sub(rank, 2), 1)
            swapped = raw.Pack([raw.Sub(rank, 1), raw.Sub(rank, 2)])
            perm = raw.ConcatV2([outer, swapped], 0)
        return transpose(a, perm, conjugate=conjugate)


# Names before TensorFlow 1.0.
batch_matrix_transpose = matrix_transpose


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The inverse y of a permutation: y[x[i]] == i. Raises InvalidArgumentError if x is none."""
    return raw.InvertPermutation(x, name=name)


@gradient("Transpose")
def _transpose_grad(op: Operation, grad: Any) -> list[Any]:
    perm = op.inputs[1]
    known = constant_value(perm)
    if known is not None:
        return [raw.Transpose(grad, np.argsort(known % max(len(known), 1))), None]
    # InvertPermutation does not count from the back.
    size = raw.Size(perm, out_type=perm.dtype)
    return [raw.Transpose(grad, raw.InvertPermutation(raw.FloorMod(perm, size))), None]
