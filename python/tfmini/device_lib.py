"""TensorFlow's `device_lib`."""

from __future__ import annotations

from typing import Any

from tfmini.device import DeviceAttributes, list_devices

__all__ = ["list_local_devices"]


def list_local_devices(session_config: Any = None) -> list[DeviceAttributes]:
    """The devices of this machine: name, device_type, memory_limit, physical_device_desc."""
    del session_config
    return list_devices()
