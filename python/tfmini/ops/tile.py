"""tile: a tensor repeated along its dimensions."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import gradient
from tfmini.constant_value import constant_value_as_shape
from tfmini.graph import Operation, Tensor

__all__ = ["tile"]


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """Repeats dimension i of `input` multiples[i] times."""
    return raw.Tile(input, multiples, name=name)


@gradient("Tile")
def _tile_grad(op: Operation, grad: Any) -> list[Any]:
    """The sum over all copies: every repeated dimension taken apart into (multiple, size)."""
    x, multiples = op.inputs
    if x.shape.ndims is None:
        raise NotImplementedError("the gradient of tf.tile needs an input of known rank")
    counts = constant_value_as_shape(multiples).as_list()
    sizes = x.shape.as_list()
    shape = raw.Shape(x)
    if multiples.dtype.base_dtype != dtypes.int32:
        multiples = raw.Cast(multiples, DstT=dtypes.int32)

    def element(vector: Tensor, i: int) -> Tensor:
        return raw.StridedSlice(vector, [i], [i + 1], [1], shrink_axis_mask=1)

    parts: list[Any] = []
    axes = []
    for i, (count, size) in enumerate(zip(counts, sizes)):
        if count != 1:
            axes.append(len(parts))
            parts.append(element(multiples, i) if count is None else count)
        parts.append(element(shape, i) if size is None else size)
    if not axes:
        return [grad, None]
    apart = raw.Pack(parts) if any(isinstance(p, Tensor) for p in parts) else parts
    return [raw.Reshape(raw.Sum(raw.Reshape(grad, apart), axes), shape), None]
