"""Batch normalization: fused kernels, and the formula for statistics of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import dtypes, raw
from tfmini.autodiff import gradient, gradients
from tfmini.convert import constant
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope
from tfmini.windows import attrs_of

__all__ = ["batch_norm_with_global_normalization", "batch_normalization", "fused_batch_norm"]


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: str | None = None
) -> Tensor:
    """(x - mean) / sqrt(variance + variance_epsilon) * scale + offset.

    All arguments broadcast against x; `offset` and `scale` may be None. (Ioffe and Szegedy, 2015.)
    """
    with name_scope(name, "batchnorm", [x, mean, variance, scale, offset]):
        x = convert_to_tensor(x, name="x")
        variance = convert_to_tensor(variance, name="variance")
        factor = raw.Rsqrt(variance + variance_epsilon)
        if scale is not None:
            factor = factor * scale
        # mul_1 comes before the shift: names of nodes are part of a graph's interface.
        scaled = x * _like(factor, x)
        shift = offset - mean * factor if offset is not None else -mean * factor
        return scaled + _like(shift, x)


def _like(t: Tensor, x: Tensor) -> Tensor:
    return t if t.dtype.base_dtype == x.dtype.base_dtype else raw.Cast(t, DstT=x.dtype.base_dtype)


def batch_norm_with_global_normalization(
    t: Any = None,
    m: Any = None,
    v: Any = None,
    beta: Any = None,
    gamma: Any = None,
    variance_epsilon: Any = None,
    scale_after_normalization: bool | None = None,
    name: str | None = None,
    input: Any = None,
    mean: Any = None,
    variance: Any = None,
) -> Tensor:
    """`batch_normalization` under its early name: t [batch, height, width, channels], the others vectors.

    `gamma` is applied only if `scale_after_normalization`.
    """
    t, m, v = (new if old is None else old for old, new in ((t, input), (m, mean), (v, variance)))
    return batch_normalization(t, m, v, beta, gamma if scale_after_normalization else None, variance_epsilon, name)


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
    exponential_avg_factor: float = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalizes each channel of x to `offset` and `scale` in one pass.

    Args:
      x: [batch, height, width, channels] (or NCHW); float16 and bfloat16 are computed in float32.
      scale, offset: [channels].
      mean, variance: statistics to use if not `is_training`; running averages to update if
        `exponential_avg_factor` is not 1; else None.

    Returns (y, mean, variance): in training those of the batch (the variance with Bessel's correction),
    averaged into the running ones as (1 - factor) * old + factor * new. Raises ValueError if statistics
    are missing or shapes do not fit.
    """
    if (not is_training or exponential_avg_factor != 1.0) and (mean is None or variance is None):
        raise ValueError(
            "Both `mean` and `variance` must be a 1D tensor when `is_training` is False or `exponential_avg_factor` "
            f"is not 1.0. Received: `mean` {mean!r} and `variance` {variance!r}"
        )
    x = convert_to_tensor(x, name="input")
    statistics = dtypes.float64 if x.dtype.base_dtype == dtypes.float64 else dtypes.float32
    empty = np.zeros(0, statistics.as_numpy_dtype)
    y, batch_mean, batch_variance, *_ = raw.FusedBatchNormV3(
        x,
        convert_to_tensor(scale, statistics, name="scale"),
        convert_to_tensor(offset, statistics, name="offset"),
        constant(empty) if mean is None else mean,
        constant(empty) if variance is None else variance,
        epsilon=epsilon,
        exponential_avg_factor=exponential_avg_factor,
        data_format=data_format,
        is_training=is_training,
        name=name,
    )
    return y, batch_mean, batch_variance


def _first_order(builder: Any, op: Operation, grad: Any, extra: int) -> list[Any]:
    """Gradients for x, scale and offset. `extra`: reserve spaces beyond mean and variance."""
    x, scale, _, mean, variance = op.inputs
    if op.get_attr("is_training"):
        mean, variance = op.outputs[3], op.outputs[4]
    reserve = op.outputs[5 : 5 + extra]
    attrs = attrs_of(op, "epsilon", "data_format", "is_training")
    dx, dscale, doffset, *_ = builder(grad, x, scale, mean, variance, *reserve, **attrs)
    return [dx, dscale, doffset, None, None]


@gradient("FusedBatchNorm")
def _fused_batch_norm_grad(op: Operation, *grads: Any) -> list[Any]:
    return _first_order(raw.FusedBatchNormGrad, op, grads[0], 0)


@gradient("FusedBatchNormV2")
def _fused_batch_norm_v2_grad(op: Operation, *grads: Any) -> list[Any]:
    return _first_order(raw.FusedBatchNormGradV2, op, grads[0], 0)


@gradient("FusedBatchNormV3")
def _fused_batch_norm_v3_grad(op: Operation, *grads: Any) -> list[Any]:
    return _first_order(raw.FusedBatchNormGradV3, op, grads[0], 1)


@gradient("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3")
def _fused_batch_norm_grad_grad(op: Operation, *grads: Any) -> list[Any]:
    """Differentiates the formula of the first-order gradient, made of plain ops."""
    dy, x, scale, mean, variance, *reserve = op.inputs
    first = _composed_gradient(
        dy,
        x,
        scale,
        mean,
        variance,
        op.get_attr("epsilon"),
        op.get_attr("data_format") in ("NCHW", b"NCHW", "NCDHW", b"NCDHW"),
        op.get_attr("is_training"),
    )
    # dy usually depends on x itself: that path is not this op's to follow.
    inputs = [dy, x, scale]
    second = gradients(first, inputs, list(grads[:3]), stop_gradients=inputs)
    return [*second, None, None, *(None for _ in reserve)]


def _composed_gradient(
    dy: Tensor,
    x: Tensor,
    scale: Tensor,
    mean: Tensor,
    variance: Tensor,
    epsilon: float,
    channels_first: bool,
    training: bool,
) -> list[Tensor]:
    """What FusedBatchNormGrad computes, as a differentiable function of dy, x and scale."""
    rank = x.shape.ndims or 4
    axes = [i for i in range(rank) if i != (1 if channels_first else rank - 1)]
    dtype = scale.dtype.base_dtype

    def per_channel(t: Tensor) -> Tensor:
        return raw.Reshape(t, [1, -1] + [1] * (rank - 2)) if channels_first else t

    def average(t: Tensor) -> Tensor:
        return raw.Mean(t, axes, keep_dims=True)

    def total(t: Tensor) -> Tensor:
        return raw.Sum(t, axes)

    wide_dy, wide_x = _like(dy, scale), _like(x, scale)
    if training:
        center = raw.Sub(wide_x, average(wide_x))
        spread = average(raw.Mul(center, center))
    else:
        center = raw.Sub(wide_x, per_channel(mean))
        spread = per_channel(variance)
    inverse = raw.Rsqrt(raw.AddV2(spread, convert_to_tensor(epsilon, dtype)))
    normal = raw.Mul(center, inverse)
    factor = raw.Mul(per_channel(scale), inverse)
    if training:
        rest = raw.AddV2(average(wide_dy), raw.Mul(normal, average(raw.Mul(wide_dy, normal))))
        dx = raw.Mul(factor, raw.Sub(wide_dy, rest))
    else:
        dx = raw.Mul(factor, wide_dy)
    return [_like(dx, x), total(raw.Mul(wide_dy, normal)), total(wide_dy)]
