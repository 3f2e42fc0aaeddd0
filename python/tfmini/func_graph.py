"""Graphs of functions: the branches of a cond, the body of a while_loop.

A tensor of an enclosing graph that is used inside becomes a captured input: an _Arg node, or a copy
of the constant or of the variable reference it stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfmini import _core
from tfmini.graph import Graph, Operation, Tensor, get_default_graph

__all__ = ["FuncGraph", "trace"]


class FuncGraph(Graph):
    """A graph nested in another. Shares names, collections and seed with it."""

    building_function = True

    def __init__(self, name: str, outer: Graph | None = None):
        super().__init__()
        self.function_name = name
        self.outer = get_default_graph() if outer is None else outer
        self.inputs: list[Tensor] = []  # _Arg outputs
        self.captures: dict[Tensor, Tensor] = {}  # outer tensor -> its _Arg here; insertion order is input order
        self._copies: dict[Tensor, Tensor] = {}  # outer constants and references -> their copies here
        self._names_in_use = self.outer._names_in_use
        self._collections = self.outer._collections
        self.seed = self.outer.seed
        outer_scopes = self.outer._scopes
        self._scopes.name = outer_scopes.name
        self._scopes.devices = outer_scopes.devices

    def add_input(self, dtype: Any, shape: Any, name: str) -> Tensor:
        """A formal argument."""
        op = self.create_op(
            "_Arg", [], {"T": dtype.base_dtype.as_datatype_enum, "index": len(self.inputs), "shape": shape}, name
        )
        self.inputs.append(op.outputs[0])
        return op.outputs[0]

    def capture(self, tensor: Tensor) -> Tensor:
        """The tensor in this graph that stands for one of an enclosing graph."""
        assigned = self._assigned_variable(tensor)
        if assigned is not None:
            return self.create_op("Identity", [[assigned]], {"T": tensor.dtype.as_datatype_enum}, "read").outputs[0]
        found = self.captures.get(tensor)
        if found is None:
            found = self._copies.get(tensor)
        if found is not None:
            return found
        if not self.can_capture(tensor.graph):
            raise ValueError(
                f"Tensor '{tensor.name}' belongs to a graph that does not enclose this one: it was probably created in "
                "another branch or loop body; return it from there instead"
            )
        if _is_small_constant(tensor) or tensor.dtype._is_ref_dtype:
            self._copies[tensor] = copy = self._copy(tensor)
            return copy
        source = tensor if tensor.graph is self.outer else self.outer.capture(tensor)
        with self.control_dependencies(None):
            arg = self.add_input(source.dtype, source._dims(), tensor.op.name.rpartition("/")[2])
        self.captures[source] = arg
        if source is not tensor:
            self._copies[tensor] = arg
        return arg

    def _assigned_variable(self, tensor: Tensor) -> Tensor | None:
        """The copy of the variable whose value `tensor` is, if nodes here assign to it: what was read outside is then old."""
        source = tensor.op._inputs[0] if tensor.op.type == "Identity" else None
        variable = self._copies.get(source) if source is not None and source.dtype._is_ref_dtype else None
        if variable is None or not any(t.dtype._is_ref_dtype for op in variable.consumers() for t in op.outputs):
            return None
        return variable

    def _copy(self, tensor: Tensor) -> Tensor:
        """A constant, or a variable's reference: a node of the same meaning in this graph."""
        op = tensor.op
        while op.type not in ("Const", "VariableV2", "Variable"):
            op = op._inputs[0].op  # an assignment passes its variable on
        attrs = op.graph._core.attrs(op._id)
        if op.type != "Const":
            attrs["shared_name"] = attrs["shared_name"] or op.name
        with self.control_dependencies(None):
            return self.create_op(op.type, [], attrs, op.name.rpartition("/")[2]).outputs[0]

    def can_capture(self, graph: Graph) -> bool:
        """May tensors of `graph` be used here?"""
        return graph is self.outer or (isinstance(self.outer, FuncGraph) and self.outer.can_capture(graph))

    def as_control_input(self, obj: Any) -> Operation | None:
        try:
            return super().as_control_input(obj)
        except ValueError:
            # A node outside has run before the function starts... if somebody waits for it.
            graph = getattr(getattr(obj, "op", obj), "graph", None)
            if graph is not None and self.can_capture(graph):
                self.outer_control_inputs.append(getattr(obj, "op", obj))
                return None
            raise

    @property
    def outer_control_inputs(self) -> list[Any]:
        """Nodes of enclosing graphs that code inside asked to wait for."""
        if not hasattr(self, "_outer_control"):
            self._outer_control: list[Any] = []
        return self._outer_control

    def function(
        self, outputs: list[Tensor], control_outputs: Any = (), inputs: list[Tensor] | None = None
    ) -> _core.Function:
        return _core.Function(
            self.function_name,
            self._core,
            [t._key for t in (self.inputs if inputs is None else inputs)],
            [t._key for t in outputs],
            [op._id for op in control_outputs],
        )


def _is_small_constant(tensor: Tensor) -> bool:
    """Small integer constants are copied into functions, where shape rules can see them. Floating ones
    are captured like any tensor, since programs may ask for gradients with respect to them."""
    if tensor.op.type != "Const" or tensor.dtype.is_floating or tensor.dtype.is_complex:
        return False
    return tensor.shape.num_elements() <= 1024  # type: ignore[operator]


def trace(graph: FuncGraph, fn: Callable[..., Any], *args: Any) -> Any:
    """Calls `fn` with `graph` as the default graph."""
    with graph.as_default():
        return fn(*args)
