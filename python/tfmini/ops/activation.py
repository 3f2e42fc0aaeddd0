"""Activation functions of neural networks, and the logistic losses made of them."""

from __future__ import annotations

import math
from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.convert import constant
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = [
    "crelu", "elu", "leaky_relu", "log_poisson_loss", "relu", "relu6", "selu", "sigmoid_cross_entropy_with_logits",
    "softplus", "softsign", "swish", "weighted_cross_entropy_with_logits",
]  # fmt: skip


def relu(features: Any, name: str | None = None) -> Tensor:
    """max(features, 0); NaN stays NaN."""
    return raw.Relu(features, name=name)


def relu6(features: Any, name: str | None = None) -> Tensor:
    """min(max(features, 0), 6). Source: Convolutional Deep Belief Networks on CIFAR-10, A. Krizhevsky."""
    return raw.Relu6(features, name=name)


def elu(features: Any, name: str | None = None) -> Tensor:
    """exp(features) - 1 below 0, features above. Source: Clevert et al., arXiv:1511.07289."""
    return raw.Elu(features, name=name)


def selu(features: Any, name: str | None = None) -> Tensor:
    """Scaled elu that keeps mean 0 and variance 1. Source: Klambauer et al., arXiv:1706.02515."""
    return raw.Selu(features, name=name)


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Tensor:
    """features above 0, alpha * features below; integers become float32. `alpha` may be a tensor.

    Source: Maas et al., Rectifier Nonlinearities Improve Neural Network Acoustic Models.
    """
    with name_scope(name, "LeakyRelu", [features, alpha]) as scope:
        features = convert_to_tensor(features, name="features")
        if features.dtype.is_integer:
            features = raw.Cast(features, DstT="float32")
        if isinstance(alpha, (int, float)):
            return raw.LeakyRelu(features, alpha=alpha, name=scope)
        alpha = convert_to_tensor(alpha, features.dtype.base_dtype, name="alpha")
        return raw.Maximum(alpha * features, features, name=scope)


def softplus(features: Any, name: str | None = None) -> Tensor:
    """log(exp(features) + 1), without overflow."""
    return raw.Softplus(features, name=name)


def softsign(features: Any, name: str | None = None) -> Tensor:
    """features / (|features| + 1)."""
    return raw.Softsign(features, name=name)


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Tensor:
    """relu of [features, -features] along `axis`, which doubles in size. Source: Shang et al., arXiv:1603.05201."""
    with name_scope(name, "CRelu", [features]) as scope:
        features = convert_to_tensor(features, name="features")
        return raw.Relu(raw.ConcatV2([features, -features], axis, name=scope))


def swish(features: Any, beta: Any = 1.0, name: str | None = None) -> Tensor:
    """features * sigmoid(beta * features). Source: Ramachandran et al., arXiv:1710.05941."""
    if isinstance(beta, str):  # swish(features, name) of TensorFlow 1
        beta, name = 1.0, beta
    with name_scope(name, "swish", [features]) as scope:
        features = convert_to_tensor(features, name="features")
        return raw.Mul(features, raw.Sigmoid(features if beta == 1.0 else raw.Mul(beta, features)), name=scope)


