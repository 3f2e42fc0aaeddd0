"""Gradients through broadcasting: summing over the axes along which an input was repeated."""

from __future__ import annotations

from tfmini import raw
from tfmini.graph import Operation, Tensor

__all__ = ["sum_to_input", "sum_to_inputs"]


def sum_to_inputs(op: Operation, *grads: Tensor | None) -> list[Tensor | None]:
    """Gradients of the op's output shape, one per input, each summed to that input's shape."""
    return [None if g is None else sum_to_input(op, i, g) for i, g in enumerate(grads)]


def sum_to_input(op: Operation, index: int, grad: Tensor) -> Tensor:
    """`grad`, of the shape of the op's output, summed to the shape of input `index`.

    Costs no node where static shapes show that nothing was repeated, one or two where they show
    which axes were, and shape arithmetic at run time otherwise.
    """
    x = op.inputs[index]
    axes = _repeated_axes(op, index)
    if axes is None:
        shape = raw.Shape(x)
        repeated, _ = raw.BroadcastGradientArgs(shape, raw.Shape(op.outputs[0]))
        # With the axes kept, the sum has x's shape already where ranks agree, and no run reshapes anything.
        return raw.Reshape(raw.Sum(grad, repeated, keep_dims=True), shape)
    missing, ones = axes
    if missing:
        grad = raw.Sum(grad, missing)
    if ones:
        grad = raw.Sum(grad, ones, keep_dims=True)
    return grad


def _repeated_axes(op: Operation, index: int) -> tuple[list[int], list[int]] | None:
    """(axes of the output that the input lacks, then axes of the input of size 1 that others extend), or
    None if that cannot be told before the run."""
    x = op._inputs[index]
    others = [t._dims() for t in op._inputs if t is not x]
    if not others:
        return [], []
    own = x._dims()
    if own is None or any(d is None for d in others):
        return None
    if all(own == d and None not in own for d in others):
        return [], []
    rank = max(len(own), *(len(d) for d in others))
    lacking = rank - len(own)
    ones: list[int] = []
    for axis, size in enumerate(own):
        from_back = axis - len(own)
        sizes = [d[from_back] for d in others if len(d) >= -from_back]
        if all(s == 1 for s in sizes):
            continue
        if size is None:
            return None
        if size == 1:
            ones.append(axis)
    return list(range(lacking)), ones
