"""Random numbers: uniform, normal and truncated normal.

The generator is Philox4x32-10; the same seeds give TensorFlow's numbers, bit for bit on the CPU.
"""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import not_differentiable
from tfmini.graph import Tensor, convert_to_tensor, name_scope
from tfmini.random_seed import node_seeds
from tfmini.shape_tensor import shape_tensor

__all__ = ["random_normal", "random_uniform", "truncated_normal"]

not_differentiable("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal")


def random_uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers uniformly distributed in [minval, maxval).

    Args:
      shape: sizes, a TensorShape or an integer vector.
      minval, maxval: bounds, broadcastable to `shape` (scalars for integer dtypes). maxval is 1 by
        default for floats and must be given for integers.
      dtype: float16, bfloat16, float32, float64, int32 or int64.
      seed: see `tf.set_random_seed`.

    Integers are drawn modulo the range, which is slightly biased unless it is a power of two.
    Raises ValueError for another dtype or an integer dtype without maxval.
    """
    dtype = dtypes.as_dtype(dtype).base_dtype
    if not (dtype.is_floating or dtype in (dtypes.int32, dtypes.int64)):
        raise ValueError(f"random_uniform makes floats, int32 and int64, not {dtype.name}")
    if maxval is None:
        if dtype.is_integer:
            raise ValueError("Must specify maxval for integer dtype " + dtype.name)
        maxval = 1
    from_zero = type(minval) is int and minval == 0
    to_one = type(maxval) is int and maxval == 1
    with name_scope(name, "random_uniform", [shape, minval, maxval]) as scope:
        shape = shape_tensor(shape)
        if dtype.is_floating and from_zero and to_one:
            return raw.RandomUniform(shape, dtype=dtype, **node_seeds(seed))
        minval = convert_to_tensor(minval, dtype, name="min")
        maxval = convert_to_tensor(maxval, dtype, name="max")
        if dtype.is_integer:
            return raw.RandomUniformInt(shape, minval, maxval, **node_seeds(seed), name=scope)
        unit = raw.RandomUniform(shape, dtype=dtype, **node_seeds(seed))
        if from_zero:
            return raw.Mul(unit, maxval)
        return raw.AddV2(raw.Mul(unit, raw.Sub(maxval, minval, name="sub"), name="mul"), minval, name=scope)


def random_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers normally distributed around `mean` with standard deviation `stddev` (both broadcastable to `shape`)."""
    with name_scope(name, "random_normal", [shape, mean, stddev]) as scope:
        return _normal(raw.RandomStandardNormal, shape, mean, stddev, dtype, seed, scope)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """As `random_normal`, but numbers more than two standard deviations off the mean are drawn again."""
    with name_scope(name, "truncated_normal", [shape, mean, stddev]) as scope:
        return _normal(raw.TruncatedNormal, shape, mean, stddev, dtype, seed, scope)


def _normal(standard: Any, shape: Any, mean: Any, stddev: Any, dtype: Any, seed: int | None, scope: str) -> Tensor:
    dtype = dtypes.as_dtype(dtype).base_dtype
    shape = shape_tensor(shape)
    mean = convert_to_tensor(mean, dtype, name="mean")
    stddev = convert_to_tensor(stddev, dtype, name="stddev")
    drawn = standard(shape, dtype=dtype, **node_seeds(seed))
    return raw.AddV2(raw.Mul(drawn, stddev, name="mul"), mean, name=scope)
