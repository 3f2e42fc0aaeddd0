"""The largest elements: top_k, in_top_k, and sorting, which is top_k of everything."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfmini import raw
from tfmini.autodiff import gradient, not_differentiable
from tfmini.axis_order import swap_with_last
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = ["argsort", "in_top_k", "sort", "top_k"]

not_differentiable("InTopK", "InTopKV2")


class TopKV2(NamedTuple):
    """Result of `tf.nn.top_k`."""

    values: Tensor
    indices: Tensor


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> TopKV2:
    """The `k` largest elements of each row (last dimension) and their indices (int32), largest first.

    Of equal elements the one with the lower index comes first; NaN counts as largest. Raises ValueError
    (InvalidArgumentError at run time) if rows are shorter than `k`.
    """
    return TopKV2(*raw.TopKV2(input, k, sorted=sorted, name=name))


def in_top_k(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Tensor:
    """Whether class `targets[i]` is among the `k` largest of row `predictions[i]` ([batch, classes] float32).

    All classes that tie with the k-th count as among them. False where the target is no class, and in rows with
    infinities or NaNs.
    """
    with name_scope(name, "in_top_k"):
        return raw.InTopKV2(predictions, targets, k)


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """`values` sorted along `axis`, "ASCENDING" or "DESCENDING"."""
    with name_scope(name, "sort"):
        return _sort(values, axis, direction, indices=False)


def argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """The indices (int32) that sort `values` along `axis`. Always stable: equal elements keep their order."""
    del stable
    with name_scope(name, "argsort"):
        return _sort(values, axis, direction, indices=True)


def _sort(values: Any, axis: int, direction: str, indices: bool) -> Tensor:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"direction should be one of 'ASCENDING', 'DESCENDING', got {direction!r}")
    if not isinstance(axis, int):
        raise ValueError("axis must be a constant integer")
    values = convert_to_tensor(values, name="values")
    order = swap_with_last(values, axis)
    if order is not None:
        values = raw.Transpose(values, order, name="transpose")
    ascending = direction == "ASCENDING"
    keys = _reversed_order(values) if ascending else values
    count = raw.StridedSlice(raw.Shape(values), [-1], [0], [1], end_mask=1, shrink_axis_mask=1)
    top, at = raw.TopKV2(keys, count)
    out = at if indices else _reversed_order(top) if ascending else top
    return out if order is None else raw.Transpose(out, order, name="transpose")


def _reversed_order(x: Tensor) -> Tensor:
    """A function that turns the order around and is its own inverse: -x, or max - x where that overflows."""
    dtype = x.dtype.base_dtype
    if dtype.is_floating:
        return raw.Neg(x)
    if dtype.is_unsigned:
        return raw.Sub(convert_to_tensor(dtype.max, dtype), x)
    return raw.Sub(convert_to_tensor(-1, dtype), x)


@gradient("TopK", "TopKV2")
def _top_k_grad(op: Operation, grad: Tensor, *_: Any) -> list[Any]:
    """Scatters the gradients back into rows of zeros."""
    shape = raw.Shape(op.inputs[0])
    indices = op.outputs[1]
    k = raw.StridedSlice(raw.Shape(indices), [-1], [0], [1], end_mask=1, shrink_axis_mask=1)
    n = raw.StridedSlice(shape, [-1], [0], [1], end_mask=1, shrink_axis_mask=1)
    size = raw.Prod(shape, [0])
    starts = raw.Range(0, size, raw.Maximum(n, 1))
    flat = raw.Add(raw.Reshape(indices, raw.Pack([-1, k])), raw.ExpandDims(starts, -1))
    spread = raw.ScatterNd(raw.Reshape(flat, [-1, 1]), raw.Reshape(grad, [-1]), raw.Reshape(size, [1]))
    return [raw.Reshape(spread, shape), *[None] * (len(op.inputs) - 1)]
