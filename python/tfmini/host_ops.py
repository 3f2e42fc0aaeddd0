"""Ops whose kernels are Python functions: cold, Python-shaped work such as summaries and py_func.

They run with the GIL held, and a graph that contains one needs Python to run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfmini import _core

__all__ = ["register_host_op"]


def register_host_op(op_type: str, function: Callable[..., Any]) -> None:
    """Makes `function(attrs, *arrays)` the CPU kernel of `op_type`.

    `attrs` is the node's attributes as a dict; the arrays are the inputs (strings as bytes objects).
    It returns one array per output (a single one need not be in a list). The op's definition must
    say `.dynamic_output()`, since shapes are known only afterwards.
    """
    _core.register_host_kernel(op_type, function)
