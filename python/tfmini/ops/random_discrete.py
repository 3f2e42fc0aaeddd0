"""Random choices: shuffles, crops and draws from a categorical distribution."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import not_differentiable
from tfmini.constant_value import constant_value
from tfmini.graph import Tensor, control_dependencies, convert_to_tensor, name_scope
from tfmini.random_seed import node_seeds

__all__ = ["categorical", "multinomial", "random_crop", "random_shuffle"]

not_differentiable("RandomShuffle", "Multinomial")


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The slices of `value` along its first dimension, in random order."""
    return raw.RandomShuffle(value, **node_seeds(seed), name=name)


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """A slice of shape `size` at a random offset.

    Sizes equal to those of `value` keep that dimension whole. Raises ValueError (InvalidArgumentError
    if it only shows at run time) if `size` exceeds the shape of `value`.
    """
    with name_scope(name, "random_crop", [value, size]) as scope:
        value = convert_to_tensor(value, name="value")
        size = convert_to_tensor(size, dtypes.int32, name="size")
        shape = raw.Shape(value)
        dims, sizes = value.shape, constant_value(size)
        if dims.is_fully_defined() and sizes is not None:
            if len(sizes) != dims.ndims or any(d < s for d, s in zip(dims.as_list(), sizes)):
                raise ValueError(f"Need value.shape >= size, got {dims} and {list(sizes)}")
        else:
            fits = raw.All(raw.GreaterEqual(shape, size), [0])
            check = raw.Assert(fits, ["Need value.shape >= size, got ", shape, size], summarize=1000)
            with control_dependencies([check]):
                shape = raw.Identity(shape, name="control_dependency")
        limit = raw.AddV2(raw.Sub(shape, size, name="sub"), 1, name="add")
        with name_scope("random_uniform"):
            low = convert_to_tensor(0, dtypes.int32, name="min")
            high = convert_to_tensor(dtypes.int32.max, dtypes.int32, name="max")
        drawn = raw.RandomUniformInt(raw.Shape(shape), low, high, **node_seeds(seed), name="random_uniform")
        return raw.Slice(value, raw.FloorMod(drawn, limit, name="mod"), size, name=scope)


def multinomial(
    logits: Any, num_samples: Any, seed: int | None = None, name: str | None = None, output_dtype: Any = None
) -> Tensor:
    """Draws class numbers, `num_samples` (int32 scalar) per row of `logits`.

    Args:
      logits: [batch, classes] unnormalised log-probabilities; classes of non-finite logits are never drawn.
      output_dtype: int64 (the default) or int32.

    Returns a tensor [batch, num_samples].
    """
    return _draw("multinomial", logits, num_samples, output_dtype, seed, name)


def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: int | None = None, name: str | None = None
) -> Tensor:
    """`multinomial` under its newer name."""
    return _draw("categorical", logits, num_samples, dtype, seed, name)


def _draw(kind: str, logits: Any, num_samples: Any, dtype: Any, seed: int | None, name: str | None) -> Tensor:
    with name_scope(name, kind, [logits]):
        logits = convert_to_tensor(logits, name="logits")
        dtype = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
        num_samples = convert_to_tensor(num_samples, dtypes.int32, name="Multinomial/num_samples")
        return raw.Multinomial(logits, num_samples, output_dtype=dtype, **node_seeds(seed))
