"""Graphs as TensorFlow's GraphDef: written in wire format, handed out as message objects if `tensorboard` is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfmini import dtypes, tensor_shape
from tfmini import protowire as wire

if TYPE_CHECKING:
    from tfmini.graph import Graph
    from tfmini.operation import Operation

# What TensorFlow 1.15 writes: readers know the meaning of everything up to here.
_PRODUCER = 134


def proto(module: str, name: str) -> Any:
    """A message class: proto("graph", "GraphDef"). Raises ImportError, saying what to install."""
    try:
        import importlib

        return getattr(importlib.import_module(f"tensorboard.compat.proto.{module}_pb2"), name)
    except ImportError:
        raise ImportError(
            f"{name} objects come with the tensorboard package: pip install tfmini[tensorboard]"
        ) from None


def graph_def(graph: Graph, add_shapes: bool = False) -> Any:
    """The GraphDef of a graph; with `add_shapes`, nodes get the attribute `_output_shapes`."""
    return proto("graph", "GraphDef").FromString(serialize_graph(graph, add_shapes))


def node_def(op: Operation) -> Any:
    """The NodeDef of an operation."""
    return proto("node_def", "NodeDef").FromString(_node(op, [], False))


def shape_proto(shape: Any) -> Any:
    """The TensorShapeProto of a shape."""
    return proto("tensor_shape", "TensorShapeProto").FromString(_shape(shape))


def tensor_proto(array: Any) -> Any:
    """The TensorProto of an array."""
    return proto("tensor", "TensorProto").FromString(_tensor(np.asarray(array)))


def serialize_graph(graph: Graph, add_shapes: bool = False) -> bytes:
    """The GraphDef of a graph as bytes."""
    functions: list[Any] = []
    nodes = b"".join(wire.data(1, _node(op, functions, add_shapes)) for op in graph.get_operations())
    return nodes + wire.data(4, wire.integer(1, _PRODUCER))


def _node(op: Operation, functions: list[Any], add_shapes: bool) -> bytes:
    inputs = [t._input_name() for t in op.inputs] + ["^" + c.name for c in op.control_inputs]
    out = wire.data(1, op.name) + wire.data(2, op.type) + b"".join(wire.data(3, name) for name in inputs)
    if op.device:
        out += wire.data(4, op.device)
    kinds = {a["name"]: a["type"] for a in op.op_def["attrs"]}
    for name, value in sorted(op.graph._core.attrs(op._id).items()):
        if name in kinds:
            out += _attr(name, _value(kinds[name], value, functions))
        elif name == "_class":
            out += _attr(name, wire.data(1, wire.data(2, value)))
    if add_shapes and op.outputs:
        shapes = b"".join(wire.data(7, _shape(t.shape)) for t in op.outputs)
        out += _attr("_output_shapes", wire.data(1, shapes))
    return out


def _attr(name: str, value: bytes) -> bytes:
    return wire.data(5, wire.data(1, name) + wire.data(2, value))


def _value(kind: str, value: Any, functions: list[Any]) -> bytes:
    """An AttrValue."""
    if kind.startswith("list("):
        return wire.data(1, _list(kind[5:-1], value))
    if kind == "string":
        return wire.data(2, value)
    if kind in ("int", "bool"):
        return wire.integer(3 if kind == "int" else 5, value)
    if kind == "float":
        return wire.single(4, value)
    if kind == "type":
        return wire.integer(6, dtypes.as_dtype(value).as_datatype_enum)
    if kind == "shape":
        return wire.data(7, _shape(value))
    if kind == "tensor":
        return wire.data(8, _tensor(np.asarray(value)))
    functions.append(value)
    return wire.data(10, wire.data(1, value.name))


def _list(kind: str, values: Iterable[Any]) -> bytes:
    if kind == "string":
        return b"".join(wire.data(2, v) for v in values)
    if kind in ("int", "bool"):
        return wire.packed_integers(3 if kind == "int" else 5, values)
    if kind == "float":
        return wire.packed_singles(4, values)
    if kind == "type":
        return wire.packed_integers(6, [dtypes.as_dtype(v).as_datatype_enum for v in values])
    return b"".join(wire.data(7, _shape(v)) for v in values)


def _shape(shape: Any) -> bytes:
    dims = tensor_shape.as_shape(shape)._dims
    if dims is None:
        return wire.integer(3, True)
    return b"".join(wire.data(2, wire.integer(1, -1 if d is None else d)) for d in dims)


def _tensor(array: np.ndarray) -> bytes:
    """A TensorProto. Scalars go where other programs print them from, everything else as raw content."""
    dtype = dtypes.as_dtype(array.dtype)
    out = wire.integer(1, dtype.as_datatype_enum) + wire.data(2, _shape(array.shape))
    if dtype is dtypes.string:
        return out + b"".join(
            wire.data(8, v if isinstance(v, (bytes, str)) else str(v)) for v in array.ravel().tolist()
        )
    if array.size != 1 or dtype not in _SCALAR_FIELDS:
        little = array.astype(array.dtype.newbyteorder("<"), copy=False) if array.dtype.kind in "iufc" else array
        return out + wire.data(4, np.ascontiguousarray(little).tobytes())
    field, write = _SCALAR_FIELDS[dtype]
    return out + write(field, array.item())


_SCALAR_FIELDS: dict[dtypes.DType, Any] = {
    dtypes.float32: (5, wire.single),
    dtypes.float64: (6, wire.double),
    dtypes.int64: (10, wire.integer),
    dtypes.bool_: (11, wire.integer),
    dtypes.uint32: (16, wire.integer),
    dtypes.uint64: (17, wire.integer),
    **dict.fromkeys((dtypes.int32, dtypes.uint8, dtypes.int16, dtypes.int8, dtypes.uint16), (7, wire.integer)),
}
