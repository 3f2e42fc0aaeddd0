"""Products over any dimensions, by way of matrix products: `tf.tensordot` and `tf.einsum`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tfmini import raw
from tfmini.constant_value import constant_value
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor, name_scope

__all__ = ["einsum", "tensordot"]

Dim = Any  # an int where the size is known, else a scalar int32 tensor


def _dims(x: Tensor, rank: int | None = None) -> list[Dim]:
    """Sizes of all dimensions of a tensor of rank `rank`, which must be given if the tensor does not know it."""
    static = x.shape.as_list() if x.shape.ndims is not None else [None] * (rank or 0)
    if None not in static:
        return static
    sizes = raw.Unpack(raw.Shape(x), num=len(static), axis=0)
    return [size if known is None else known for known, size in zip(static, sizes)]


def _product(dims: Iterable[Dim]) -> Dim:
    product: Dim = 1
    for d in dims:
        if isinstance(d, Tensor) or isinstance(product, Tensor):
            product = d if isinstance(product, int) and product == 1 else raw.Mul(product, d)
        else:
            product *= d
    return product


def _reshape(x: Tensor, dims: Sequence[Dim], name: str | None = None) -> Tensor:
    """Reshapes if that changes anything. At most one unknown size becomes a -1, which needs no run-time shape."""
    dims = list(dims)
    static = [-1 if isinstance(d, Tensor) else d for d in dims]
    if x.shape.ndims == len(dims) and x.shape.as_list() == static:
        return x
    if static.count(-1) <= 1:
        return raw.Reshape(x, np.array(static, np.int32), name=name)
    return raw.Reshape(x, raw.Pack([convert_to_tensor(d, np.int32) for d in dims], axis=0), name=name)


def _transpose(x: Tensor, order: Sequence[int]) -> Tensor:
    return x if list(order) == sorted(order) else raw.Transpose(x, np.array(order, np.int32))


def _matmul(a: Tensor, b: Tensor, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
    if a.shape.ndims == 2 and b.shape.ndims == 2:
        return raw.MatMul(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    return raw.BatchMatMulV2(a, b, adj_x=transpose_a, adj_y=transpose_b)


# --- tensordot ------------------------------------------------------------------------------------


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """Sums products of elements of `a` and `b` over pairs of their axes.

    axes: an integer n, for the last n axes of `a` and the first n of `b` in order; or a pair of axes or
        of lists of axes, [axes of a, axes of b].

    The result has the other axes of `a`, then those of `b`. Raises ValueError if the axes do not pair
    up, are out of range or differ in size.
    """
    with name_scope(name, "Tensordot", [a, b]) as scope:
        a, b = convert_to_tensor(a, name="a"), convert_to_tensor(b, name="b")
        a_axes, b_axes = _tensordot_axes(axes)
        if a.shape.ndims is None or b.shape.ndims is None:
            return _tensordot_unranked(a, b, a_axes, b_axes, scope)
        a_axes, b_axes = _normalized(a_axes, a.shape.ndims), _normalized(b_axes, b.shape.ndims)
        a_dims, b_dims = _dims(a), _dims(b)
        for i, j in zip(a_axes, b_axes):
            if not isinstance(a_dims[i], Tensor) and not isinstance(b_dims[j], Tensor) and a_dims[i] != b_dims[j]:
                raise ValueError(
                    f"Dimensions must be equal, but are {a_dims[i]} and {b_dims[j]}: tensordot pairs axis {i} of "
                    f"shape {a.shape} with axis {j} of shape {b.shape}"
                )
        a_free = [i for i in range(len(a_dims)) if i not in a_axes]
        b_free = [j for j in range(len(b_dims)) if j not in b_axes]
        out = [a_dims[i] for i in a_free] + [b_dims[j] for j in b_free]
        inner = _product(a_dims[i] for i in a_axes)
        left = _reshape(_transpose(a, a_free + a_axes), [_product(a_dims[i] for i in a_free), inner])
        right = _reshape(_transpose(b, b_axes + b_free), [inner, _product(b_dims[j] for j in b_free)])
        return _reshape(_matmul(left, right), out, name=scope)


def _tensordot_axes(axes: Any) -> tuple[list[int], list[int]]:
    if isinstance(axes, Tensor):
        value = constant_value(axes)
        if value is None:
            raise ValueError("the axes of tensordot must be known when the graph is built")
        axes = value.tolist()
    if isinstance(axes, (int, np.integer)):
        if axes < 0:
            raise ValueError(f"'axes' must be at least 0, got {axes}")
        return list(range(-int(axes), 0)), list(range(int(axes)))
    if len(axes) != 2:
        raise ValueError(f"'axes' must be an integer or have length 2, got {axes!r}")
    a_axes, b_axes = ([int(i) for i in (side if isinstance(side, Iterable) else [side])] for side in axes)
    if len(a_axes) != len(b_axes):
        raise ValueError(f"Different number of contraction axes: {a_axes} of 'a' and {b_axes} of 'b'")
    return a_axes, b_axes


def _normalized(axes: list[int], rank: int) -> list[int]:
    for i in axes:
        if not -rank <= i < rank:
            raise ValueError(f"one of the axes, {i}, is out of range for a tensor of rank {rank}")
    out = [i % rank for i in axes]
    if len(set(out)) != len(out):
        raise ValueError(f"an axis appears twice in {axes}")
    return out


def _tensordot_unranked(a: Tensor, b: Tensor, a_axes: list[int], b_axes: list[int], name: str) -> Tensor:
    """The same when the axes are counted only at run time."""

    def split(x: Tensor, axes: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Its shape, and the axes to keep and to sum over."""
        rank = raw.Rank(x)
        summed = raw.FloorMod(np.array(axes, np.int32), rank)
        return raw.Shape(x), raw.ListDiff(raw.Range(0, rank, 1), summed)[0], summed

    def matrix(x: Tensor, shape: Tensor, rows: Tensor, cols: Tensor) -> Tensor:
        sizes = [raw.Prod(raw.GatherV2(shape, axes, 0), 0) for axes in (rows, cols)]
        return raw.Reshape(raw.Transpose(x, raw.ConcatV2([rows, cols], 0)), raw.Pack(sizes, axis=0))

    a_shape, a_free, a_summed = split(a, a_axes)
    b_shape, b_free, b_summed = split(b, b_axes)
    product = raw.MatMul(matrix(a, a_shape, a_free, a_summed), matrix(b, b_shape, b_summed, b_free))
    out = raw.ConcatV2([raw.GatherV2(a_shape, a_free, 0), raw.GatherV2(b_shape, b_free, 0)], 0)
    return raw.Reshape(product, out, name=name)


