"""Finding the nodes and tensors of a graph by name, or by what stands for them."""

from __future__ import annotations

from typing import Any

from tfmini.operation import Operation, Tensor

__all__ = ["Lookup"]


class Lookup:
    """The part of `Graph` that finds its elements."""

    _ops: list[Operation]
    _by_name: dict[str, Operation]

    def get_operations(self) -> list[Operation]:
        return list(self._ops)

    def get_operation_by_name(self, name: str) -> Operation:
        """Raises KeyError if there is none, TypeError unless `name` is a string."""
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_tensor=False)

    def get_tensor_by_name(self, name: str) -> Tensor:
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_operation=False)

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """The Tensor or Operation that `obj` (an object or a name) stands for in this graph."""
        convert = getattr(obj, "_as_graph_element", None)
        if convert is not None:
            obj = convert()
        if isinstance(obj, Tensor) and allow_tensor or isinstance(obj, Operation) and allow_operation:
            if obj.graph is not self:
                raise ValueError(f"{obj!r} is not an element of this graph.")
            return obj
        if isinstance(obj, bytes):
            obj = obj.decode()
        if not isinstance(obj, str):
            kinds = " or ".join(k for k, on in (("Tensor", allow_tensor), ("Operation", allow_operation)) if on)
            raise TypeError(f"Can not convert a {type(obj).__name__} into a {kinds}.")
        return self._element_by_name(obj, allow_tensor, allow_operation)

    def _element_by_name(self, name: str, allow_tensor: bool, allow_operation: bool) -> Any:
        op_name, colon, index = name.partition(":")
        op = self._by_name.get(op_name)
        if colon:
            if not allow_tensor:
                raise ValueError(f"Name '{name}' appears to refer to a Tensor, not an Operation.")
            if not index.isdigit():
                raise ValueError(f"The name '{name}' looks like a tensor name, but is not '<op_name>:<output_index>'.")
            if op is None:
                raise KeyError(f"The name '{name}' refers to a Tensor which does not exist: no operation '{op_name}'.")
            if int(index) >= len(op.outputs):
                raise KeyError(
                    f"The name '{name}' refers to a Tensor which does not exist: '{op_name}' has {len(op.outputs)} output(s)."
                )
            return op.outputs[int(index)]
        if not allow_operation:
            hint = f" Did you mean '{name}:0'?" if op else ""
            raise ValueError(f"The name '{name}' is not '<op_name>:<output_index>', as tensor names are.{hint}")
        if op is None:
            raise KeyError(f"The name '{name}' refers to an Operation not in the graph.")
        return op
