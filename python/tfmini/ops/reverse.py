"""reverse and reverse_sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import dtypes, raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor

__all__ = ["reverse", "reverse_sequence", "reverse_v2"]


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """`tensor` with the dimensions in the integer vector `axis` turned around.

    A boolean vector with one element per dimension, as before TensorFlow 1.0, works too.
    """
    is_mask = axis.dtype.base_dtype == dtypes.bool_ if isinstance(axis, Tensor) else np.asarray(axis).dtype == bool
    if is_mask:
        return raw.Reverse(tensor, axis, name=name)
    return raw.ReverseV2(tensor, axis, name=name)


reverse_v2 = reverse


def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
    seq_dim: int | None = None,
    batch_dim: int | None = None,
) -> Tensor:
    """Reverses the first seq_lengths[i] steps of dimension `seq_axis` of every batch entry i.

    `seq_dim` and `batch_dim` are older names of `seq_axis` and `batch_axis` (default 0).
    """
    seq = seq_dim if seq_axis is None else seq_axis
    batch = batch_dim if batch_axis is None else batch_axis
    if seq is None:
        raise ValueError("reverse_sequence needs seq_axis")
    return raw.ReverseSequence(input, seq_lengths, seq_dim=seq, batch_dim=batch or 0, name=name)


@gradient("Reverse")
def _reverse_grad(op: Operation, grad: Any) -> list[Any]:
    return [raw.Reverse(grad, op.inputs[1]), None]


@gradient("ReverseV2")
def _reverse_v2_grad(op: Operation, grad: Any) -> list[Any]:
    return [raw.ReverseV2(grad, op.inputs[1]), None]


@gradient("ReverseSequence")
def _reverse_sequence_grad(op: Operation, grad: Any) -> list[Any]:
    back = raw.ReverseSequence(grad, op.inputs[1], seq_dim=op.get_attr("seq_dim"), batch_dim=op.get_attr("batch_dim"))
    return [back, None]
