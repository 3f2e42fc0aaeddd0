"""Learning rates that fall with the global step. All return a scalar tensor of the learning rate's dtype."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tfmini import dtypes, raw
from tfmini.graph import Tensor, convert_to_tensor, name_scope
from tfmini.random_seed import node_seeds

__all__ = [
    "cosine_decay",
    "cosine_decay_restarts",
    "exponential_decay",
    "inverse_time_decay",
    "linear_cosine_decay",
    "natural_exp_decay",
    "noisy_linear_cosine_decay",
    "piecewise_constant",
    "piecewise_constant_decay",
    "polynomial_decay",
]


def _start(learning_rate: Any, global_step: Any, what: str) -> Tensor:
    if global_step is None:
        raise ValueError(f"global_step is required for {what}.")
    return convert_to_tensor(learning_rate, name="initial_learning_rate")


def _cast(x: Any, dtype: dtypes.DType) -> Tensor:
    if not isinstance(x, Tensor) and not hasattr(x, "dtype"):
        return convert_to_tensor(x, dtype)
    x = convert_to_tensor(x)
    return x if x.dtype.base_dtype == dtype else raw.Cast(x, DstT=dtype)


def _progress(global_step: Any, decay_steps: Any, staircase: bool, dtype: dtypes.DType) -> Tensor:
    p = raw.RealDiv(_cast(global_step, dtype), _cast(decay_steps, dtype), name="truediv")
    return raw.Floor(p) if staircase else p


def exponential_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate * decay_rate ^ (global_step / decay_steps); with `staircase` the quotient is rounded down."""
    with name_scope(name, "ExponentialDecay", [learning_rate, global_step, decay_steps, decay_rate]) as scope:
        rate = _start(learning_rate, global_step, "exponential_decay")
        dtype = rate.dtype.base_dtype
        factor = raw.Pow(_cast(decay_rate, dtype), _progress(global_step, decay_steps, staircase, dtype))
        return raw.Mul(rate, factor, name=scope)


def natural_exp_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate * exp(-decay_rate * global_step / decay_steps)."""
    base = raw.Exp(raw.Neg(convert_to_tensor(decay_rate, dtypes.float32 if isinstance(decay_rate, int) else None)))
    return exponential_decay(learning_rate, global_step, decay_steps, base, staircase, name)


def inverse_time_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate / (1 + decay_rate * global_step / decay_steps)."""
    with name_scope(name, "InverseTimeDecay", [learning_rate, global_step, decay_steps, decay_rate]) as scope:
        rate = _start(learning_rate, global_step, "inverse_time_decay")
        dtype = rate.dtype.base_dtype
        grown = raw.Mul(_cast(decay_rate, dtype), _progress(global_step, decay_steps, staircase, dtype))
        return raw.RealDiv(rate, raw.AddV2(_cast(1, dtype), grown, name="Add"), name=scope)


def polynomial_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0,
    cycle: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """From learning_rate to end_learning_rate in decay_steps: (start - end) * (1 - step / steps) ^ power + end.

    With `cycle`, decay_steps grows to the next multiple that is not below global_step.
    """
    with name_scope(name, "PolynomialDecay", [learning_rate, global_step, decay_steps, end_learning_rate]) as scope:
        rate = _start(learning_rate, global_step, "polynomial_decay")
        dtype = rate.dtype.base_dtype
        end, power = _cast(end_learning_rate, dtype), _cast(power, dtype)
        step, steps = _cast(global_step, dtype), _cast(decay_steps, dtype)
        if cycle:
            cycles = raw.Ceil(raw.RealDiv(step, steps, name="truediv"))
            steps = raw.Mul(steps, raw.Select(raw.Equal(step, 0), _cast(1, dtype), cycles))
        else:
            step = raw.Minimum(step, steps)
        left = raw.Sub(1, raw.RealDiv(step, steps, name="truediv"), name="sub")
        return raw.AddV2(raw.Mul(raw.Sub(rate, end, name="sub"), raw.Pow(left, power)), end, name=scope)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Tensor:
    """values[0] for x <= boundaries[0], values[1] for x <= boundaries[1], ..., values[-1] beyond.

    Raises ValueError if there is not one value more than boundaries, or dtypes differ.
    """
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    with name_scope(name, "PiecewiseConstant", [x, *boundaries, *values]) as scope:
        x = convert_to_tensor(x)
        dtype = x.dtype.base_dtype
        limits = []
        for b in boundaries:
            limit = convert_to_tensor(b)
            if limit.dtype.base_dtype != dtype:
                # TensorFlow lets int32 boundaries go with an int64 step, and nothing else.
                if not (limit.dtype.base_dtype == dtypes.int32 and dtype == dtypes.int64):
                    raise ValueError(f"Boundaries ({limit.dtype.name}) must have the same dtype as x ({dtype.name}).")
                limit = raw.Cast(limit, DstT=dtype)
            limits.append(limit)
        tensors = [convert_to_tensor(v) for v in values]
        if len({v.dtype.base_dtype for v in tensors}) > 1:
            raise ValueError(f"Values must have elements all with the same dtype ({[v.dtype.name for v in tensors]}).")
        out = tensors[-1]
        for limit, value in zip(reversed(limits), reversed(tensors[:-1])):
            out = raw.Select(raw.LessEqual(x, limit), value, out)
        return raw.Identity(out, name=scope)