silu = swish


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None, targets: Any = None
) -> Tensor:
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)), elementwise.

    Computed as max(logits, 0) - logits * labels + log(1 + exp(-|logits|)), which never overflows. Labels are
    probabilities of the shape and dtype of `logits`. Positional arguments are taken in the order of TensorFlow before
    1.0: (logits, targets). Raises ValueError if the shapes differ or an argument is missing.
    """
    if targets is not None:
        labels = targets
    if _sentinel is not None:
        if logits is None:
            logits = _sentinel
        else:
            raise ValueError(
                "Only call `sigmoid_cross_entropy_with_logits` with named arguments (labels=..., logits=...)"
            )
    if labels is None or logits is None:
        raise ValueError("Both labels and logits must be provided.")
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits, labels = _logits_and_labels(logits, labels)
        zero = constant(0, logits.dtype.base_dtype, name="zeros_like")
        negative = raw.GreaterEqual(logits, zero)
        relu_logits = raw.SelectV2(negative, logits, zero, name="Select")
        minus_magnitude = raw.SelectV2(negative, -logits, logits, name="Select")
        return raw.AddV2(relu_logits - logits * labels, raw.Log1p(raw.Exp(minus_magnitude)), name=scope)


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Tensor:
    """exp(c) - z * c for c = log_input and z = targets: the negative log likelihood of z under Poisson(exp(c)).

    Without the constant log(z!), unless `compute_full_loss` adds Stirling's approximation of it (0 for z <= 1).
    Raises ValueError if the shapes differ.
    """
    with name_scope(name, "log_poisson_loss", [log_input, targets]):
        log_input, targets = _logits_and_labels(log_input, targets)
        loss = raw.Exp(log_input) - log_input * targets
        if compute_full_loss:
            stirling = targets * raw.Log(targets) - targets + 0.5 * raw.Log(2.0 * math.pi * targets)
            small = raw.LogicalAnd(raw.GreaterEqual(targets, 0.0), raw.LessEqual(targets, 1.0))
            loss += raw.Select(small, raw.ZerosLike(targets), stirling)
        return loss


def weighted_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: str | None = None, targets: Any = None
) -> Tensor:
    """The sigmoid cross entropy with the positive term times `pos_weight`.

    labels * -log(sigmoid(logits)) * pos_weight + (1 - labels) * -log(1 - sigmoid(logits)), elementwise. `targets`
    is the older name of `labels`. Raises ValueError if the shapes of `labels` and `logits` differ.
    """
    if targets is not None:
        if labels is not None:
            raise ValueError("Cannot specify both 'labels' and 'targets'")
        labels = targets
    if labels is None or logits is None or pos_weight is None:
        raise ValueError("labels, logits and pos_weight must be provided.")
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits, labels = _logits_and_labels(logits, labels)
        weight = 1 + (pos_weight - 1) * labels
        return raw.AddV2(
            (1 - labels) * logits,
            weight * (raw.Log1p(raw.Exp(-raw.Abs(logits))) + raw.Relu(-logits)),
            name=scope,
        )


def _logits_and_labels(logits: Any, labels: Any) -> tuple[Tensor, Tensor]:
    logits = convert_to_tensor(logits, name="logits")
    labels = convert_to_tensor(labels, None if hasattr(labels, "dtype") else logits.dtype.base_dtype, name="labels")
    if not logits.shape.is_compatible_with(labels.shape):
        raise ValueError(f"logits and labels must have the same shape ({logits.shape} vs {labels.shape})")
    return logits, labels


@gradient("Relu")
def _relu_grad(op: Operation, grad: Tensor) -> Tensor:
    return raw.ReluGrad(grad, op.outputs[0])


@gradient("Relu6")
def _relu6_grad(op: Operation, grad: Tensor) -> Tensor:
    return raw.Relu6Grad(grad, op.outputs[0])


@gradient("Elu")
def _elu_grad(op: Operation, grad: Tensor) -> Tensor:
    return raw.EluGrad(grad, op.outputs[0])


@gradient("Selu")
def _selu_grad(op: Operation, grad: Tensor) -> Tensor:
    return raw.SeluGrad(grad, op.outputs[0])


@gradient("LeakyRelu")
def _leaky_relu_grad(op: Operation, grad: Tensor) -> Tensor:
    return raw.LeakyReluGrad(grad, op.inputs[0], alpha=op.get_attr("alpha"))


@gradient("Softplus")
def _softplus_grad(op: Operation, grad: Tensor) -> Tensor:
    return raw.SoftplusGrad(grad, op.inputs[0])


@gradient("Softsign")
def _softsign_grad(op: Operation, grad: Tensor) -> Tensor:
    return raw.SoftsignGrad(grad, op.inputs[0])


# Second derivatives: each op's inputs are the incoming gradient and the features (or the result).


@gradient("ReluGrad", "Relu6Grad")
def _relu_grad_grad(op: Operation, grad: Tensor) -> Any:
    return getattr(raw, op.type)(grad, op.inputs[1]), None


@gradient("LeakyReluGrad")
def _leaky_relu_grad_grad(op: Operation, grad: Tensor) -> Any:
    return raw.LeakyReluGrad(grad, op.inputs[1], alpha=op.get_attr("alpha")), None


@gradient("EluGrad", "SeluGrad")
def _elu_grad_grad(op: Operation, grad: Tensor) -> Any:
    dy, y = op.inputs
    zero = constant(0, y.dtype.base_dtype)
    return getattr(raw, op.type)(grad, y), raw.SelectV2(y < 0, grad * dy, zero)


@gradient("SoftplusGrad")
def _softplus_grad_grad(op: Operation, grad: Tensor) -> Any:
    dy, x = op.inputs
    return raw.SoftplusGrad(grad, x), raw.SigmoidGrad(raw.Sigmoid(x), grad * dy)


@gradient("SoftsignGrad")
def _softsign_grad_grad(op: Operation, grad: Tensor) -> Any:
    dy, x = op.inputs
    return raw.SoftsignGrad(grad, x), -2 * grad * dy * raw.Sign(x) / raw.Pow(1 + raw.Abs(x), 3)
