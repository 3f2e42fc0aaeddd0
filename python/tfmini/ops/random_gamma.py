"""Gamma and Poisson distributed numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import dtypes, raw
from tfmini.autodiff import gradient, not_differentiable
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope
from tfmini.random_seed import node_seeds
from tfmini.shape_tensor import shape_tensor

__all__ = ["random_gamma", "random_poisson"]

not_differentiable("RandomPoisson", "RandomPoissonV2")


@gradient("RandomGamma")
def _random_gamma_grad(op: Operation, grad: Any) -> Any:
    raise LookupError(f"tfmini has no gradient of random_gamma with respect to alpha ('{op.name}')")


def random_gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Draws `shape` numbers from each gamma distribution of shape `alpha` and rate `beta` (1 by default).

    `alpha` and `beta` broadcast against each other; the result has shape `shape + broadcast.shape`.
    dtype: float16, float32 or float64.
    """
    dtype = dtypes.as_dtype(dtype).base_dtype
    with name_scope(name, "random_gamma", [shape, alpha, beta]):
        shape = shape_tensor(shape)
        alpha = convert_to_tensor(alpha, dtype, name="alpha")
        beta = convert_to_tensor(1 if beta is None else beta, dtype, name="beta")
        alpha = raw.AddV2(alpha, raw.ZerosLike(beta), name="add")
        drawn = raw.RandomGamma(shape, alpha, **node_seeds(seed))
        # Zero is outside the distribution's support.
        return raw.Maximum(np.finfo(dtype.as_numpy_dtype).tiny, raw.RealDiv(drawn, beta, name="truediv"))


def random_poisson(
    lam: Any, shape: Any, dtype: Any = dtypes.float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Draws `shape` numbers from each Poisson distribution of rate `lam`; shape `shape + lam.shape`.

    dtype: float16, float32, float64, int32 or int64.
    """
    with name_scope(name, "random_poisson", [lam, shape]):
        shape = shape_tensor(shape)
        return raw.RandomPoissonV2(shape, lam, dtype=dtype, **node_seeds(seed))
