"""Device names: "/cpu:0", "/gpu:1", "/job:worker/task:0/device:GPU:1" and their merging."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_PART = re.compile(r"^(?:(job|replica|task):([\w*]+)|(?:device:)?(cpu|gpu|CPU|GPU)(?::(\d+|\*))?)$")


def parse(name: str) -> dict[str, str]:
    """The parts of a device name: job, replica, task, type ("CPU", "GPU"), index.

    Raises ValueError for a name TensorFlow would not parse.
    """
    parts: dict[str, str] = {}
    for piece in filter(None, name.split("/")):
        m = _PART.match(piece)
        if m is None:
            raise ValueError(
                f"'{name}' is not a device name; write '/cpu:0', '/gpu:1', '/device:GPU:0' or '/job:worker/task:0/gpu:0'"
            )
        if m[1]:
            parts[m[1]] = m[2]
        else:
            parts["type"] = m[3].upper()
            parts["index"] = m[4] or "0"
    return parts


def canonical(parts: dict[str, str]) -> str:
    text = "".join(f"/{key}:{parts[key]}" for key in ("job", "replica", "task") if key in parts)
    return text + (f"/device:{parts['type']}:{parts['index']}" if "type" in parts else "")


class DeviceFrame:
    """One `tf.device` block: the merged name so far and the device functions still to ask."""

    __slots__ = ("text", "functions")

    def __init__(self, outer: DeviceFrame | None, spec: Any):
        self.text: str = outer.text if outer else ""
        self.functions: tuple[Callable[[Any], Any], ...] = outer.functions if outer else ()
        if spec is None:
            self.text, self.functions = "", ()
        elif callable(spec) and not hasattr(spec, "to_string"):
            self.functions = (*self.functions, spec)
        else:
            self.text = merge(self.text, spec.to_string() if hasattr(spec, "to_string") else spec)

    def apply(self, op: Any) -> str:
        text = self.text
        for function in reversed(self.functions):  # the innermost decides
            answer = function(op)
            if answer:
                text = merge(answer.to_string() if hasattr(answer, "to_string") else answer, text)
        return text


def merge(outer: str, inner: str) -> str:
    """`inner`'s parts win over `outer`'s."""
    return canonical({**parse(outer), **parse(inner)})


class DeviceAttributes:
    """A device of this machine, as `Session.list_devices()` gives it."""

    def __init__(self, name: str, device_type: str, memory_limit: int, physical_device_desc: str):
        self.name = name
        self.device_type = device_type
        self.memory_limit = memory_limit
        self.physical_device_desc = physical_device_desc

    memory_limit_bytes = property(lambda self: self.memory_limit)

    def __repr__(self) -> str:
        return (
            f"DeviceAttributes({self.name!r}, {self.device_type}, {self.memory_limit}, {self.physical_device_desc!r})"
        )


def list_devices() -> list[DeviceAttributes]:
    """The devices of this machine: "/device:CPU:0", then the GPUs."""
    from tfmini import _core

    return [DeviceAttributes(*d) for d in _core.list_devices()]


def gpu_status() -> str:
    """Why no GPU can be used; "" if one can."""
    from tfmini import _core

    return _core.cuda_status()


def compute_capability(device: DeviceAttributes) -> tuple[int, int]:
    """Of a GPU, as its description says it."""
    major, minor = device.physical_device_desc.rpartition(" ")[2].split(".")
    return int(major), int(minor)
