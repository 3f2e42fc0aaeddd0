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
    """The sum over all copies, one repeated dimension after the other."""
    x, multiples = op.inputs
    if x.shape.ndims is None:
        raise NotImplementedError("the gradient of tf.tile needs an input of known rank")
    counts = constant_value_as_shape(multiples).as_list()
    shape = raw.Shape(x)
    if multiples.dtype.base_dtype != dtypes.int32:
        multiples = raw.Cast(multiples, DstT=dtypes.int32)
    for i, count in enumerate(counts):
        if count == 1:
            continue
        # [sizes before, copies, size of i and all that follows]
        before = raw.Prod(raw.StridedSlice(shape, [0], [i], [1]), [0])
        copies = raw.StridedSlice(multiples, [i], [i + 1], [1], shrink_axis_mask=1) if count is None else count
        after = raw.Prod(raw.StridedSlice(shape, [i], [0], [1], end_mask=1), [0])
        later = raw.Prod(raw.StridedSlice(multiples, [i + 1], [0], [1], end_mask=1), [0])
        grad = raw.Sum(raw.Reshape(grad, raw.Pack([before, copies, raw.Mul(after, later)])), [1])
    return [raw.Reshape(grad, shape), None]
