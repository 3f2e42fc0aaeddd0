"""The scopes that give the nodes created inside dependencies, devices and other properties."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from tfmini import device as device_lib
from tfmini.operation import Operation, Tensor
from tfmini.scopes import ControlFrame, Scopes

__all__ = ["NodeScopes"]


class NodeScopes:
    """The part of `Graph` that keeps these scopes."""

    _scopes: Scopes
    _container: str
    _gradient_overrides: dict[str, str]

    def as_graph_element(self, obj: Any) -> Any:
        """See `Lookup`."""
        raise NotImplementedError

    @contextlib.contextmanager
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """Nodes created inside run after `control_inputs`; None clears all dependencies."""
        scopes = self._scopes
        old = scopes.control
        if control_inputs is None:
            scopes.control = []
        else:
            if isinstance(control_inputs, (Tensor, Operation)):
                raise TypeError("control_inputs must be a list of operations and tensors")
            ops = []
            for c in control_inputs:
                element = self.as_control_input(c)
                if element is not None:
                    ops.append(element._id)
            scopes.control = old + [ControlFrame(ops)]
        try:
            yield
        finally:
            scopes.control = old

    def as_control_input(self, obj: Any) -> Operation | None:
        """The operation to wait for; None if it is outside a function and so has run already."""
        for part in ("op", "_as_graph_element"):
            if not isinstance(obj, (Tensor, Operation, str)) and hasattr(obj, part):
                obj = getattr(obj, part)
                obj = obj() if callable(obj) else obj
        element = self.as_graph_element(obj)
        return element.op if isinstance(element, Tensor) else element

    @contextlib.contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        scopes = self._scopes
        old = scopes.devices
        scopes.devices = old + [device_lib.DeviceFrame(old[-1] if old else None, device_name_or_function)]
        try:
            yield
        finally:
            scopes.devices = old

    @contextlib.contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        op = getattr(op, "op", op)
        device = getattr(op, "_device", None)
        if device:
            with self.device(device):
                yield
        else:
            yield

    @contextlib.contextmanager
    def container(self, container_name: str) -> Iterator[str]:
        old, self._container = self._container, container_name
        try:
            yield container_name
        finally:
            self._container = old

    @contextlib.contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Iterator[None]:
        """Nodes created inside use the gradient registered under another name."""
        scopes = self._scopes
        old = scopes.attrs
        scopes.attrs = {**old, **op_type_map}
        try:
            yield
        finally:
            scopes.attrs = old

    def gradient_override(self, op: Operation) -> str | None:
        """The gradient name a gradient_override_map has set for this node."""
        return self._gradient_overrides.get(op.name)
