"""Graphs: nodes under unique names, name scopes, control dependencies, devices, collections.

The nodes themselves live in C++ (`_core.Graph`, which also infers dtypes and shapes); this module
keeps what programs see of them, and the stack of default graphs and sessions.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tfmini import _core, errors
from tfmini.graph_collections import Collections
from tfmini.graph_lookup import Lookup
from tfmini.graph_scopes import NodeScopes
from tfmini.operation import Operation, Tensor, user_line
from tfmini.scopes import NameScope, Scopes, stacks

__all__ = [
    "Graph",
    "Operation",
    "Tensor",
    "colocate_with",
    "container",
    "control_dependencies",
    "device",
    "get_default_graph",
    "get_default_session",
    "name_scope",
    "reset_default_graph",
]

_VALID_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
_VALID_SCOPE = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")


class Graph(Collections, Lookup, NodeScopes):
    """A TensorFlow graph: operations in the order they were created."""

    building_function = False

    def __init__(self) -> None:
        self._core = _core.Graph()
        self._ops: list[Operation] = []
        self._by_name: dict[str, Operation] = {}
        self._names_in_use: dict[str, int] = {}
        self._collections: dict[str, list[Any]] = {}
        self._lock = threading.RLock()
        self._scopes = Scopes()
        self._local = threading.local()  # of other modules: the variable scope
        self._finalized = False
        self.seed: int | None = None
        self._unfeedable: set[Tensor] = set()
        self._unfetchable: set[Operation] = set()
        self._gradient_overrides: dict[str, str] = {}
        self._container = ""
        # What control flow nodes need to know of their functions when gradients are taken.
        self._functions: dict[Operation, dict[str, Any]] = {}

    @property
    def _name_stack(self) -> str:
        return self._scopes.name

    def get_name_scope(self) -> str:
        return self._scopes.name

    # --- nodes -----------------------------------------------------------------------------------
    def create_op(
        self,
        op_type: str,
        inputs: Sequence[Sequence[Tensor]],
        attrs: dict[str, Any] | None = None,
        name: str | None = None,
        control_inputs: Iterable[Operation] = (),
    ) -> Operation:
        """Adds a node. `inputs`: one list of tensors per declared input of the op.

        Raises ValueError or TypeError, naming the node and the user's line, if the op refuses.
        """
        self._check_open()
        scopes = self._scopes
        with self._lock:
            if name is None:
                unique = self.unique_name(op_type.lstrip("_"))  # names may not start with one
            else:
                unique = name[:-1] if name and name[-1] == "/" else self.unique_name(name)
                if not _VALID_NAME.match(unique):
                    raise ValueError(f"'{unique}' is not a valid node name")
            flat: list[Tensor] = []
            keys = []
            for group in inputs:
                first = len(flat)
                for t in group:
                    flat.append(t if t.op.graph is self else self.capture(t))
                keys.append([(t.op._id, t.value_index) for t in flat[first:]])
            control = [op._id for op in control_inputs]
            for frame in scopes.control:
                control += frame.ids_for(flat)
            text = scopes.devices[-1].text if scopes.devices else ""
            try:
                node_id, types = self._core.add(op_type, unique, keys, control, attrs or {}, text)
            except _core.StatusError as e:
                raise errors.build_error(e, op_type, unique, user_line()) from None
            op = Operation(self, node_id, unique, op_type, types, flat, text)
            self._ops.append(op)
            self._by_name[unique] = op
            for frame in scopes.control:
                frame.ops.add(node_id)
            if op_type in scopes.attrs:
                self._gradient_overrides[unique] = scopes.attrs[op_type]
            if scopes.devices and scopes.devices[-1].functions:
                op._set_device(scopes.devices[-1].apply(op))
            return op

    def capture(self, tensor: Tensor) -> Tensor:
        raise ValueError(
            f"Tensor '{tensor.name}' must be from the same graph as the operation that uses it. Build both inside one "
            "`with graph.as_default():` block."
        )

    @property
    def _last_id(self) -> int:
        """Number of nodes so far; op seeds derive from it (see random_seed.py)."""
        return len(self._ops)

    @property
    def version(self) -> int:
        return len(self._ops)

    # --- names -----------------------------------------------------------------------------------
    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """`name` inside the current scope, with the suffix _1, _2, ... that makes it new.

        Names that differ in case alone count as equal, as in TensorFlow.
        """
        stack = self._scopes.name
        if stack:
            name = f"{stack}/{name}"
        key = name.lower()
        used = self._names_in_use
        i = used.get(key, 0)
        if mark_as_used:
            used[key] = i + 1
        if i > 0:
            base = key
            while key in used:
                key = f"{base}_{i}"
                i += 1
            if mark_as_used:
                used[key] = 1
            name = f"{name}_{i - 1}"
        return name

    def name_scope(self, name: str | None) -> NameScope:
        """Prefixes the names of nodes created inside. A trailing "/" re-enters that very scope;
        None or "" returns to the top."""
        return NameScope(self, name)

    def _enter_scope(self, name: str | None) -> str:
        """Makes `name` the current scope; returns the previous one."""
        scopes = self._scopes
        old = scopes.name
        if name:
            if not (_VALID_SCOPE if old else _VALID_NAME).match(name):
                raise ValueError(f"'{name}' is not a valid scope name")
        if not name:
            scopes.name = ""
        elif name[-1] == "/":
            scopes.name = name[:-1]
        else:
            with self._lock:
                scopes.name = self.unique_name(name)
        return old

    # --- life -------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def as_default(self) -> Iterator[Graph]:
        stacks.graphs.append(self)
        try:
            yield self
        finally:
            stacks.graphs.pop()

    def finalize(self) -> None:
        """Makes the graph read-only."""
        self._finalized = True

    def _unsafe_unfinalize(self) -> None:
        self._finalized = False

    @property
    def finalized(self) -> bool:
        return self._finalized

    def _check_open(self) -> None:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    def prevent_feeding(self, tensor: Tensor) -> None:
        self._unfeedable.add(tensor)

    def prevent_fetching(self, op: Operation) -> None:
        self._unfetchable.add(op)

    def is_feedable(self, tensor: Tensor) -> bool:
        return tensor not in self._unfeedable

    def is_fetchable(self, element: Any) -> bool:
        return (element.op if isinstance(element, Tensor) else element) not in self._unfetchable

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> Any:
        """This graph as a GraphDef proto (needs the extra `tensorboard`)."""
        from tfmini.graph_export import graph_def

        return graph_def(self, add_shapes=add_shapes)

    def _session_for(self, session: Any, what: str) -> Any:
        if session is None:
            session = get_default_session()
            if session is None:
                raise ValueError(
                    f"Cannot use {what}: no default session is registered. Use `with sess.as_default()` or pass "
                    "session=sess."
                )
        if session.graph is not self:
            raise ValueError(f"Cannot use {what}: the session belongs to another graph than this tensor or operation.")
        return session


# --- default graph and session ---------------------------------------------------------------------
_global_graph: Graph | None = None


def get_default_graph() -> Graph:
    """The graph that op functions add to: the innermost `as_default`, else one global graph."""
    global _global_graph
    if stacks.graphs:
        return stacks.graphs[-1]
    if _global_graph is None:
        _global_graph = Graph()
    return _global_graph


def reset_default_graph() -> None:
    """Replaces the global default graph by an empty one. Not allowed inside `as_default`."""
    global _global_graph
    if stacks.graphs:
        raise AssertionError(
            "tf.reset_default_graph() does not work inside as_default(); create a new tf.Graph instead."
        )
    _global_graph = Graph()


def get_default_session() -> Any:
    """The innermost session entered by `with sess:` or `sess.as_default()`; None if there is none."""
    return stacks.sessions[-1] if stacks.sessions else None


def graph_of(values: Iterable[Any]) -> Graph:
    """The graph the given tensors belong to, else the default graph.

    Inside a function body the body's graph wins: outer tensors are captured.
    """
    current = get_default_graph()
    if current.building_function:
        return current
    for v in values:
        g = getattr(v, "graph", None)
        if isinstance(g, Graph):
            return g
    return current


class name_scope:
    """A name scope for an op function: `name`, or `default_name` if that is None.

    Also makes the graph of `values` the default graph inside. Yields the scope name ending in "/".
    Raises TypeError if the name is not a string, ValueError if there is none.
    """

    __slots__ = ("_inner", "_outer", "_values", "name")

    def __init__(self, name: str | None = None, default_name: str | None = None, values: Any = None):
        if name is not None and not isinstance(name, (str, bytes)):
            raise TypeError(f"name for name_scope must be a string, got {name!r}")
        self.name = default_name if name is None else name
        if self.name is None and values is not None:
            raise ValueError("name_scope needs a name or a default_name.")
        self._values = values

    def __enter__(self) -> str:
        current = get_default_graph()
        graph = graph_of(self._values) if self._values else current
        self._outer = None
        if graph is not current:
            self._outer = graph.as_default()
            self._outer.__enter__()
        self._inner = NameScope(graph, self.name)
        try:
            return self._inner.__enter__()
        except Exception:
            if self._outer is not None:
                self._outer.__exit__(None, None, None)
            raise

    def __exit__(self, *exc: Any) -> None:
        self._inner.__exit__(*exc)
        if self._outer is not None:
            self._outer.__exit__(None, None, None)


def control_dependencies(control_inputs: Any) -> Any:
    """See `Graph.control_dependencies`."""
    return get_default_graph().control_dependencies(control_inputs)


def device(device_name_or_function: Any) -> Any:
    """Places the nodes created inside on a device: "/cpu:0", "/gpu:1", "/device:GPU:0", ..."""
    return get_default_graph().device(device_name_or_function)


def colocate_with(op: Any, ignore_existing: bool = False) -> Any:
    return get_default_graph().colocate_with(op, ignore_existing)


def container(container_name: str) -> Any:
    return get_default_graph().container(container_name)


def convert_to_tensor(value: Any, dtype: Any = None, name: str | None = None, **kwargs: Any) -> Tensor:
    """See `tfmini.convert.convert_to_tensor`; here so that op modules need one import."""
    from tfmini.convert import convert_to_tensor as convert

    return convert(value, dtype, name, **kwargs)
