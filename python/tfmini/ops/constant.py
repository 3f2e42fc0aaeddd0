"""Sources of values (placeholders) and nodes without one (no_op, group)."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw, tensor_shape
from tfmini.autodiff import gradient, not_differentiable
from tfmini.graph import Operation, Tensor, control_dependencies, convert_to_tensor, get_default_graph, name_scope
from tfmini.indexed_slices import IndexedSlices

__all__ = ["group", "no_op", "placeholder", "placeholder_with_default", "sparse_placeholder", "tuple"]

_tuple = tuple


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor whose value every run must be fed.

    Args:
      dtype: type of the elements; names such as "float" are accepted.
      shape: static shape, None for unknown dimensions, or None for any shape.
    """
    d = dtypes.as_dtype(dtype)
    if d._is_ref_dtype:
        raise ValueError(f"Cannot convert {d.name} to a placeholder dtype")
    return raw.Placeholder(dtype=d, shape=tensor_shape.as_shape(shape), name=name)


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """`input`, unless another value of a compatible shape is fed."""
    return raw.PlaceholderWithDefault(input, shape=tensor_shape.as_shape(shape), name=name)


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """Refused: there are no sparse tensors yet."""
    raise NotImplementedError("sparse tensors are not implemented; feed indices and values as two placeholders")


def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing: a place to hang control dependencies on."""
    return raw.NoOp(name=name)


def _operation(x: Any) -> Operation:
    if isinstance(x, IndexedSlices):
        return x.values.op
    op = getattr(x, "op", x)
    if not isinstance(op, Operation):
        raise TypeError(f"Expected tf.group() inputs to be tensors or operations, got {x!r} of type {type(x)}")
    return op


def _flatten(inputs: Any) -> list[Any]:
    flat: list[Any] = []
    for x in inputs:
        if isinstance(x, dict):
            flat += _flatten(x.values())
        elif isinstance(x, (list, _tuple)):
            flat += _flatten(x)
        else:
            flat.append(x)
    return flat


def group(*inputs: Any, name: str | None = None, **kwargs: Any) -> Operation:
    """An operation that runs once all `inputs` (tensors, operations, variables, nested lists) have run."""
    if kwargs:
        raise ValueError(f"Unknown keyword arguments: {', '.join(kwargs)}")
    flat = _flatten(inputs)
    if not flat:
        return no_op(name=name)
    ops = list(dict.fromkeys(_operation(x) for x in flat))
    with ops[0].graph.as_default() if not get_default_graph().building_function else get_default_graph().as_default():
        with control_dependencies(ops):
            return no_op(name=name or "group_deps")


def tuple(tensors: Any, name: str | None = None, control_inputs: Any = None) -> list[Any]:
    """The tensors again, each available only once all of them (and `control_inputs`) have been computed."""
    with name_scope(name, "tuple", tensors):
        waits = [_operation(t) for t in tensors if t is not None]
        waits += [_operation(c) for c in control_inputs or []]
        if not any(t is not None for t in tensors):
            raise ValueError(f"Must have at least one Tensor: {tensors}")
        gate = group(*waits)
        out: list[Any] = []
        with control_dependencies([gate]):
            for t in tensors:
                if t is None:
                    out.append(None)
                elif isinstance(t, IndexedSlices):
                    out.append(
                        IndexedSlices(raw.Identity(t.values, name="control_dependency"), t.indices, t.dense_shape)
                    )
                else:
                    out.append(raw.Identity(convert_to_tensor(t), name="control_dependency"))
        return out


not_differentiable("Const", "Placeholder", "_Arg", "NoOp")


@gradient("PlaceholderWithDefault")
def _placeholder_with_default_grad(op: Operation, grad: Any) -> Any:
    return grad
