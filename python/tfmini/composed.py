"""Ops of tfmini's own in terms of TensorFlow's: what stands for them in exported graphs.

Beside such an op's gradient, or where it is used:

    @composed("_LSTMGates")
    def _(op, z, c_prev): ...          # tensors like the op's inputs -> tensors like its outputs, made of TensorFlow's ops
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tfmini import raw
from tfmini.graph import Graph, Operation, Tensor, name_scope

__all__ = ["Composition", "composed", "composition"]

_compositions: dict[str, Callable[..., Sequence[Tensor]]] = {}


def composed(op_type: str) -> Callable[[Callable[..., Sequence[Tensor]]], Callable[..., Sequence[Tensor]]]:
    """Registers how ops of this type are made of TensorFlow's ops."""

    def register(fn: Callable[..., Sequence[Tensor]]) -> Callable[..., Sequence[Tensor]]:
        _compositions[op_type] = fn
        return fn

    return register


@dataclass(frozen=True)
class Composition:
    """One op in a graph of its own, its parts in a name scope that is called like the op.

    inputs: what stands for the op's inputs; not parts. parts: in order. outputs: like the op's.
    """

    inputs: list[Tensor]
    parts: list[Operation]
    outputs: list[Tensor]


def composition(op: Operation) -> Composition | None:
    """What stands for `op` in exported graphs, if it must not stand there itself."""
    fn = _compositions.get(op.type)
    if fn is None:
        return None
    with Graph().as_default() as graph:
        inputs = [_stand_in(t) for t in op.inputs]
        with name_scope(op.name + "/"):
            outputs = list(fn(op, *inputs))
        stand_ins = {t.op for t in inputs}
        return Composition(inputs, [o for o in graph.get_operations() if o not in stand_ins], outputs)


def _stand_in(t: Tensor) -> Tensor:
    dtype: Any = t.dtype.base_dtype
    if t.dtype._is_ref_dtype:
        return raw.VariableV2(shape=t.shape, dtype=dtype)
    return raw.Placeholder(dtype=dtype, shape=t.shape)