piecewise_constant_decay = piecewise_constant


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Tensor:
    """Half a cosine from learning_rate to alpha * learning_rate (Loshchilov and Hutter, 2016)."""
    with name_scope(name, "CosineDecay", [learning_rate, global_step]):
        rate = _start(learning_rate, global_step, "cosine_decay")
        return raw.Mul(rate, _above(alpha, _half_cosine(_completed(global_step, decay_steps, rate.dtype.base_dtype))))


def _completed(global_step: Any, decay_steps: Any, dtype: dtypes.DType) -> Tensor:
    steps = _cast(decay_steps, dtype)
    return raw.RealDiv(raw.Minimum(_cast(global_step, dtype), steps), steps, name="truediv")


def _half_cosine(completed: Tensor) -> Tensor:
    return raw.Mul(0.5, raw.AddV2(1.0, raw.Cos(raw.Mul(math.pi, completed, name="mul")), name="add"), name="mul")


def _above(alpha: float, decayed: Tensor) -> Tensor:
    return raw.AddV2(raw.Mul(1 - alpha, decayed, name="mul"), alpha, name="add")


def cosine_decay_restarts(
    learning_rate: Any, global_step: Any, first_decay_steps: Any, t_mul: float = 2.0, m_mul: float = 1.0,
    alpha: float = 0.0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Cosine decays one after another, each t_mul times as long and starting m_mul times as high as the last."""
    with name_scope(name, "SGDRDecay", [learning_rate, global_step]) as scope:
        rate = _start(learning_rate, global_step, "cosine_decay_restarts")
        dtype = rate.dtype.base_dtype
        t_mul_t, m_mul_t = _cast(t_mul, dtype), _cast(m_mul, dtype)
        completed = raw.RealDiv(_cast(global_step, dtype), _cast(first_decay_steps, dtype), name="truediv")
        if t_mul == 1.0:
            restarts = raw.Floor(completed)
            completed = raw.Sub(completed, restarts, name="sub")
        else:
            # Lengths form a geometric series: its sum, solved for the number of terms.
            grown = raw.Sub(1.0, raw.Mul(completed, raw.Sub(1.0, t_mul_t, name="sub"), name="mul"), name="sub")
            restarts = raw.Floor(raw.RealDiv(raw.Log(grown), raw.Log(t_mul_t), name="truediv"))
            power = raw.Pow(t_mul_t, restarts)
            before = raw.RealDiv(raw.Sub(1.0, power, name="sub"), raw.Sub(1.0, t_mul_t, name="sub"), name="truediv")
            completed = raw.RealDiv(raw.Sub(completed, before, name="sub"), power, name="truediv")
        height = raw.Mul(raw.Pow(m_mul_t, restarts), _half_cosine(completed), name="mul")
        return raw.Mul(rate, _above(alpha, height), name=scope)


def linear_cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, num_periods: float = 0.5, alpha: float = 0.0,
    beta: float = 0.001, name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate * ((alpha + linear) * cosine + beta), linear falling from 1 to 0 (Bello et al., 2017)."""
    with name_scope(name, "LinearCosineDecay", [learning_rate, global_step]) as scope:
        rate = _start(learning_rate, global_step, "linear_cosine_decay")
        completed = _completed(global_step, decay_steps, rate.dtype.base_dtype)
        linear = raw.Sub(1.0, completed, name="sub")
        return _linear_cosine(rate, linear, completed, num_periods, alpha, beta, scope)


def noisy_linear_cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, initial_variance: float = 1.0, variance_decay: float = 0.55,
    num_periods: float = 0.5, alpha: float = 0.0, beta: float = 0.001, name: str | None = None,
) -> Tensor:  # fmt: skip
    """`linear_cosine_decay` with normal noise of variance initial_variance / (1 + step) ^ variance_decay."""
    with name_scope(name, "NoisyLinearCosineDecay", [learning_rate, global_step]) as scope:
        rate = _start(learning_rate, global_step, "noisy_linear_cosine_decay")
        dtype = rate.dtype.base_dtype
        completed = _completed(global_step, decay_steps, dtype)
        step = raw.Minimum(_cast(global_step, dtype), _cast(decay_steps, dtype))
        variance = raw.RealDiv(
            _cast(initial_variance, dtype), raw.Pow(raw.AddV2(1.0, step), _cast(variance_decay, dtype))
        )
        drawn = raw.RandomStandardNormal(raw.Shape(rate), dtype=dtype, **node_seeds(None))
        noise = raw.Mul(drawn, raw.Sqrt(variance))
        linear = raw.AddV2(raw.Sub(1.0, completed, name="sub"), noise, name="add")
        return _linear_cosine(rate, linear, completed, num_periods, alpha, beta, scope)


def _linear_cosine(
    rate: Tensor, linear: Tensor, completed: Tensor, num_periods: float, alpha: float, beta: float, scope: str
) -> Tensor:
    cosine = _half_cosine(raw.Mul(2.0 * num_periods, completed, name="mul"))
    factor = raw.AddV2(raw.Mul(raw.AddV2(alpha, linear, name="add"), cosine, name="mul"), beta, name="add")
    return raw.Mul(rate, factor, name=scope)
