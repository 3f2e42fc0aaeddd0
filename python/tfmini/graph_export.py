"""Graphs as TensorFlow's GraphDef: written in wire format, handed out as message objects if `tensorboard` is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tfmini import dtypes, tensor_shape
from tfmini import protowire as wire
from tfmini.composed import composition

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
    return proto("node_def", "NodeDef").FromString(
        _node(op, {}, False, [t._input_name() for t in op.inputs], [c.name for c in op.control_inputs])
    )


def shape_proto(shape: Any) -> Any:
    """The TensorShapeProto of a shape."""
    return proto("tensor_shape", "TensorShapeProto").FromString(_shape(shape))


def tensor_proto(array: Any) -> Any:
    """The TensorProto of an array."""
    return proto("tensor", "TensorProto").FromString(_tensor(np.asarray(array)))


def serialize_graph(graph: Graph, add_shapes: bool = False) -> bytes:
    """The GraphDef of a graph as bytes."""
    library: dict[str, bytes] = {}
    names: dict[Any, str] = {}
    nodes = b"".join(
        wire.data(1, node) for op in graph.get_operations() for node in _nodes(op, library, names, _name, add_shapes)
    )
    functions = b"".join(wire.data(1, function) for function in library.values())
    return nodes + (wire.data(2, functions) if functions else b"") + wire.data(4, wire.integer(1, _PRODUCER))


def _name(tensor: Any, names: dict[Any, str]) -> str:
    """A tensor as nodes of a graph name it."""
    return names.get(tensor) or tensor._input_name()


def _nodes(
    op: Operation, library: dict[str, bytes], names: dict[Any, str], name: Callable[..., str], add_shapes: bool = False
) -> Iterator[bytes]:
    """NodeDefs: one, or those that stand for an op which TensorFlow does not have. What their results are called goes
    into `names`, for the nodes that follow."""
    waits = [w for c in op.control_inputs for w in names.get(c, c.name).split()]
    stand_in = composition(op)
    if stand_in is None:
        yield _node(op, library, add_shapes, [name(t, names) for t in op.inputs], waits)
        return
    names.update((inner, name(outer, names)) for inner, outer in zip(stand_in.inputs, op.inputs))
    for part in stand_in.parts:
        inputs = [name(t, names) for t in part.inputs]
        yield _node(part, library, add_shapes, inputs, [*waits, *(c.name for c in part.control_inputs)], op.device)
    names.update((outer, name(inner, names)) for inner, outer in zip(stand_in.outputs, op.outputs))
    names[op] = " ".join(t.op.name for t in stand_in.outputs)


def _node(
    op: Operation, library: dict[str, bytes], add_shapes: bool, inputs: list[str], waits: list[str], device: str = ""
) -> bytes:
    """A NodeDef. The functions it refers to are added to `library`."""
    inputs = inputs + ["^" + w for w in waits]
    out = wire.data(1, op.name) + wire.data(2, op.type) + b"".join(wire.data(3, name) for name in inputs)
    if op.device or device:
        out += wire.data(4, op.device or device)
    kinds = {a["name"]: a["type"] for a in op.op_def["attrs"]}
    for name, value in sorted(op.graph._core.attrs(op._id).items()):
        kind = kinds.get(name)
        if kind == "func":
            out += _attr(name, wire.data(10, wire.data(1, _add_function(op, name, library))))
        elif kind is not None and not name.startswith("_"):
            out += _attr(name, _value(kind, value))
        elif name == "_class":
            out += _attr(name, wire.data(1, wire.data(2, value)))
    if add_shapes and op.outputs:
        shapes = b"".join(wire.data(7, _shape(t.shape)) for t in op.outputs)
        out += _attr("_output_shapes", wire.data(1, shapes))
    return out


def _add_function(op: Operation, attr: str, library: dict[str, bytes]) -> str:
    """Exports the function that is `attr` of a control flow node; returns its name in the library."""
    from tfmini.functions import recall

    parts = recall(op)
    body = parts[attr]
    if op.type == "If":
        outputs = parts["outputs"][0 if attr == "then_branch" else 1]
    else:
        outputs = [parts["predicate"]] if attr == "cond" else parts["outputs"]
    name = re.sub(r"\W", "_", f"{op.name}_{attr}")
    while name in library:
        name += "_"
    library[name] = b""  # reserves the name, and the place before the functions it calls
    library[name] = _function(name, body, outputs, library)
    return name


def _function(name: str, body: Any, outputs: Any, library: dict[str, bytes]) -> bytes:
    """A FunctionDef: its arguments are the body's inputs, its results are called out_0, out_1, ..."""
    refs: dict[Any, str] = {t: f"arg_{i}" for i, t in enumerate(body.inputs)}

    def argument(label: str, t: Any) -> bytes:
        return wire.data(1, label) + wire.integer(3, t.dtype.base_dtype.as_datatype_enum)

    signature = wire.data(1, name)
    signature += b"".join(wire.data(2, argument(label, t)) for t, label in refs.items())
    signature += b"".join(wire.data(3, argument(f"out_{i}", t)) for i, t in enumerate(outputs))
    out = wire.data(1, signature)
    for op in body.get_operations():
        if op.type != "_Arg":
            out += b"".join(wire.data(3, node) for node in _nodes(op, library, refs, _reference))
    for i, t in enumerate(outputs):
        out += wire.data(4, wire.data(1, f"out_{i}") + wire.data(2, _reference(t, refs)))
    return out


def _reference(tensor: Any, refs: dict[Any, str]) -> str:
    """A tensor as functions name it: an argument, or "node:output:index within that output"."""
    if tensor in refs:
        return refs[tensor]
    op, index = tensor.op, tensor.value_index
    attrs = op.graph._core.attrs(op._id)
    for output in op.op_def["outputs"]:
        count = 1
        if output["number_attr"]:
            count = attrs[output["number_attr"]]
        elif output["type_list_attr"]:
            count = len(attrs[output["type_list_attr"]])
        if index < count:
            return f"{op.name}:{output['name']}:{index}"
        index -= count
    raise ValueError(f"{tensor} is no output of its operation")


def _attr(name: str, value: bytes) -> bytes:
    return wire.data(5, wire.data(1, name) + wire.data(2, value))


def _value(kind: str, value: Any) -> bytes:
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
    return wire.data(8, _tensor(np.asarray(value)))


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
