"""Sparse gradients: a few rows of a large tensor."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes
from tfmini.constant_value import constant_value_as_shape
from tfmini.convert import convert_to_tensor, register_tensor_conversion_function
from tfmini.graph import Tensor
from tfmini.tensor_shape import TensorShape

__all__ = ["IndexedSlices", "IndexedSlicesValue"]


class IndexedSlices:
    """Rows `values[i]` that belong at `indices[i]` of a dense tensor; equal indices add up.

    Shapes: values [n, ...], indices [n], dense_shape [rank] or None.
    """

    def __init__(self, values: Tensor, indices: Tensor, dense_shape: Tensor | None = None):
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self) -> Tensor:
        return self._values

    @property
    def indices(self) -> Tensor:
        return self._indices

    @property
    def dense_shape(self) -> Tensor | None:
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """The static shape of the dense tensor, as far as it is known."""
        return TensorShape(None) if self._dense_shape is None else constant_value_as_shape(self._dense_shape)

    @property
    def name(self) -> str:
        return self._values.name

    @property
    def device(self) -> str:
        return self._values.device

    @property
    def op(self) -> Any:
        return self._values.op

    @property
    def dtype(self) -> dtypes.DType:
        return self._values.dtype

    @property
    def graph(self) -> Any:
        return self._values.graph

    def __neg__(self) -> IndexedSlices:
        from tfmini import raw

        return IndexedSlices(raw.Neg(self._values), self._indices, self._dense_shape)

    def __str__(self) -> str:
        shape = f", dense_shape={self._dense_shape}" if self._dense_shape is not None else ""
        return f"IndexedSlices(indices={self._indices}, values={self._values}{shape})"

    __repr__ = __str__


class IndexedSlicesValue(tuple):
    """What a session returns for IndexedSlices: arrays (values, indices, dense_shape)."""

    __slots__ = ()

    def __new__(cls, values: Any, indices: Any, dense_shape: Any = None) -> IndexedSlicesValue:
        return super().__new__(cls, (values, indices, dense_shape))

    values = property(lambda self: self[0])
    indices = property(lambda self: self[1])
    dense_shape = property(lambda self: self[2])


def _to_dense(value: IndexedSlices, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Tensor:
    from tfmini import raw

    del as_ref
    if dtype is not None and dtype.base_dtype != value.dtype.base_dtype:
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for IndexedSlices of dtype {value.dtype.name}"
        )
    if value.dense_shape is None:
        raise ValueError(f"Tensor conversion requested for IndexedSlices without dense_shape: {value!s}")
    rows = raw.StridedSlice(value.dense_shape, [0], [1], [1], shrink_axis_mask=1)
    return raw.UnsortedSegmentSum(value.values, value.indices, convert_to_tensor(rows), name=name)


register_tensor_conversion_function(IndexedSlices, _to_dense)
