"""Indexing: strided_slice, boolean_mask, and `tensor[...]` with NumPy's basic indices or one mask."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from tfmini import dtypes, raw, tensor_shape
from tfmini.autodiff import gradient
from tfmini.convert import constant
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = ["boolean_mask", "newaxis", "strided_slice"]

newaxis = None

_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Tensor:
    """Elements begin[i], begin[i] + strides[i], ... before end[i] of every dimension i.

    Bit i of a mask changes the meaning of element i: `begin_mask`, `end_mask`: from the start, to the
    end; `ellipsis_mask`: as many whole dimensions as fit; `new_axis_mask`: a new dimension of size 1;
    `shrink_axis_mask`: the single element begin[i], without its dimension. `var` is accepted and
    not used.
    """
    del var
    if strides is None:
        strides = raw.OnesLike(convert_to_tensor(begin))
    return raw.StridedSlice(
        input_,
        begin,
        end,
        strides,
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
        name=name,
    )


def _check_index(i: Any) -> Any:
    """An index as an int or a scalar integer tensor. Raises TypeError for anything else."""
    if hasattr(i, "_as_graph_element"):
        i = convert_to_tensor(i)
    if isinstance(i, Tensor):
        if i.dtype.base_dtype.is_integer and i._dims() in ((), None):
            return i
    elif isinstance(i, (int, np.integer, tensor_shape.Dimension)) and not isinstance(i, bool):
        return int(i)
    elif isinstance(i, np.ndarray) and i.ndim == 0 and i.dtype.kind in "iu":
        return int(i)
    raise TypeError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are "
        f"valid indices, got {i!r}"
    )


def _is_mask(i: Any) -> bool:
    return isinstance(i, bool) or (
        isinstance(i, (Tensor, np.ndarray)) and dtypes.as_dtype(i.dtype).base_dtype == dtypes.bool_
    )


def _getitem(tensor: Any, item: Any) -> Tensor:
    """`tensor[item]`: integers, slices, `...`, `tf.newaxis`, scalar integer tensors; or one boolean mask."""
    if _is_mask(item):
        return boolean_mask(tensor, item)
    items = item if isinstance(item, (list, tuple)) else (item,)
    begin: list[Any] = []
    end: list[Any] = []
    strides: list[Any] = []
    masks = dict.fromkeys(_MASKS, 0)

    def add(b: Any, e: Any, s: Any, *kinds: str) -> None:
        for kind in kinds:
            masks[kind] |= 1 << len(begin)
        begin.append(b)
        end.append(e)
        strides.append(s)

    for s in items:
        if isinstance(s, slice):
            open_begin = s.start is None or (isinstance(s.start, int) and s.start == sys.maxsize)
            open_end = s.stop is None or (isinstance(s.stop, int) and s.stop == sys.maxsize)
            add(
                0 if open_begin else _check_index(s.start),
                0 if open_end else _check_index(s.stop),
                1 if s.step is None else _check_index(s.step),
                *(["begin_mask"] if open_begin else []),
                *(["end_mask"] if open_end else []),
            )
        elif s is Ellipsis:
            add(0, 0, 1, "ellipsis_mask")
        elif s is newaxis:
            add(0, 0, 1, "new_axis_mask")
        else:
            i = _check_index(s)
            add(i, i + 1, 1, "shrink_axis_mask")

    with name_scope(None, "strided_slice", [tensor, *begin, *end, *strides]) as scope:
        bounds = _stack_bounds(begin, end, strides)
        return raw.StridedSlice(tensor, *bounds, name=scope, **masks)


def _stack_bounds(*lists: list[Any]) -> list[Tensor]:
    """begin, end and strides as vectors of one dtype: int64 if any element is, else int32."""
    if not lists[0]:
        empty = constant([], dtypes.int32)
        return [empty] * 3
    tensors = [x for values in lists for x in values if isinstance(x, Tensor)]
    dtype = dtypes.int64 if any(t.dtype.base_dtype == dtypes.int64 for t in tensors) else dtypes.int32
    out = []
    for values in lists:
        cast = [raw.Cast(v, DstT=dtype) if isinstance(v, Tensor) and v.dtype.base_dtype != dtype else v for v in values]
        out.append(convert_to_tensor(cast, dtype, name="stack"))
    return out


def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask", axis: int | None = None) -> Tensor:
    """The slices of `tensor` where `mask` is True, in order.

    `mask` has a known rank K and matches dimensions axis ... axis + K - 1 (default from 0) of
    `tensor`; they become one dimension whose size is known at run time. Raises ValueError for a
    scalar mask or one that does not match.
    """
    with name_scope(name, values=[tensor, mask]):
        tensor = convert_to_tensor(tensor, name="tensor")
        mask = convert_to_tensor(mask, name="mask")
        mask_dims, dims = mask._dims(), tensor._dims()
        if mask_dims is None:
            raise ValueError(
                "Number of mask dimensions must be specified, even if some dimensions are None. "
                "E.g. shape=[None] is ok, but shape=None is not."
            )
        if not mask_dims:
            raise ValueError("mask cannot be scalar.")
        k = len(mask_dims)
        axis = 0 if axis is None else axis
        if dims is not None and axis < 0:
            axis += len(dims)
        if dims is not None:
            if not tensor.shape[axis : axis + k].is_compatible_with(mask.shape) or len(dims) < axis + k:
                raise ValueError(f"Shapes {tensor.shape[axis:]} and {mask.shape} are incompatible")
        shape = raw.Shape(tensor)
        before = raw.StridedSlice(shape, [0], [axis], [1])
        after = raw.StridedSlice(shape, [axis + k], [0], [1], end_mask=1)
        flat = raw.Reshape(tensor, raw.ConcatV2([before, [-1], after], 0))
        if dims is not None:
            inner = dims[axis : axis + k]
            size = None if None in inner else math.prod(inner)
            flat.set_shape([*dims[:axis], size, *dims[axis + k :]])
        chosen = raw.Squeeze(raw.Where(raw.Reshape(mask, [-1])), squeeze_dims=[1])
        return raw.GatherV2(flat, chosen, axis)


setattr(Tensor, "__getitem__", _getitem)  # noqa: B010 (a plain assignment reads as a type argument)


def _mask_attrs(op: Operation) -> dict[str, int]:
    return {m: op.get_attr(m) for m in _MASKS}


@gradient("StridedSlice")
def _strided_slice_grad(op: Operation, grad: Any) -> list[Any]:
    x, begin, end, strides = op.inputs
    shape = raw.Shape(x, out_type=dtypes.int64 if begin.dtype.base_dtype == dtypes.int64 else dtypes.int32)
    if begin.dtype.base_dtype != shape.dtype:
        begin, end, strides = (raw.Cast(t, DstT=shape.dtype) for t in (begin, end, strides))
    return [raw.StridedSliceGrad(shape, begin, end, strides, grad, **_mask_attrs(op)), None, None, None]


@gradient("StridedSliceGrad")
def _strided_slice_grad_grad(op: Operation, grad: Any) -> list[Any]:
    _, begin, end, strides, _ = op.inputs
    return [None, None, None, None, raw.StridedSlice(grad, begin, end, strides, **_mask_attrs(op))]
