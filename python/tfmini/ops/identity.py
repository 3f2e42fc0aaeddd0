"""Ops that hand their input on, with a purpose: identity, stop_gradient, checks."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient, not_differentiable
from tfmini.graph import Operation, Tensor, control_dependencies, convert_to_tensor, name_scope

__all__ = [
    "check_numerics",
    "ensure_shape",
    "identity",
    "identity_n",
    "stop_gradient",
    "verify_tensor_all_finite",
]

not_differentiable("StopGradient")


def identity(input: Any, name: str | None = None) -> Tensor:
    """A new node with the value of `input`: something to name, to fetch, or to hang control inputs on."""
    return raw.Identity(input, name=name)


def identity_n(input: Any, name: str | None = None) -> list[Tensor]:
    """Identity for a list of tensors of any dtypes; all of them wait for all."""
    return raw.IdentityN(input, name=name)


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """`input`, as a constant in the eyes of `tf.gradients`."""
    return raw.StopGradient(input, name=name)


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """`x`, checked when it runs to have a shape compatible with `shape`, which becomes its static shape."""
    return raw.EnsureShape(x, shape=shape, name=name)


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """`tensor`, or InvalidArgumentError with `message` if it holds a NaN or an infinity."""
    return raw.CheckNumerics(tensor, message=message, name=name)


def verify_tensor_all_finite(
    t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None, message: str | None = None
) -> Tensor:
    """`t`, or InvalidArgumentError with `msg` if it holds a NaN or an infinity.

    `x` and `message` are newer names of `t` and `msg`.
    """
    t = x if t is None else t
    msg = message if msg is None else msg
    if t is None or msg is None:
        raise TypeError("verify_tensor_all_finite() needs a tensor and a message")
    with name_scope(name, "VerifyFinite", [t]):
        t = convert_to_tensor(t, name="t")
        with control_dependencies([raw.CheckNumerics(t, message=msg)]):
            return raw.Identity(t, name="control_dependency")


@gradient("Identity", "EnsureShape", "Snapshot")
def _identity_grad(op: Operation, grad: Any) -> Any:
    return grad


@gradient("IdentityN")
def _identity_n_grad(op: Operation, *grads: Any) -> list[Any]:
    return list(grads)


@gradient("PreventGradient")
def _prevent_gradient_grad(op: Operation, grad: Any) -> Any:
    raise LookupError(f"Gradient explicitly disabled for '{op.name}'. Reason: {op.get_attr('message')}")


@gradient("CheckNumerics")
def _check_numerics_grad(op: Operation, grad: Any) -> Tensor:
    message = op.get_attr("message")
    return raw.CheckNumerics(
        grad, message=f"Not a number (NaN) or infinity (Inf) values detected in gradient. {message}"
    )
