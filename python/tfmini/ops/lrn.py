"""Local response normalization."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient, not_differentiable
from tfmini.graph import Operation, Tensor
from tfmini.windows import attrs_of

__all__ = ["local_response_normalization", "lrn"]

not_differentiable("LRNGrad")


def local_response_normalization(
    input: Any,
    depth_radius: int | None = 5,
    bias: float | None = 1.0,
    alpha: float | None = 1.0,
    beta: float | None = 0.5,
    name: str | None = None,
) -> Tensor:
    """input / (bias + alpha * s) ** beta, s the sum of squares over channels c - depth_radius .. c + depth_radius.

    input: [batch, height, width, channels], floating point. None stands for an argument's default.
    (Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012.)
    """
    given = {"depth_radius": depth_radius, "bias": bias, "alpha": alpha, "beta": beta}
    return raw.LRN(input, name=name, **{k: v for k, v in given.items() if v is not None})


lrn = local_response_normalization


@gradient("LRN")
def _lrn_grad(op: Operation, grad: Any) -> Any:
    return raw.LRNGrad(grad, op.inputs[0], op.outputs[0], **attrs_of(op, "depth_radius", "bias", "alpha", "beta"))