# --- einsum ---------------------------------------------------------------------------------------


class _Labelled:
    """A tensor and one letter per axis."""

    def __init__(self, tensor: Tensor, labels: str):
        self.tensor = tensor
        self.labels = labels

    def ordered(self, labels: str) -> Tensor:
        return _transpose(self.tensor, [self.labels.index(c) for c in labels])

    def summed_to(self, keep: str) -> _Labelled:
        """Sums over the axes whose letters are not in `keep`."""
        axes = [i for i, c in enumerate(self.labels) if c not in keep]
        if not axes:
            return self
        labels = "".join(c for c in self.labels if c in keep)
        return _Labelled(raw.Sum(self.tensor, np.array(axes, np.int32)), labels)


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """Sums of products of elements, in Einstein's notation: `einsum("ij,jk->ik", a, b)` is a matrix product.

    Every input has one letter per axis; letters that the output lacks are summed over. Without "->" the
    output has the letters that appear once, in alphabetical order. "..." stands for further axes, which
    must be the same in all inputs that have them. A letter may not appear twice in one input.

    Inputs are multiplied from left to right. Raises ValueError for an equation that does not fit the inputs.
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise TypeError(f"einsum got unknown arguments: {', '.join(kwargs)}")
    if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)):
        inputs = tuple(inputs[0])
    with name_scope(name, "einsum", list(inputs)) as scope:
        tensors = [convert_to_tensor(x, name=f"inputs_{i}") for i, x in enumerate(inputs)]
        labels, out = _parse(equation, tensors)
        terms = [_Labelled(t, s) for t, s in zip(tensors, labels)]
        result = terms[0]
        for i, term in enumerate(terms[1:], start=2):
            later = out + "".join(t.labels for t in terms[i:])
            result = _contract(result.summed_to(later + term.labels), term.summed_to(later + result.labels), later)
        return raw.Identity(result.summed_to(out).ordered(out), name=scope)


def _parse(equation: str, tensors: list[Tensor]) -> tuple[list[str], str]:
    """Letters per input and of the output; an ellipsis becomes upper-case letters the equation leaves free."""
    equation = equation.replace(" ", "")
    match = re.fullmatch(r"((?:[a-zA-Z.]*,)*[a-zA-Z.]*)(->[a-zA-Z.]*)?", equation)
    if not match:
        raise ValueError(f"Indices have incorrect format: {equation!r}")
    labels = match.group(1).split(",")
    if len(labels) != len(tensors):
        raise ValueError(f"{equation!r} names {len(labels)} inputs, got {len(tensors)}")
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in equation]
    widest = ""
    for i, (t, s) in enumerate(zip(tensors, labels)):
        named = len(s.replace("...", ""))
        if t.shape.ndims is None and "..." in s:
            raise ValueError(f"einsum with '...' needs inputs of known rank, got {t}; give it a shape with set_shape")
        extra = 0 if t.shape.ndims is None else t.shape.ndims - named
        if (extra < 0) or (extra > 0 and "..." not in s):
            raise ValueError(f"input {i} has shape {t.shape}, but the equation gives it axes '{s}'")
        dots = "".join(free[:extra]) if "..." in s else ""
        widest = max(widest, dots, key=len)
        labels[i] = s.replace("...", dots)
        if "." in labels[i] or len(set(labels[i])) != len(labels[i]):
            raise ValueError(f"Subscript not supported: '{s}' repeats an axis or has a stray dot")
    if match.group(2) is None:
        joined = "".join(labels)
        out = widest + "".join(sorted(c for c in set(joined) - set(widest) if joined.count(c) == 1))
    else:
        out = match.group(2)[2:].replace("...", widest)
    missing = sorted(set(out) - set("".join(labels)))
    if missing or len(set(out)) != len(out):
        raise ValueError(
            f"Output subscripts contain the label {missing[0] if missing else out} not present in the "
            "input subscripts, or twice"
        )
    return labels, out


def _contract(a: _Labelled, b: _Labelled, keep: str) -> _Labelled:
    """The product of both, summed over the shared letters that are not in `keep`, as one batch matmul."""
    shared = [c for c in a.labels if c in b.labels]
    batch = "".join(c for c in shared if c in keep)
    inner = "".join(c for c in shared if c not in keep)
    rows = "".join(c for c in a.labels if c not in shared)
    cols = "".join(c for c in b.labels if c not in shared)
    size: dict[str, Dim] = {}
    for term in (a, b):
        for c, d in zip(term.labels, _dims(term.tensor, len(term.labels))):
            known = size.setdefault(c, d)
            if isinstance(known, Tensor):
                size[c] = d
            elif not isinstance(d, Tensor) and d != known:
                raise ValueError(f"Dimensions must be equal, but are {known} and {d} for the label '{c}' of einsum")
    of = lambda letters: [size[c] for c in letters]  # noqa: E731
    # Stored the other way round, an operand needs no transposition.
    a_flip = a.labels == batch + inner + rows and bool(inner)
    b_flip = b.labels == batch + cols + inner and bool(inner)
    left_order = (batch, inner, rows) if a_flip else (batch, rows, inner)
    right_order = (batch, cols, inner) if b_flip else (batch, inner, cols)

    def as_matrices(term: _Labelled, order: tuple[str, str, str]) -> Tensor:
        return _reshape(term.ordered("".join(order)), [*of(order[0]), _product(of(order[1])), _product(of(order[2]))])

    product = _matmul(as_matrices(a, left_order), as_matrices(b, right_order), transpose_a=a_flip, transpose_b=b_flip)
    return _Labelled(_reshape(product, of(batch + rows + cols)), batch + rows + cols)
