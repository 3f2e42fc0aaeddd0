"""The scopes that give the nodes created inside dependencies, devices and other properties."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from tfmini import device as device_lib
from tfmini.operation import Operation, Tensor
from tfmini.scopes import ControlFrame, Scope, Scopes

__all__ = ["NodeScopes"]


class NodeScopes:
    """The part of `Graph` that keeps these scopes."""

    _scopes: Scopes
    _container: str
    _gradient_overrides: dict[str, str]

    def as_graph_element(self, obj: Any) -> Any:
        """See `Lookup`."""
        raise NotImplementedError

    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Scope:
        """Nodes created inside run after `control_inputs`; None clears all dependencies."""
        if control_inputs is None:
            return Scope(self._scopes, "control", [])
        if isinstance(control_inputs, (Tensor, Operation)):
            raise TypeError("control_inputs must be a list of operations and tensors")
        waits = [self.as_control_input(c) for c in control_inputs]
        frame = ControlFrame([op._id for op in waits if op is not None])
        return Scope(self._scopes, "control", [*self._scopes.control, frame])

    def as_control_input(self, obj: Any) -> Operation | None:
        """The operation to wait for; None if it is outside a function and so has run already."""
        for part in ("op", "_as_graph_element"):
            if not isinstance(obj, (Tensor, Operation, str)) and hasattr(obj, part):
                obj = getattr(obj, part)
                obj = obj() if callable(obj) else obj
        element = self.as_graph_element(obj)
        return element.op if isinstance(element, Tensor) else element

    def device(self, device_name_or_function: Any) -> Scope:
        devices = self._scopes.devices
        frame = device_lib.DeviceFrame(devices[-1] if devices else None, device_name_or_function)
        return Scope(self._scopes, "devices", [*devices, frame])

    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Scope:
        place = getattr(getattr(op, "op", op), "_device", None)
        return self.device(place) if place else Scope(self._scopes, "devices", self._scopes.devices)

    @contextlib.contextmanager
    def container(self, container_name: str) -> Iterator[str]:
        old, self._container = self._container, container_name
        try:
            yield container_name
        finally:
            self._container = old

    def gradient_override_map(self, op_type_map: dict[str, str]) -> Scope:
        """Nodes created inside use the gradient registered under another name."""
        return Scope(self._scopes, "attrs", {**self._scopes.attrs, **op_type_map})

    def gradient_override(self, op: Operation) -> str | None:
        """The gradient name a gradient_override_map has set for this node."""
        return self._gradient_overrides.get(op.name)
