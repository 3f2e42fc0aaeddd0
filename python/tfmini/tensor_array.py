"""tf.TensorArray: an array of tensors that loops write and read, over tensor lists."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw, tensor_shape
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor, control_dependencies
from tfmini.shape_tensor import element_shape as encode_shape

__all__ = ["TensorArray"]


class TensorArray:
    """A list of tensors of one dtype, usable as a loop variable. Every write gives a new array value:

        ta = ta.write(i, x)

    Args:
      dtype: type of the elements.
      size: number of elements (int or int32 scalar); with `dynamic_size`, writes may extend it.
      element_shape: static shape of all elements, where known.
      infer_shape: take the elements' static shape from the first write.
      clear_after_read, tensor_array_name, colocate_with_first_write_call: accepted.
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ):
        del clear_after_read, colocate_with_first_write_call
        if handle is not None:
            raise ValueError("TensorArray handles cannot be passed; pass the TensorArray itself")
        self._dtype = dtypes.as_dtype(dtype).base_dtype
        self._dynamic_size = bool(dynamic_size)
        self._infer_shape = infer_shape
        self._element_shape = tensor_shape.as_shape(element_shape)
        self._size = size if isinstance(size, int) else None
        if flow is not None:
            self._flow: Tensor = flow
        else:
            if size is None:
                raise ValueError("size must be provided if handle is not provided")
            self._flow = raw.TensorListReserve(
                encode_shape(self._dims()), size, element_dtype=self._dtype, shape_type=dtypes.int32,
                name=name or tensor_array_name or "TensorArray",
            )  # fmt: skip

    def _dims(self) -> tuple[int | None, ...] | None:
        return None if self._element_shape.ndims is None else tuple(self._element_shape.as_list())

    def _with_flow(self, flow: Tensor, shape: Any = None, size: int | None = None) -> TensorArray:
        out = TensorArray.__new__(TensorArray)
        out.__dict__.update(self.__dict__)
        out._flow = flow
        if size is not None:
            out._size = size
        if shape is not None and self._infer_shape:
            out._element_shape = self._element_shape.merge_with(shape)
        return out

    # The protocol by which while_loop and cond take this as a loop variable or result.
    def _tensor_parts(self) -> list[Tensor]:
        return [self._flow]

    def _from_parts(self, parts: list[Tensor]) -> TensorArray:
        return self._with_flow(parts[0])

    @property
    def dtype(self) -> dtypes.DType:
        return self._dtype

    @property
    def flow(self) -> Tensor:
        return self._flow

    handle = flow

    @property
    def dynamic_size(self) -> bool:
        return self._dynamic_size

    @property
    def element_shape(self) -> tensor_shape.TensorShape:
        return self._element_shape

    def identity(self) -> TensorArray:
        """The same array, behind the current control dependencies."""
        return self._with_flow(raw.Identity(self._flow))

    def grad(self, source: str, flow: Any = None, name: str | None = None) -> TensorArray:
        raise NotImplementedError("take gradients with tf.gradients; TensorArrays have no gradient array of their own")

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Sets element `index` (int32 scalar). Out of range is an error unless the size is dynamic."""
        value = convert_to_tensor(value, self._dtype)
        self._check(value.shape)
        return self._with_flow(self._set(self._flow, index, value, name), value.shape)

    def _set(self, flow: Tensor, index: Any, value: Tensor, name: str | None = None) -> Tensor:
        if self._dynamic_size:
            flow = raw._TensorListGrow(flow, raw.AddV2(index, 1))
        return raw.TensorListSetItem(flow, index, value, name=name)

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """Element `index`; one that was never written reads as zeros if the shape is known."""
        out = raw.TensorListGetItem(self._flow, index, encode_shape(self._dims()), element_dtype=self._dtype, name=name)
        if self._element_shape.ndims is not None:
            out.set_shape(self._element_shape)
        return out

    def stack(self, name: str | None = None) -> Tensor:
        """All elements as one tensor [size, ...]."""
        size = -1 if self._dynamic_size or self._size is None else self._size
        shape = encode_shape(self._dims())
        return raw.TensorListStack(self._flow, shape, element_dtype=self._dtype, num_elements=size, name=name)

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        return raw.GatherV2(self.stack(), indices, 0, name=name)

    def concat(self, name: str | None = None) -> Tensor:
        """The elements joined along their first dimension, in which they may differ."""
        dims = self._dims()
        shape = encode_shape(None if dims is None else [None, *dims[1:]])
        out, _ = raw.TensorListConcatV2(
            self._flow, shape, [], element_dtype=self._dtype, shape_type=dtypes.int32, name=name
        )
        if dims and dims[0] is not None and self._size is not None and not self._dynamic_size:
            out.set_shape([self._size * dims[0], *dims[1:]])
        return out

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """An array whose elements are the rows of `value`."""
        value = convert_to_tensor(value, self._dtype)
        if value.shape.ndims == 0:
            raise ValueError("unstack needs a tensor of rank at least 1")
        rows = value.shape[1:] if value.shape.ndims is not None else tensor_shape.unknown_shape()
        self._check(rows)
        dims = None if rows.ndims is None else tuple(rows.as_list())
        flow = raw.TensorListFromTensor(value, encode_shape(dims), shape_type=dtypes.int32, name=name)
        first = value._dims()
        return self._with_flow(flow, rows, first[0] if first else None)

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """Writes the rows of `value` at `indices` (static length)."""
        indices = convert_to_tensor(indices, dtypes.int32)
        value = convert_to_tensor(value, self._dtype)
        count = value._dims()[0]
        if count is None:
            raise ValueError("scatter needs a statically known number of rows")
        out = self
        for i, row in enumerate(raw.Unpack(value, num=count, axis=0)):
            out = out.write(raw.StridedSlice(indices, [i], [i + 1], [1], shrink_axis_mask=1), row)
        return out

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """An array whose elements are pieces of `value`, of `lengths` rows each."""
        value = convert_to_tensor(value, self._dtype)
        parts = raw.SplitV(value, lengths, 0, num_split=convert_to_tensor(lengths).shape[0].value, name=name)
        flow = self._flow
        for i, part in enumerate(parts):
            self._check(part.shape)
            flow = self._set(flow, i, part)
        shapes = {part._dims() for part in parts}
        dims = value._dims()
        rest = None if dims is None else (None, *dims[1:])
        return self._with_flow(flow, shapes.pop() if len(shapes) == 1 else rest)

    def size(self, name: str | None = None) -> Tensor:
        """The number of elements, an int32 scalar."""
        return raw.TensorListLength(self._flow, name=name)

    def close(self, name: str | None = None) -> Any:
        with control_dependencies([self._flow.op]):
            return raw.NoOp(name=name)

    def _check(self, shape: tensor_shape.TensorShape) -> None:
        if not self._element_shape.is_compatible_with(shape):
            raise ValueError(f"Inconsistent shapes: saw {shape} but expected {self._element_shape}")
