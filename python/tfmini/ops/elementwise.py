"""Arithmetic, elementwise with NumPy broadcasting: functions of one and of two tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfmini import operators, raw
from tfmini.convert import convert_to_tensor_or_indexed_slices
from tfmini.graph import Tensor, convert_to_tensor, name_scope
from tfmini.indexed_slices import IndexedSlices

__all__ = [
    "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_or",
    "bitwise_xor", "ceil", "cos", "cosh", "digamma", "div", "div_no_nan", "divide", "erf", "erfc", "exp", "expm1",
    "floor", "floor_div", "floordiv", "floormod", "inv", "invert", "is_finite", "is_inf", "is_nan", "left_shift",
    "lgamma", "log", "log1p", "log_sigmoid", "maximum", "minimum", "mod", "mul", "multiply", "multiply_no_nan", "neg",
    "negative", "polygamma", "polyval", "pow", "realdiv", "reciprocal", "reciprocal_no_nan", "right_shift", "rint",
    "round", "rsqrt", "scalar_mul", "sigmoid", "sign", "sin", "sinh", "sqrt", "square", "squared_difference", "sub",
    "subtract", "tan", "tanh", "truediv", "truncatediv", "truncatemod", "xdivy", "xlogy", "zeta",
]  # fmt: skip


def _unary(op_type: str, doc: str) -> Callable[..., Tensor]:
    def function(x: Any, name: str | None = None) -> Tensor:
        return getattr(raw, op_type)(x, name=name)

    function.__name__ = function.__qualname__ = op_type.lower()
    function.__doc__ = doc + "\n\nA tensor of the shape and dtype of `x`, unless said otherwise."
    return function


def _binary(op_type: str, doc: str, default_name: str | None = None) -> Callable[..., Tensor]:
    def function(x: Any, y: Any, name: str | None = None) -> Tensor:
        return getattr(raw, op_type)(x, y, name=name or default_name)

    function.__name__ = function.__qualname__ = op_type.lower()
    function.__doc__ = (
        doc
        + "\n\n`x` and `y` have one dtype; their shapes broadcast. Raises TypeError for different dtypes, ValueError "
        "for shapes that do not broadcast."
    )
    return function


acos = _unary("Acos", "Arc cosine, in [0, pi]; NaN outside [-1, 1].")
acosh = _unary("Acosh", "Inverse hyperbolic cosine; NaN below 1.")
asin = _unary("Asin", "Arc sine, in [-pi/2, pi/2]; NaN outside [-1, 1].")
asinh = _unary("Asinh", "Inverse hyperbolic sine.")
atan = _unary("Atan", "Arc tangent, in [-pi/2, pi/2].")
atanh = _unary("Atanh", "Inverse hyperbolic tangent; NaN outside [-1, 1].")
ceil = _unary("Ceil", "The smallest integer not less than x.")
cos = _unary("Cos", "Cosine of x radians.")
cosh = _unary("Cosh", "Hyperbolic cosine.")
digamma = _unary("Digamma", "Derivative of lgamma; NaN at 0, -1, -2, ...")
erf = _unary("Erf", "The Gauss error function.")
erfc = _unary("Erfc", "1 - erf(x), exact for large x too.")
exp = _unary("Exp", "e to the power of x.")
expm1 = _unary("Expm1", "exp(x) - 1, exact near 0 too.")
floor = _unary("Floor", "The largest integer not greater than x.")
inv = _unary("Inv", "1 / x: the name of `reciprocal` until TensorFlow 1.0.")
invert = _unary("Invert", "Flips all bits of integers.")
is_finite = _unary("IsFinite", "True where x is neither infinite nor NaN (bool).")
is_inf = _unary("IsInf", "True where x is infinite (bool).")
is_nan = _unary("IsNan", "True where x is NaN (bool).")
lgamma = _unary("Lgamma", "Logarithm of the absolute value of the gamma function.")
log = _unary("Log", "Natural logarithm; -inf at 0, NaN below.")
log1p = _unary("Log1p", "log(1 + x), exact near 0 too.")
neg = negative = _unary("Neg", "-x.")
reciprocal = _unary("Reciprocal", "1 / x.")
rint = _unary("Rint", "The nearest integer; halves go to the even one.")
rsqrt = _unary("Rsqrt", "1 / sqrt(x).")
sigmoid = _unary("Sigmoid", "1 / (1 + exp(-x)).")
sign = _unary("Sign", "-1, 0 or 1; NaN for NaN.")
sin = _unary("Sin", "Sine of x radians.")
sinh = _unary("Sinh", "Hyperbolic sine.")
sqrt = _unary("Sqrt", "Square root; NaN below 0.")
square = _unary("Square", "x * x.")
tan = _unary("Tan", "Tangent of x radians.")
tanh = _unary("Tanh", "Hyperbolic tangent.")

add = _binary("Add", "x + y; strings are concatenated.")
bitwise_and = _binary("BitwiseAnd", "Bits set in both integers.")
bitwise_or = _binary("BitwiseOr", "Bits set in either integer.")
bitwise_xor = _binary("BitwiseXor", "Bits set in one of the integers.")
div_no_nan = _binary("DivNoNan", "x / y, and 0 where y is 0.", "div_no_nan")
floor_div = _binary("FloorDiv", "floor(x / y). Integer division by zero is an InvalidArgumentError.")
floormod = mod = _binary("FloorMod", "x - floor(x / y) * y: has the sign of y, as in Python.")
left_shift = _binary("LeftShift", "x shifted left by y bits; y beyond the width counts as width - 1.")
maximum = _binary("Maximum", "The larger; NaN if either is NaN.")
minimum = _binary("Minimum", "The smaller; NaN if either is NaN.")
mul = multiply = _binary("Mul", "x * y.")
multiply_no_nan = _binary("MulNoNan", "x * y, and 0 where y is 0 even if x is infinite or NaN.", "multiply_no_nan")
pow = _binary("Pow", "x to the power of y. Negative integer exponents of integers are an InvalidArgumentError.")
realdiv = _binary("RealDiv", "x / y for floats.")
right_shift = _binary("RightShift", "x shifted right by y bits, with its sign; y beyond the width counts as width - 1.")
squared_difference = _binary("SquaredDifference", "(x - y) * (x - y).")
sub = subtract = _binary("Sub", "x - y.")
truncatediv = _binary("TruncateDiv", "x / y rounded towards zero, as in C.")
truncatemod = _binary("TruncateMod", "x - truncatediv(x, y) * y: has the sign of x, as in C.")
xdivy = _binary("Xdivy", "x / y, and 0 where x is 0.", "xdivy")
xlogy = _binary("Xlogy", "x * log(y), and 0 where x is 0.")


def polygamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The derivative of order `a` (a whole number) of digamma, at `x`; the shapes broadcast."""
    return raw.Polygamma(a, x, name=name)


