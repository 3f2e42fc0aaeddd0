"""Blocks of space moved into channels or into the batch, and back."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor

__all__ = [
    "batch_to_space",
    "batch_to_space_nd",
    "depth_to_space",
    "space_to_batch",
    "space_to_batch_nd",
    "space_to_depth",
]


def space_to_depth(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """[b, h, w, c] -> [b, h / s, w / s, s * s * c] for blocks of s x s; or the same in NCHW."""
    return raw.SpaceToDepth(input, block_size=block_size, data_format=data_format, name=name)


def depth_to_space(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """The inverse of `space_to_depth`."""
    return raw.DepthToSpace(input, block_size=block_size, data_format=data_format, name=name)


def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """Pads dimensions 1 ... M with zeros and moves the positions inside their blocks into the batch.

    block_shape: [M]; paddings: [M, 2]. Every padded dimension must be divisible by its block.
    """
    return raw.SpaceToBatchND(input, block_shape, paddings, name=name)


def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """The inverse of `space_to_batch_nd`; `crops` [M, 2] cuts off the borders."""
    return raw.BatchToSpaceND(input, block_shape, crops, name=name)


def space_to_batch(
    input: Any, paddings: Any, block_size: int | None = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """`space_to_batch_nd` with square blocks for [b, h, w, c]."""
    block = [block_size, block_size] if block_shape is None else block_shape
    out = space_to_batch_nd(input, block, paddings, name)
    if block_shape is None:
        out.set_shape(out.shape.with_rank(4))
    return out


def batch_to_space(
    input: Any, crops: Any, block_size: int | None = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """`batch_to_space_nd` with square blocks for [b, h, w, c]."""
    block = [block_size, block_size] if block_shape is None else block_shape
    out = batch_to_space_nd(input, block, crops, name)
    if block_shape is None:
        out.set_shape(out.shape.with_rank(4))
    return out


@gradient("SpaceToDepth")
def _space_to_depth_grad(op: Operation, grad: Any) -> Tensor:
    return raw.DepthToSpace(grad, block_size=op.get_attr("block_size"), data_format=op.get_attr("data_format"))


@gradient("DepthToSpace")
def _depth_to_space_grad(op: Operation, grad: Any) -> Tensor:
    return raw.SpaceToDepth(grad, block_size=op.get_attr("block_size"), data_format=op.get_attr("data_format"))


@gradient("SpaceToBatchND")
def _space_to_batch_nd_grad(op: Operation, grad: Any) -> list[Any]:
    return [raw.BatchToSpaceND(grad, op.inputs[1], op.inputs[2]), None, None]


@gradient("BatchToSpaceND")
def _batch_to_space_nd_grad(op: Operation, grad: Any) -> list[Any]:
    return [raw.SpaceToBatchND(grad, op.inputs[1], op.inputs[2]), None, None]
