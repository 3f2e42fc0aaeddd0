"""The scope stacks of a graph, and the stacks of default graphs and sessions; per thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfmini.device import DeviceFrame
    from tfmini.graph import Graph
    from tfmini.operation import Tensor

__all__ = ["ControlFrame", "NameScope", "Scope", "Scopes", "stacks"]


class Scopes(threading.local):
    """The scope stacks of one graph, per thread."""

    def __init__(self) -> None:
        self.name = ""
        self.control: list[ControlFrame] = []
        self.devices: list[DeviceFrame] = []
        self.attrs: dict[str, str] = {}


class Scope:
    """Sets one of the stacks inside a `with` block. A class, because making a variable enters four."""

    __slots__ = ("_field", "_old", "_scopes", "_value")

    def __init__(self, scopes: Scopes, field: str, value: Any):
        self._scopes = scopes
        self._field = field
        self._value = value

    def __enter__(self) -> None:
        self._old = getattr(self._scopes, self._field)
        setattr(self._scopes, self._field, self._value)

    def __exit__(self, *exc: Any) -> None:
        setattr(self._scopes, self._field, self._old)


class NameScope:
    """`Graph.name_scope` as a context manager; a class, because every op function enters one."""

    __slots__ = ("_graph", "_name", "_old")

    def __init__(self, graph: Graph, name: str | None):
        self._graph = graph
        self._name = name

    def __enter__(self) -> str:
        self._old = self._graph._enter_scope(self._name)
        scope = self._graph._scopes.name
        return scope + "/" if scope else ""

    def __exit__(self, *exc: Any) -> None:
        self._graph._scopes.name = self._old


class ControlFrame:
    """One `control_dependencies` block: what to wait for, and the nodes made inside."""

    __slots__ = ("ids", "ops")

    def __init__(self, ids: list[int]):
        self.ids = ids
        self.ops: set[int] = set()

    def ids_for(self, inputs: list[Tensor]) -> list[int]:
        # A node fed by one that already waits need not wait itself, nor need it wait for one that feeds it.
        feeding = {t.op._id for t in inputs}
        return [] if feeding & self.ops else [i for i in self.ids if i not in feeding]


class Stacks(threading.local):
    def __init__(self) -> None:
        self.graphs: list[Graph] = []
        self.sessions: list[Any] = []


stacks = Stacks()
