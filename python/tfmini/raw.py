"""`raw.<OpName>(...)`: one builder per op, made from its C++ definition when first used.

Inputs come in the order the op declares them, as anything convertible to a tensor; attributes are
keywords (those that follow from inputs may be left out). The result is the op's output tensor, a
tuple of tensors, a list (one list-valued output), or the Operation if it has no outputs.
"""

from __future__ import annotations

from typing import Any as _Any  # there is an op called Any

from tfmini import _core, dtypes, errors, tensor_shape
from tfmini.convert import convert_to_tensor
from tfmini.graph import Operation, Tensor, get_default_graph, graph_of

_OpInfo = dict[str, _Any]


def __getattr__(name: str) -> _Any:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        info = _core.op_info(name)
    except _core.StatusError as e:
        if e.args[0] != errors.NOT_FOUND:
            raise
        raise AttributeError(f"tfmini has no op '{name}'") from None
    builder = _make_builder(info)
    globals()[name] = builder
    return builder


def __dir__() -> list[str]:
    return sorted([*globals(), *_core.op_names()])


def _encode_dtype(value: _Any) -> int:
    return dtypes.as_dtype(value).base_dtype.as_datatype_enum


def _encode_shape(value: _Any) -> _Any:
    shape = tensor_shape.as_shape(value)
    return None if shape.ndims is None else shape.as_list()


