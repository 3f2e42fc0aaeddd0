"""argmax and argmin."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.aliases import only_one
from tfmini.autodiff import not_differentiable
from tfmini.graph import Tensor

__all__ = ["arg_max", "arg_min", "argmax", "argmin"]

not_differentiable("ArgMax", "ArgMin")


def argmax(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = dtypes.int64
) -> Tensor:
    """The index of the largest element along `axis` (0 by default), the first one if several are equal.

    NaNs are passed over. The result has the shape of `input` without that axis, and dtype `output_type` (int32 or
    int64). `dimension` is an older name of `axis`. Raises ValueError if the axis does not exist,
    InvalidArgumentError if it is empty.
    """
    return _arg(raw.ArgMax, input, axis, name, dimension, output_type)


def argmin(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = dtypes.int64
) -> Tensor:
    """The index of the smallest element along `axis`; see `tf.argmax`."""
    return _arg(raw.ArgMin, input, axis, name, dimension, output_type)


def arg_max(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
    """`tf.argmax` under its first name."""
    return raw.ArgMax(input, dimension, output_type=output_type, name=name)


def arg_min(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
    """`tf.argmin` under its first name."""
    return raw.ArgMin(input, dimension, output_type=output_type, name=name)


def _arg(op: Any, input: Any, axis: Any, name: str | None, dimension: Any, output_type: Any) -> Tensor:
    axis = only_one("axis", axis, "dimension", dimension)
    return op(input, 0 if axis is None else axis, output_type=output_type, name=name)
