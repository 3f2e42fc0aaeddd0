"""Assertions about values and shapes, and tf.Print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfmini import dtypes, raw
from tfmini.autodiff import gradient, not_differentiable
from tfmini.constant_value import constant_value
from tfmini.convert import convert_to_tensor
from tfmini.graph import Operation, Tensor, name_scope

__all__ = [
    "Assert",
    "Print",
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_integer",
    "assert_less",
    "assert_less_equal",
    "assert_near",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "assert_rank",
    "assert_rank_at_least",
    "assert_rank_in",
    "assert_scalar",
    "assert_type",
    "is_non_decreasing",
    "is_numeric_tensor",
    "is_strictly_increasing",
]


def Assert(condition: Any, data: Any, summarize: int | None = None, name: str | None = None) -> Operation:
    """An operation that fails with InvalidArgumentError, showing `data`, unless `condition` holds."""
    with name_scope(name, "Assert", [condition, *data]):
        return raw.Assert(condition, list(data), summarize=3 if summarize is None else summarize, name="Assert")


def Print(
    input_: Any,
    data: Any,
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """`input_`; running it prints `message` and the first `summarize` (3) elements of each of `data` to
    standard error, at most `first_n` times per session."""
    return raw.Print(
        input_,
        list(data),
        message=message or "",
        first_n=-1 if first_n is None else first_n,
        summarize=3 if summarize is None else summarize,
        name=name,
    )


not_differentiable("Assert")


@gradient("Print")
def _print_grad(op: Operation, grad: Any) -> list[Any]:
    return [grad] + [None] * (len(op.inputs) - 1)


def _compare(
    what: str, test: Callable[[Any, Any], Any], numpy_test: Callable[[Any, Any], Any]
) -> Callable[..., Operation]:
    def check(
        x: Any,
        y: Any,
        data: Any = None,
        summarize: int | None = None,
        message: str | None = None,
        name: str | None = None,
    ) -> Operation:
        with name_scope(name, f"assert_{what}", [x, y, *(data or [])]):
            x, y = _pair(x, y)
            left, right = constant_value(x), constant_value(y)
            if left is not None and right is not None and not np.all(numpy_test(left, right)):
                raise _static_error(
                    f"{message or ''}\nCondition x {_SYMBOLS[what]} y did not hold.\n{left}\n{right}".strip()
                )
            text = f"{message or ''} Condition x {_SYMBOLS[what]} y did not hold element-wise:".strip()
            shown = list(data) if data is not None else [text, f"x ({x.name}) = ", x, f"y ({y.name}) = ", y]
            return Assert(_all(test(x, y)), shown, summarize=summarize)

    check.__name__ = check.__qualname__ = f"assert_{what}"
    check.__doc__ = f"Fails unless x {_SYMBOLS[what]} y for every element (broadcasting); at once if both are known."
    return check


def _static_error(text: str) -> Exception:
    from tfmini import errors

    return errors.InvalidArgumentError(None, None, text)


def _pair(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    if isinstance(y, Tensor) and not isinstance(x, Tensor):
        return convert_to_tensor(x, y.dtype.base_dtype), y
    x = convert_to_tensor(x)
    return x, convert_to_tensor(y, x.dtype.base_dtype)


def _all(x: Tensor) -> Tensor:
    rank = x.shape.ndims
    axes: Any = list(range(rank)) if rank is not None else raw.Range(0, raw.Rank(x), 1)
    return raw.All(x, np.array(axes, np.int32) if rank is not None else axes)


_SYMBOLS = {"equal": "==", "none_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}
assert_equal = _compare("equal", lambda x, y: raw.Equal(x, y), np.equal)
assert_none_equal = _compare("none_equal", lambda x, y: raw.NotEqual(x, y), np.not_equal)
assert_less = _compare("less", lambda x, y: raw.Less(x, y), np.less)
assert_less_equal = _compare("less_equal", lambda x, y: raw.LessEqual(x, y), np.less_equal)
assert_greater = _compare("greater", lambda x, y: raw.Greater(x, y), np.greater)
assert_greater_equal = _compare("greater_equal", lambda x, y: raw.GreaterEqual(x, y), np.greater_equal)


def _sign(what: str, compare: Callable[..., Operation], flip: bool) -> Callable[..., Operation]:
    def check(
        x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
    ) -> Operation:
        with name_scope(name, f"assert_{what}", [x, *(data or [])]):
            x = convert_to_tensor(x)
            zero = convert_to_tensor(0, x.dtype.base_dtype)
            pair = (zero, x) if flip else (x, zero)
            return compare(*pair, data=data, summarize=summarize, message=message)

    check.__name__ = check.__qualname__ = f"assert_{what}"
    check.__doc__ = f"Fails unless every element of x is {what.replace('_', ' ')}."
    return check


assert_negative = _sign("negative", assert_less, flip=False)
assert_positive = _sign("positive", assert_less, flip=True)
assert_non_negative = _sign("non_negative", assert_less_equal, flip=True)
assert_non_positive = _sign("non_positive", assert_less_equal, flip=False)


def assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Fails unless |x - y| <= atol + rtol * |y|; both default to 10 times the dtype's epsilon."""
    with name_scope(name, "assert_near", [x, y]):
        x, y = _pair(x, y)
        eps = 10 * np.finfo(x.dtype.as_numpy_dtype).eps
        bound = raw.AddV2(raw.Mul(raw.Abs(y), eps if rtol is None else rtol), eps if atol is None else atol)
        shown = list(data) if data is not None else [message or "x and y not equal to tolerance", x, y]
        return Assert(_all(raw.LessEqual(raw.Abs(raw.Sub(x, y)), bound)), shown, summarize=summarize)


