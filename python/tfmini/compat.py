"""Bytes, text and number types of both Pythons (``tf.compat``)."""

from __future__ import annotations

import numbers
import os
import sys
from typing import Any

import numpy as np

__all__ = [
    "as_bytes", "as_str", "as_str_any", "as_text", "bytes_or_text_types", "complex_types", "disable_control_flow_v2",
    "disable_eager_execution", "disable_resource_variables", "disable_tensor_equality", "disable_v2_behavior",
    "disable_v2_tensorshape", "enable_control_flow_v2", "enable_eager_execution", "enable_resource_variables",
    "executing_eagerly", "integral_types", "path_to_str", "real_types",
]  # fmt: skip

integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
complex_types = (numbers.Complex, np.number)
bytes_or_text_types = (bytes, str)


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """`bytes_or_text` as bytes; TypeError if it is neither text nor bytes."""
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, (bytes, bytearray)):
        return bytes(bytes_or_text)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """`bytes_or_text` as str; TypeError if it is neither text nor bytes."""
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, (bytes, bytearray)):
        return bytes(bytes_or_text).decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


as_str = as_text


def as_str_any(value: Any) -> str:
    """`value` as str: bytes are decoded, anything else goes through ``str()``."""
    return as_str(value) if isinstance(value, (bytes, bytearray)) else str(value)


def path_to_str(path: Any) -> Any:
    """A path-like object as str; anything else unchanged."""
    return as_str_any(os.fspath(path)) if hasattr(path, "__fspath__") else path


def disable_v2_behavior() -> None:
    """Nothing to do: there is no other behaviour. For programs written against tf.compat.v1."""


disable_eager_execution = disable_v2_behavior
disable_resource_variables = disable_v2_behavior
enable_resource_variables = disable_v2_behavior
disable_v2_tensorshape = disable_v2_behavior
disable_tensor_equality = disable_v2_behavior
disable_control_flow_v2 = disable_v2_behavior
enable_control_flow_v2 = disable_v2_behavior


def enable_eager_execution(*_: Any, **__: Any) -> None:
    """Refused: tfmini builds graphs and runs them in sessions."""
    raise NotImplementedError("tfmini has no eager execution: build a graph and run it in a tf.Session")


def executing_eagerly() -> bool:
    return False


def __getattr__(name: str) -> Any:
    # tf.compat.v1 is this package: it has only the one API.
    if name == "v1":
        return sys.modules[__name__.rpartition(".")[0]]
    raise AttributeError(f"module 'tfmini.compat' has no attribute {name!r}")
