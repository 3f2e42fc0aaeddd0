"""Gradients of arithmetic. Those with a *Grad op of their own use it, so that second derivatives are exact too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient, not_differentiable
from tfmini.broadcasting import sum_to_input, sum_to_inputs
from tfmini.convert import constant
from tfmini.graph import Operation, Tensor

__all__: list[str] = []

not_differentiable(
    "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Ceil", "Floor", "FloorDiv", "Invert", "IsFinite", "IsInf", "IsNan",
    "LeftShift", "RightShift", "Rint", "Round", "TruncateDiv",
)  # fmt: skip


def _scalar(value: float, like: Tensor) -> Tensor:
    return constant(value, like.dtype.base_dtype)


def _from_input(op_type: str, rule: Callable[[Tensor, Tensor], Tensor]) -> None:
    """dx = rule(x, dy)"""
    gradient(op_type)(lambda op, grad: rule(op.inputs[0], grad))


def _from_output(op_type: str, rule: Callable[[Tensor, Tensor], Tensor]) -> None:
    """dx = rule(y, dy)"""
    gradient(op_type)(lambda op, grad: rule(op.outputs[0], grad))


_from_input("Neg", lambda x, g: -g)
_from_input("Abs", lambda x, g: g * raw.Sign(x))
_from_input("Sign", lambda x, g: raw.ZerosLike(x))
_from_input("Square", lambda x, g: g * (x * 2))
_from_input("Log", lambda x, g: g * raw.Reciprocal(x))
_from_input("Log1p", lambda x, g: g * raw.Reciprocal(x + 1))
_from_input("Expm1", lambda x, g: g * raw.Exp(x))
_from_output("Exp", lambda y, g: g * y)
_from_output("Sqrt", lambda y, g: raw.SqrtGrad(y, g))
_from_output("Rsqrt", lambda y, g: raw.RsqrtGrad(y, g))
_from_output("Reciprocal", lambda y, g: raw.ReciprocalGrad(y, g))
_from_output("Inv", lambda y, g: raw.InvGrad(y, g))
_from_output("Tanh", lambda y, g: raw.TanhGrad(y, g))
_from_output("Sigmoid", lambda y, g: raw.SigmoidGrad(y, g))
_from_input("Sin", lambda x, g: g * raw.Cos(x))
_from_input("Cos", lambda x, g: -g * raw.Sin(x))
_from_input("Tan", lambda x, g: g * raw.Square(raw.Reciprocal(raw.Cos(x))))
_from_input("Asin", lambda x, g: g * raw.Rsqrt(1 - raw.Square(x)))
_from_input("Acos", lambda x, g: -g * raw.Rsqrt(1 - raw.Square(x)))
_from_input("Atan", lambda x, g: g * raw.Reciprocal(1 + raw.Square(x)))
_from_input("Sinh", lambda x, g: g * raw.Cosh(x))
_from_input("Cosh", lambda x, g: g * raw.Sinh(x))
_from_output("Asinh", lambda y, g: g / raw.Cosh(y))
_from_output("Acosh", lambda y, g: g / raw.Sinh(y))
_from_input("Atanh", lambda x, g: g * raw.Reciprocal(1 - raw.Square(x)))
_TWO_OVER_SQRT_PI = 1.1283791670955126
_from_input("Erf", lambda x, g: g * (_TWO_OVER_SQRT_PI * raw.Exp(-raw.Square(x))))
_from_input("Erfc", lambda x, g: g * (-_TWO_OVER_SQRT_PI * raw.Exp(-raw.Square(x))))
_from_input("Lgamma", lambda x, g: g * raw.Digamma(x))
_from_input("Digamma", lambda x, g: g * raw.Polygamma(_scalar(1, x), x))

# Second derivatives: each op's inputs are (a, b), the function's result and the incoming gradient.


@gradient("SqrtGrad")
def _sqrt_grad_grad(op: Operation, grad: Tensor) -> Any:  # z = b / (2 a)
    ratio = grad / op.inputs[0]
    return sum_to_inputs(op, -ratio * op.outputs[0], 0.5 * ratio)


@gradient("RsqrtGrad")
def _rsqrt_grad_grad(op: Operation, grad: Tensor) -> Any:  # z = -b a^3 / 2
    a, b = op.inputs
    return sum_to_inputs(op, -1.5 * grad * b * raw.Square(a), raw.RsqrtGrad(a, grad))


@gradient("ReciprocalGrad", "InvGrad")
def _reciprocal_grad_grad(op: Operation, grad: Tensor) -> Any:  # z = -b a^2
    a, b = op.inputs
    return sum_to_inputs(op, -2.0 * grad * b * a, raw.ReciprocalGrad(a, grad))


@gradient("TanhGrad")
def _tanh_grad_grad(op: Operation, grad: Tensor) -> Any:  # z = b (1 - a^2)
    a, b = op.inputs
    return sum_to_inputs(op, -2.0 * grad * b * a, raw.TanhGrad(a, grad))


@gradient("SigmoidGrad")
def _sigmoid_grad_grad(op: Operation, grad: Tensor) -> Any:  # z = b a (1 - a)
    a, b = op.inputs
    gb = grad * b
    return sum_to_inputs(op, gb - 2.0 * gb * a, raw.SigmoidGrad(a, grad))


# --- two inputs ------------------------------------------------------------------------------------


@gradient("Add", "AddV2")
def _add_grad(op: Operation, grad: Tensor) -> Any:
    return sum_to_inputs(op, grad, grad)


@gradient("Sub")
def _sub_grad(op: Operation, grad: Tensor) -> Any:
    return [sum_to_input(op, 0, grad), -sum_to_input(op, 1, grad)]


@gradient("Mul")
def _mul_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return sum_to_inputs(op, grad * y, grad * x)


@gradient("MulNoNan")
def _mul_no_nan_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return sum_to_inputs(op, raw.MulNoNan(grad, y), raw.MulNoNan(x, grad))


@gradient("Div", "RealDiv")
def _div_grad(op: Operation, grad: Tensor) -> Any:
    if not op.inputs[0].dtype.is_floating:
        return [None, None]
    x, y = op.inputs
    # -x / y / y, not -x / y^2: y^2 may overflow where the quotient does not.
    return sum_to_inputs(op, grad / y, grad * (-x / y / y))


@gradient("DivNoNan")
def _div_no_nan_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return sum_to_inputs(op, raw.DivNoNan(grad, y), grad * raw.DivNoNan(raw.DivNoNan(-x, y), y))


@gradient("FloorMod")
def _floor_mod_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return sum_to_inputs(op, grad, grad * -raw.FloorDiv(x, y))


@gradient("Mod", "TruncateMod")
def _truncate_mod_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return sum_to_inputs(op, grad, grad * -raw.TruncateDiv(x, y))


@gradient("Pow")
def _pow_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    if not x.dtype.is_floating:
        return [None, None]
    # log(x) is taken only where x > 0: elsewhere the derivative with respect to the exponent is not real, or at x = 0
    # would be 0 * inf; it counts as 0.
    positive = x > 0
    safe = raw.SelectV2(positive, x, _scalar(1, x))
    log_x = raw.SelectV2(positive, raw.Log(safe), _scalar(0, x))
    return sum_to_inputs(op, grad * y * raw.Pow(x, y - 1), grad * op.outputs[0] * log_x)


def _extremum_grad(op: Operation, grad: Tensor, first: Tensor) -> Any:
    """The whole gradient goes to the input that was chosen; of equal ones to the first."""
    zero = _scalar(0, grad)
    return sum_to_inputs(op, raw.SelectV2(first, grad, zero), raw.SelectV2(first, zero, grad))


@gradient("Maximum")
def _maximum_grad(op: Operation, grad: Tensor) -> Any:
    return _extremum_grad(op, grad, raw.GreaterEqual(*op.inputs))


@gradient("Minimum")
def _minimum_grad(op: Operation, grad: Tensor) -> Any:
    return _extremum_grad(op, grad, raw.LessEqual(*op.inputs))


@gradient("SquaredDifference")
def _squared_difference_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    dx = 2 * grad * (x - y)
    return [sum_to_input(op, 0, dx), -sum_to_input(op, 1, dx)]


@gradient("Atan2")
def _atan2_grad(op: Operation, grad: Tensor) -> Any:
    y, x = op.inputs
    scaled = grad / (raw.Square(x) + raw.Square(y))
    return sum_to_inputs(op, x * scaled, -y * scaled)


@gradient("Xdivy")
def _xdivy_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    nonzero = raw.Cast(raw.NotEqual(x, 0), DstT=x.dtype.base_dtype)
    return sum_to_inputs(op, grad * raw.Xdivy(nonzero, y), grad * raw.Xdivy(-x, raw.Square(y)))


@gradient("Xlogy")
def _xlogy_grad(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    nonzero = raw.Cast(raw.NotEqual(x, 0), DstT=x.dtype.base_dtype)
    return sum_to_inputs(op, grad * raw.Xlogy(nonzero, y), grad * raw.Xdivy(x, y))


@gradient("Polygamma")
def _polygamma_grad(op: Operation, grad: Tensor) -> Any:
    a, x = op.inputs
    return sum_to_inputs(op, None, grad * raw.Polygamma(a + 1, x))


@gradient("Zeta")
def _zeta_grad(op: Operation, grad: Tensor) -> Any:
    x, q = op.inputs
    return sum_to_inputs(op, None, grad * (-x * raw.Zeta(x + 1, q)))