def zeta(x: Any, q: Any, name: str | None = None) -> Tensor:
    """The Hurwitz zeta function: the sum of (q + k) ** -x over k = 0, 1, 2, ...; the shapes broadcast."""
    return raw.Zeta(x, q, name=name)


def abs(x: Any, name: str | None = None) -> Tensor:
    """The absolute value of `x`, of its shape and dtype."""
    return raw.Abs(x, name=name)


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """The angle of the points (x, y), in [-pi, pi]; shapes broadcast."""
    return raw.Atan2(y, x, name=name)


def round(x: Any, name: str | None = None) -> Tensor:
    """The nearest integer; halves go to the even one. Integers are returned as they are."""
    x = convert_to_tensor(x, name="x")
    return x if x.dtype.is_integer else raw.Round(x, name=name)


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as in Python 2: integers are divided with rounding down."""
    with name_scope(name, "div", [x]) as scope:
        return operators.div(*_same_dtype(x, y), name=scope)


def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as in Python 3: integers of up to 16 bits give float32, larger ones float64."""
    with name_scope(name, "truediv", [x]) as scope:
        return operators.truediv(*_same_dtype(x, y), name=scope)


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as in Python 3; see `truediv`."""
    return truediv(x, y, name)


def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """floor(x / y), also for negative numbers. Integer division by zero is an InvalidArgumentError."""
    with name_scope(name, "floordiv", [x]) as scope:
        x, y = _same_dtype(x, y)
        return raw.FloorDiv(x, y, name=scope)


def _same_dtype(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors; what has no dtype takes the other's. Raises TypeError if dtypes differ."""
    if not isinstance(x, Tensor) and getattr(y, "dtype", None) is not None and getattr(x, "dtype", None) is None:
        y = convert_to_tensor(y, name="y")
        x = convert_to_tensor(x, y.dtype.base_dtype, name="x")
    else:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, None if hasattr(y, "dtype") else x.dtype.base_dtype, name="y")
    if x.dtype.base_dtype != y.dtype.base_dtype:
        raise TypeError(
            f"x and y must have the same dtype, got {x.dtype.base_dtype!r} != {y.dtype.base_dtype!r}; "
            "convert one with tf.cast"
        )
    return x, y


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """1 / x, and 0 where x is 0."""
    with name_scope(name, "reciprocal_no_nan", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return raw.DivNoNan(convert_to_tensor(1, x.dtype.base_dtype, name="one"), x, name=scope)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """`scalar` (of rank 0) times `x`, a tensor or IndexedSlices, which stay sparse.

    Raises ValueError if `scalar` is not of rank 0.
    """
    x = convert_to_tensor_or_indexed_slices(x)
    scalar = convert_to_tensor(scalar, x.dtype.base_dtype, name="scalar")
    if scalar.shape.ndims != 0:
        raise ValueError(f"Only scalar multiply works, got shape {scalar.shape}")
    if isinstance(x, IndexedSlices):
        return IndexedSlices(raw.Mul(scalar, x.values, name=name), x.indices, x.dense_shape)
    return raw.Mul(scalar, x, name=name)


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """log(sigmoid(x)), computed as -softplus(-x), which neither overflows nor loses digits."""
    with name_scope(name, "LogSigmoid", [x]) as scope:
        return raw.Neg(raw.Softplus(raw.Neg(convert_to_tensor(x, name="x"))), name=scope)


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Tensor:
    """The polynomial with `coeffs` (a list, highest power first) at `x`, by Horner's rule.

    Raises ValueError if `coeffs` is not a list.
    """
    if not isinstance(coeffs, (list, tuple)):
        raise ValueError(f"Argument coeffs must be list type, found {type(coeffs)}.")
    with name_scope(name, "polyval", [x]):
        x = convert_to_tensor(x, name="x")
        if not coeffs:
            return raw.ZerosLike(x, name=name)
        terms = [convert_to_tensor(c, x.dtype.base_dtype, name=f"coeff{i}") for i, c in enumerate(coeffs)]
        p = terms[0]
        for c in terms[1:]:
            p = raw.AddV2(c, raw.Mul(p, x, name="mul"), name="add")
        return p
