"""The operators of Tensor: arithmetic, comparison, logic. `==` stays identity, as in TensorFlow 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfmini import raw
from tfmini.graph import Tensor, convert_to_tensor, name_scope

__all__ = ["install"]

Builder = Callable[..., Tensor]

# What x / y computes in, for types that do not divide by themselves.
_TRUEDIV = {
    "uint8": "float32", "int8": "float32", "uint16": "float32", "int16": "float32",
    "int32": "float64", "int64": "float64", "uint32": "float64", "uint64": "float64",
}  # fmt: skip


def truediv(x: Tensor, y: Tensor, name: str) -> Tensor:
    """x / y as in Python 3. `name` is a scope name, with a trailing slash if there may be casts to name."""
    dtype = x.dtype.base_dtype
    if dtype.is_floating or dtype.is_complex:
        return raw.RealDiv(x, y, name=name)
    wide = _TRUEDIV.get(dtype.name)
    if wide is None:
        raise TypeError(f"Invalid dtype {dtype!r} in __truediv__; cast to a number first")
    with name_scope(name, values=[x, y]) as scope:
        return raw.RealDiv(raw.Cast(x, DstT=wide), raw.Cast(y, DstT=wide), name=scope)


def div(x: Tensor, y: Tensor, name: str) -> Tensor:
    """x / y as in Python 2: integers are divided with rounding down."""
    return (raw.FloorDiv if x.dtype.is_integer else raw.RealDiv)(x, y, name=name)


def _add(x: Tensor, y: Tensor, name: str) -> Tensor:
    return (raw.Add if x.dtype.name == "string" else raw.AddV2)(x, y, name=name)


def _matmul(x: Tensor, y: Tensor, name: str) -> Tensor:
    ranks = x.shape.ndims, y.shape.ndims
    if ranks == (2, 2):
        return raw.MatMul(x, y, name=name)
    return raw.BatchMatMulV2(x, y, name=name)


def _logical(for_bools: str, for_ints: str) -> Builder:
    def build(x: Tensor, y: Tensor, name: str) -> Tensor:
        return getattr(raw, for_bools if x.dtype.is_bool else for_ints)(x, y, name=name)

    return build


def _xor(x: Tensor, y: Tensor, name: str) -> Tensor:
    if not x.dtype.is_bool:
        return raw.BitwiseXor(x, y, name=name)
    with name_scope(name, values=[x, y]) as scope:
        return raw.LogicalAnd(raw.LogicalOr(x, y), raw.LogicalNot(raw.LogicalAnd(x, y)), name=scope)


def _raw(op_type: str) -> Builder:
    def build(x: Tensor, y: Tensor, name: str) -> Tensor:
        return getattr(raw, op_type)(x, y, name=name)

    return build


def _operators(builder: Builder, name: str, method: str) -> tuple[Any, Any]:
    """The operator and its reflection."""
    reflected = f"__r{method}__"

    def operand(value: Any, tensor: Tensor, arg: str) -> Any:
        try:
            return convert_to_tensor(value, None if hasattr(value, "dtype") else tensor.dtype.base_dtype, name=arg)
        except TypeError:
            # Another library's type may know how to combine itself with a tensor.
            known = isinstance(value, (bool, int, float, complex, str, bytes, list, tuple, np.ndarray, np.generic))
            if known or not hasattr(type(value), reflected):
                raise
            return NotImplemented

    def forward(x: Tensor, y: Any) -> Any:
        if type(y) is Tensor:
            return builder(x, y, name)
        with name_scope(None, name, [x]) as scope:
            y = operand(y, x, "y")
            return y if y is NotImplemented else builder(x, y, scope)

    def backward(y: Tensor, x: Any) -> Any:
        with name_scope(None, name, [y]) as scope:
            x = operand(x, y, "x")
            return x if x is NotImplemented else builder(x, y, scope)

    return forward, backward


def _comparison(op_type: str) -> Any:
    def compare(x: Tensor, y: Any) -> Tensor:
        return getattr(raw, op_type)(x, y)

    return compare


def _unary(op_type: str) -> Any:
    def apply(x: Tensor) -> Tensor:
        return getattr(raw, op_type)(x)

    return apply


def _invert(x: Tensor) -> Tensor:
    return raw.LogicalNot(x) if x.dtype.is_bool else raw.Invert(x)


def install() -> None:
    """Puts the operators on Tensor."""
    arithmetic: dict[str, tuple[Builder, str]] = {
        "add": (_add, "add"),
        "sub": (_raw("Sub"), "sub"),
        "mul": (_raw("Mul"), "mul"),
        "truediv": (truediv, "truediv"),
        "div": (div, "div"),
        "floordiv": (_raw("FloorDiv"), "floordiv"),
        "mod": (_raw("FloorMod"), "mod"),
        "pow": (_raw("Pow"), "pow"),
        "matmul": (_matmul, "matmul"),
        "and": (_logical("LogicalAnd", "BitwiseAnd"), "and"),
        "or": (_logical("LogicalOr", "BitwiseOr"), "or"),
        "xor": (_xor, "xor"),
    }
    methods: dict[str, Any] = {}
    for method, (builder, name) in arithmetic.items():
        methods[f"__{method}__"], methods[f"__r{method}__"] = _operators(builder, name, method)
    for method, op_type in {"lt": "Less", "le": "LessEqual", "gt": "Greater", "ge": "GreaterEqual"}.items():
        methods[f"__{method}__"] = _comparison(op_type)
    methods["__neg__"], methods["__abs__"], methods["__invert__"] = _unary("Neg"), _unary("Abs"), _invert
    methods["__pos__"] = lambda x: x
    for method, function in methods.items():
        function.__name__ = method
        function.__qualname__ = f"Tensor.{method}"
        setattr(Tensor, method, function)


install()