def _encode_int(value: _Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise TypeError(f"expected an integer, got {value!r}")
    return int(value)


_ENCODERS = {
    "type": _encode_dtype,
    "shape": _encode_shape,
    "int": _encode_int,
    "float": float,
    "bool": bool,
    "list(type)": lambda v: [_encode_dtype(x) for x in v],
    "list(shape)": lambda v: [_encode_shape(x) for x in v],
    "list(int)": lambda v: [_encode_int(x) for x in v],
    "list(float)": lambda v: [float(x) for x in v],
}


def _make_builder(info: _OpInfo) -> _Any:
    """Specialises the generic builder for one op."""
    op_type = info["name"]
    args = info["inputs"]
    num_args = len(args)
    attr_types = {a["name"]: a["type"] for a in info["attrs"]}
    defaults = {a["name"]: a["default"] for a in info["attrs"] if a["has_default"] and a["type"] == "type"}
    outputs = info["outputs"]
    type_list = len(outputs) == 1 and bool(outputs[0]["type_list_attr"])
    list_output = type_list or (len(outputs) == 1 and bool(outputs[0]["number_attr"]))

    plain_args = not any(a["number_attr"] or a["type_list_attr"] for a in args)

    def build(*inputs: _Any, name: str | None = None, **attrs: _Any) -> _Any:
        if len(inputs) != num_args:
            names = ", ".join(a["name"] for a in args)
            raise TypeError(f"{op_type} takes {num_args} inputs ({names}), got {len(inputs)}")
        encoded = {key: encode(key, value) for key, value in attrs.items()} if attrs else {}
        graph = get_default_graph()
        if plain_args:
            # The common case, on which the cost of building a graph depends: only tensors of this graph.
            for x in inputs:
                if type(x) is not Tensor or x.op.graph is not graph:
                    break
            else:
                return result(graph.create_op(op_type, [(x,) for x in inputs], encoded, name))
        target = graph_of(t for i in inputs for t in (i if isinstance(i, (list, tuple)) else (i,)))
        if target is graph:
            return result(add(graph, inputs, encoded, name))
        with target.as_default():
            return result(add(target, inputs, encoded, name))

    def encode(key: str, value: _Any) -> _Any:
        kind = attr_types.get(key)
        if kind is None:
            raise TypeError(f"{op_type} has no attribute '{key}'; it has {', '.join(attr_types) or 'none'}")
        encoder = _ENCODERS.get(kind)
        if encoder is None or value is None:
            return value
        try:
            return encoder(value)
        except (TypeError, ValueError) as e:
            raise TypeError(f"attribute '{key}' of {op_type} must be of type {kind}: {e}") from None

    def result(op: Operation) -> _Any:
        out = op.outputs
        if list_output and (out or not type_list):
            return out
        if len(out) == 1:
            return out[0]
        return tuple(out) if out else op

    def add(graph: _Any, inputs: tuple[_Any, ...], encoded: dict[str, _Any], name: str | None) -> Operation:
        if all(_is_symbolic(v) for i in inputs for v in (i if isinstance(i, (list, tuple)) else (i,))):
            return graph.create_op(op_type, convert(inputs, encoded), encoded, name)
        # As in TensorFlow, constants made for the inputs are named inside the node: "MatMul_1/b".
        with graph.name_scope(name or op_type.lstrip("_")) as scope:
            return graph.create_op(op_type, convert(inputs, encoded), encoded, scope)

    def convert(inputs: tuple[_Any, ...], encoded: dict[str, _Any]) -> list[list[Tensor]]:
        """Tensors for the inputs. Types bound by attributes or by tensors among the inputs decide
        what Python numbers become."""
        bound: dict[str, dtypes.DType] = {k: dtypes.as_dtype(v) for k, v in encoded.items() if attr_types[k] == "type"}
        for arg, value in zip(args, inputs):
            attr = arg["type_attr"]
            if attr and attr not in bound:
                found = _tensor_dtype(value, bool(arg["number_attr"]))
                if found is not None:
                    bound[attr] = found
        groups = []
        for arg, value in zip(args, inputs):
            scope = arg["name"]
            if arg["number_attr"] or arg["type_list_attr"]:
                if not isinstance(value, (list, tuple)):
                    raise TypeError(f"input '{arg['name']}' of {op_type} must be a list of tensors, got {value!r}")
                dtype = bound.get(arg["type_attr"])
                group = [one(arg, v, dtype, f"{scope}_{i}") for i, v in enumerate(value)]
            else:
                group = [one(arg, value, bound.get(arg["type_attr"]), scope)]
            if arg["type_attr"] and group and arg["type_attr"] not in bound:
                bound[arg["type_attr"]] = group[0].dtype.base_dtype
            groups.append(group)
        return groups

    def one(arg: _OpInfo, value: _Any, dtype: dtypes.DType | None, scope: str) -> Tensor:
        if type(value) is Tensor:
            return value
        if dtype is None and arg["dtype"]:
            dtype = dtypes.as_dtype(arg["dtype"])
        if dtype is not None and not isinstance(value, Tensor):
            try:
                return convert_to_tensor(value, dtype, name=scope, as_ref=arg["is_ref"])
            except TypeError as e:
                raise TypeError(f"input '{arg['name']}' of {op_type}: {e}") from None
        attr = arg["type_attr"]
        preferred = dtypes.as_dtype(defaults[attr]) if attr in defaults else None
        return convert_to_tensor(value, None, name=scope, preferred_dtype=preferred, as_ref=arg["is_ref"])

    build.__name__ = build.__qualname__ = op_type
    build.__doc__ = _describe(info)
    return build


def _is_symbolic(value: _Any) -> bool:
    return type(value) is Tensor or hasattr(value, "_as_graph_element")


def _tensor_dtype(value: _Any, is_list: bool) -> dtypes.DType | None:
    """The dtype of a value that has one by itself (tensors, variables, arrays), not of numbers."""
    if is_list and isinstance(value, (list, tuple)):
        for v in value:
            found = _tensor_dtype(v, False)
            if found is not None:
                return found
        return None
    dtype = getattr(value, "dtype", None)
    if dtype is None or isinstance(value, (bool, int, float)):
        return None
    return dtypes.as_dtype(dtype).base_dtype


def _describe(info: _OpInfo) -> str:
    def arg(a: _OpInfo) -> str:
        kind = a["type_list_attr"] or a["type_attr"] or dtypes.as_dtype(a["dtype"]).name
        return f"{a['name']}: {a['number_attr'] + ' * ' if a['number_attr'] else ''}{kind}"

    inputs = ", ".join(arg(a) for a in info["inputs"])
    outputs = ", ".join(arg(a) for a in info["outputs"])
    attrs = "".join(
        f"\n  {a['name']}: {a['type']}" + (f" = {a['default']}" if a["has_default"] else "") for a in info["attrs"]
    )
    return f"{info['name']}({inputs}) -> ({outputs})" + (f"\nAttributes:{attrs}" if attrs else "")
