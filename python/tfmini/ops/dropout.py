"""dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import raw
from tfmini.graph import Tensor, convert_to_tensor, name_scope
from tfmini.random_seed import node_seeds
from tfmini.shape_tensor import shape_tensor

__all__ = ["dropout"]

_NUMBERS = (int, float, np.number)


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
    rate: Any = None,
) -> Tensor:
    """Sets elements of `x` to 0 with probability `rate` and scales the others by 1 / (1 - rate).

    keep_prob: 1 - rate, the older way to say it. Either may be a scalar tensor.
    noise_shape: a shape that broadcasts to that of `x`: along its dimensions of size 1 elements are kept or dropped
      together.
    seed: see `tf.set_random_seed`; the same seeds drop what TensorFlow drops.

    Nothing happens if `rate` is the number 0. Raises ValueError if `x` is not floating point or `rate` is not in
    [0, 1).
    """
    if rate is not None and keep_prob is not None:
        raise ValueError("Cannot specify both 'rate' and 'keep_prob'")
    if rate is None and keep_prob is None:
        raise ValueError("You must provide a rate to dropout.")
    if rate is None:
        rate = 1 - keep_prob if isinstance(keep_prob, _NUMBERS) else None
    with name_scope(name, "dropout", [x]):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_floating:
            raise ValueError(
                f"x has to be a floating point tensor since it's going to be scaled. Got a {x.dtype.name} tensor."
            )
        if isinstance(rate, _NUMBERS):
            if not 0 <= rate < 1:
                raise ValueError(f"rate must be a scalar tensor or a float in the range [0, 1), got {float(rate):g}")
            if rate == 0:
                return x
        dtype = x.dtype.base_dtype
        # A known rate gives the scale in double precision, as in TensorFlow.
        scale = convert_to_tensor(1 / (1 - rate), dtype, name="scale") if isinstance(rate, _NUMBERS) else None
        if rate is None:
            keep = _scalar(convert_to_tensor(keep_prob, dtype, name="keep_prob"))
            rate = raw.Sub(1.0, keep)
        else:
            rate = _scalar(convert_to_tensor(rate, dtype, name="rate"))
        with name_scope("random_uniform"):
            uniform = raw.RandomUniform(_noise_shape(x, noise_shape), dtype=dtype, **node_seeds(seed))
        if scale is None:
            scale = raw.RealDiv(1.0, raw.Sub(1.0, rate))
        mask = raw.Cast(raw.GreaterEqual(uniform, rate), DstT=dtype)
        out = raw.Mul(raw.Mul(x, scale, name="mul"), mask, name="mul")
        out.set_shape(x.shape)
        return out


def _scalar(t: Tensor) -> Tensor:
    t.shape.assert_has_rank(0)
    return t


def _noise_shape(x: Tensor, noise_shape: Any) -> Any:
    if noise_shape is None:
        dims = x._dims()
        return raw.Shape(x) if dims is None or None in dims else list(dims)
    if isinstance(noise_shape, (list, tuple)) and any(d is None for d in noise_shape):
        # None takes the size of x.
        if x.shape.ndims != len(noise_shape):
            raise ValueError(
                f"noise_shape {noise_shape} has unknown dimensions, so x must have rank {len(noise_shape)}"
            )
        sizes = [s if d is None else d for d, s in zip(noise_shape, x._dims() or ())]
        if None in sizes:
            shape = raw.Unpack(raw.Shape(x), num=len(sizes))
            sizes = [shape[i] if d is None else d for i, d in enumerate(sizes)]
        return shape_tensor(sizes)
    return shape_tensor(noise_shape)
