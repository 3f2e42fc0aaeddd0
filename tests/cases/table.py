"""Rows of the op tables.

Each file beside this one describes one op family as `CASES: list[Case]` and `BAD: list[Bad]`. A row
feeds every check in tests/test_ops.py (values, gradient, shapes, ISAs, memory reuse, threads) and,
where it states its `work`, `bench/run_ops.py cases`.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

FLOATS = ("float32", "float64")
HALVES = ("float16", "bfloat16")
ALL_FLOATS = FLOATS + HALVES
INTS = ("int32", "int64")
ALL_INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16")
NUMBERS = ALL_FLOATS + INTS

# Relative and absolute tolerance against a float64 reference that saw the same rounded inputs.
TOLERANCE = {"float64": 1e-12, "float32": 1e-5, "float16": 2e-3, "bfloat16": 2e-2}


@dataclass(frozen=True)
class Case:
    """One op (or public function) on one set of inputs.

    name: unique within its file, e.g. "softmax_rank3".
    fn: fn(*tensors) -> tensor or list of tensors. Called in a fresh graph.
    inputs: NumPy arrays. float64 ones are cast to the dtype under test, others are fed as they are.
    ref: ref(*arrays) -> array or list. Floating inputs arrive as float64, already rounded to the dtype
        under test; for integer dtypes they arrive in that dtype.
    dtypes: the dtypes the float64 inputs take in turn.
    grad: differentiate with respect to all floating inputs, to those of these indices, or not at all.
    tol: tolerance, or one per dtype name; default TOLERANCE.
    ops: the op types the row covers.
    work: (flops, bytes) for benchmarks.
    second: also check the gradient of the gradient.
    """

    name: str
    fn: Callable[..., Any]
    inputs: Sequence[Any]
    ref: Callable[..., Any]
    dtypes: Sequence[str] = FLOATS
    grad: bool | tuple[int, ...] = True
    tol: float | dict[str, float] | None = None
    ops: Sequence[str] = ()
    work: tuple[float, float] | None = None
    second: bool = False

    def tolerance(self, dtype: str) -> float:
        if isinstance(self.tol, dict) and dtype in self.tol:
            return self.tol[dtype]
        if isinstance(self.tol, (int, float)):
            return max(float(self.tol), TOLERANCE.get(dtype, 0.0) if dtype in HALVES else 0.0)
        return TOLERANCE.get(dtype, 0.0)


@dataclass(frozen=True)
class Bad:
    """Something wrong: fn() builds (and, for run-time errors, runs) it in a fresh graph, and must
    raise `error` with a message that matches the regular expression `match`."""

    name: str
    fn: Callable[[], Any]
    error: type[BaseException] | tuple[type[BaseException], ...]
    match: str


_streams: dict[str, np.random.Generator] = {}


def _rng() -> np.random.Generator:
    """One stream per case file, so that a file's inputs do not depend on which others are loaded."""
    frame = sys._getframe(1)
    while frame.f_globals["__name__"] == __name__ and frame.f_back is not None:
        frame = frame.f_back
    name = str(frame.f_globals["__name__"]).rpartition(".")[2]
    if name not in _streams:
        _streams[name] = np.random.default_rng([ord(c) for c in name])
    return _streams[name]


def rand(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    """Uniform float64 in [low, high)."""
    return _rng().uniform(low, high, shape)


def positive(*shape: int) -> np.ndarray:
    """Uniform float64 in [0.1, 2)."""
    return rand(*shape, low=0.1, high=2.0)


def randn(*shape: int) -> np.ndarray:
    """Standard normal float64."""
    return _rng().standard_normal(shape)


def ints(*shape: int, low: int = 0, high: int = 10, dtype: str = "int32") -> np.ndarray:
    """Uniform integers in [low, high)."""
    return _rng().integers(low, high, shape).astype(dtype)


def bools(*shape: int) -> np.ndarray:
    """Fair coin flips."""
    return _rng().integers(0, 2, shape).astype(bool)


def distinct(*shape: int) -> np.ndarray:
    """float64 values at least 0.05 apart and away from 0 in random order: no ties, no kinks."""
    n = int(np.prod(shape))
    return ((_rng().permutation(n) - n // 2) * 0.05 + 0.0125).reshape(shape)