def _rank_check(
    what: str, ok: Callable[[int, Any], bool], test: Callable[[Tensor, Any], Tensor]
) -> Callable[..., Operation]:
    def check(
        x: Any,
        rank: Any,
        data: Any = None,
        summarize: int | None = None,
        message: str | None = None,
        name: str | None = None,
    ) -> Operation:
        with name_scope(name, what, [x]):
            x = convert_to_tensor(x)
            want = constant_value(convert_to_tensor(rank))
            if want is not None and want.ndim and what != "assert_rank_in":
                raise ValueError("Rank must be a scalar.")
            if x.shape.ndims is not None and want is not None:
                if not ok(x.shape.ndims, want):
                    raise ValueError(
                        f"{message or ''} Tensor {x.name} must have rank {'at least ' if 'least' in what else ''}"
                        f"{want.tolist()}. Received rank {x.shape.ndims}, shape {x.shape}".strip()
                    )
                return raw.NoOp(name="static_checks_determined_all_ok")
            return Assert(test(raw.Rank(x), rank), data or [message or "wrong rank", raw.Shape(x)], summarize=summarize)

    check.__name__ = check.__qualname__ = what
    check.__doc__ = "Fails unless x has the given rank; while the graph is built if the rank is known."
    return check


assert_rank = _rank_check("assert_rank", lambda r, w: r == w, lambda r, w: raw.Equal(r, w))
assert_rank_at_least = _rank_check("assert_rank_at_least", lambda r, w: r >= w, lambda r, w: raw.GreaterEqual(r, w))
assert_rank_in = _rank_check(
    "assert_rank_in", lambda r, w: r in w.tolist(), lambda r, w: raw.Any(raw.Equal(r, convert_to_tensor(w)), 0)
)


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Raises TypeError unless x has an integer dtype."""
    x = convert_to_tensor(x)
    if not x.dtype.base_dtype.is_integer:
        raise TypeError(f"{message or ''} Expected 'x' to be integer type. Found: {x.dtype.name}".strip())
    return raw.NoOp(name=name or "static_checks_determined_all_ok")


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Raises TypeError unless `tensor` has dtype `tf_type`."""
    tensor = convert_to_tensor(tensor)
    if tensor.dtype.base_dtype != dtypes.as_dtype(tf_type):
        raise TypeError(f"{message or ''} {tensor.name} must be of type {dtypes.as_dtype(tf_type).name}".strip())
    return raw.NoOp(name=name or "statically_determined_correct_type")


def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Tensor:
    """`tensor`; raises ValueError unless it is a scalar."""
    tensor = convert_to_tensor(tensor)
    if tensor.shape.ndims != 0:
        raise ValueError(f"{message or ''} Expected scalar shape for {tensor.name}, saw shape: {tensor.shape}.".strip())
    return tensor


def is_numeric_tensor(tensor: Any) -> bool:
    """Is this a tensor of numbers?"""
    return isinstance(tensor, Tensor) and (
        tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_complex
    )


def _differences(x: Tensor) -> Tensor:
    flat = raw.Reshape(x, [-1])
    return raw.Sub(raw.StridedSlice(flat, [1], [0], [1], end_mask=1), raw.StridedSlice(flat, [0], [-1], [1]))


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """True if x[0] <= x[1] <= ..., in row-major order."""
    with name_scope(name, "is_non_decreasing", [x]):
        return _all(raw.GreaterEqual(_differences(convert_to_tensor(x)), 0))


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """True if x[0] < x[1] < ..., in row-major order."""
    with name_scope(name, "is_strictly_increasing", [x]):
        return _all(raw.Greater(_differences(convert_to_tensor(x)), 0))
