"""Initializers: callables that make the initial value of a variable from its shape."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from tfmini import dtypes, raw, tensor_shape
from tfmini.convert import constant
from tfmini.graph import Tensor
from tfmini.ops import fill as fill_ops
from tfmini.ops import random as random_ops

__all__ = [
    "Initializer", "constant_initializer", "glorot_normal_initializer", "glorot_uniform_initializer", "he_normal",
    "he_uniform", "identity_initializer", "lecun_normal", "lecun_uniform", "ones_initializer", "orthogonal_initializer",
    "random_normal_initializer", "random_uniform_initializer",
    "truncated_normal_initializer", "uniform_unit_scaling_initializer", "variance_scaling_initializer",
    "zeros_initializer",
]  # fmt: skip

# Standard deviation of a standard normal distribution cut off at two standard deviations.
_TRUNCATED_STDDEV = 0.87962566103423978


class Initializer:
    """Base class. An initializer is called with (shape, dtype, partition_info) and returns a tensor.

    `dtype` is what it was constructed with unless the call says otherwise; `partition_info` has the
    ``full_shape`` of a variable that is created in parts.
    """

    _config: ClassVar[tuple[str, ...]] = ()  # constructor arguments, kept as attributes of the same names
    dtype: dtypes.DType

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain values."""
        return {**{key: getattr(self, key) for key in self._config}, "dtype": self.dtype.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def _dtype(self, dtype: Any) -> dtypes.DType:
        return self.dtype if dtype is None else dtypes.as_dtype(dtype).base_dtype


def _float_type(dtype: Any) -> dtypes.DType:
    dtype = dtypes.as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"Argument `dtype` expected to be numeric or boolean. Received {dtype}.")
    return dtype


def _sizes(shape: Any) -> list[int]:
    return [int(d) for d in tensor_shape.as_shape(shape)]


def _is_shape(value: Any) -> bool:
    return isinstance(value, (list, tuple, tensor_shape.TensorShape, Tensor))


class _Filled(Initializer):
    """zeros and ones. Before TensorFlow 1.0 these were functions of the shape: that call still gives a tensor."""

    _fill: Any

    def __new__(cls, dtype: Any = dtypes.float32, *args: Any, shape: Any = None, **kwargs: Any) -> Any:
        if shape is not None or _is_shape(dtype):
            called_with = (dtype, *args) if shape is None else (shape, *args)
            if shape is not None and dtype is not dtypes.float32:
                kwargs.setdefault("dtype", dtype)
            return cls._make(*called_with, **kwargs)
        return super().__new__(cls)

    def __init__(self, dtype: Any = dtypes.float32):
        self.dtype = dtypes.as_dtype(dtype)

    @classmethod
    def _make(cls, shape: Any, dtype: Any = dtypes.float32, partition_info: Any = None) -> Tensor:
        return cls._fill(shape, dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return type(self)._fill(shape, self._dtype(dtype))


class zeros_initializer(_Filled):
    """All zeros (False, empty strings)."""

    _fill = staticmethod(fill_ops.zeros)


class ones_initializer(_Filled):
    """All ones."""

    _fill = staticmethod(fill_ops.ones)


class constant_initializer(Initializer):
    """A given value.

    Args:
      value: a scalar, or a list or array with at most as many elements as the variable; the last one is repeated.
      verify_shape: refuse a value of another shape.

    Raises:
      TypeError: if `value` is no scalar, list or array.
      ValueError: when called, if there are too many values.
    """

    def __init__(self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False):
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value={value} of type: {type(value).__name__}. "
                "Expected Python scalar, list or tuple of values, or numpy.ndarray."
            )
        self.value = value
        self.dtype = dtypes.as_dtype(dtype)
        self._verify_shape = verify_shape

    _config: ClassVar[tuple[str, ...]] = ("value",)

    def __call__(
        self, shape: Any, dtype: Any = None, partition_info: Any = None, verify_shape: bool | None = None
    ) -> Tensor:
        verify = self._verify_shape if verify_shape is None else verify_shape
        return constant(self.value, dtype=self._dtype(dtype), shape=shape, verify_shape=verify)


class random_uniform_initializer(Initializer):
    """Uniform in [minval, maxval); maxval defaults to 1 for floats and must be given for integers."""

    _config: ClassVar[tuple[str, ...]] = ("minval", "maxval", "seed")

    def __init__(self, minval: Any = 0.0, maxval: Any = None, seed: Any = None, dtype: Any = dtypes.float32):
        self.minval, self.maxval, self.seed, self.dtype = minval, maxval, seed, dtypes.as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return random_ops.random_uniform(shape, self.minval, self.maxval, self._dtype(dtype), seed=self.seed)


class random_normal_initializer(Initializer):
    """Normally distributed."""

    _config: ClassVar[tuple[str, ...]] = ("mean", "stddev", "seed")

    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: Any = None, dtype: Any = dtypes.float32):
        self.mean, self.stddev, self.seed, self.dtype = mean, stddev, seed, _float_type(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return random_ops.random_normal(shape, self.mean, self.stddev, self._dtype(dtype), seed=self.seed)


class truncated_normal_initializer(random_normal_initializer):
    """Normally distributed, values beyond two standard deviations drawn again."""

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return random_ops.truncated_normal(shape, self.mean, self.stddev, self._dtype(dtype), seed=self.seed)


class uniform_unit_scaling_initializer(Initializer):
    """Uniform in [-m, m] with m = factor * sqrt(3 / inputs), which keeps the scale of the input.

    `inputs` is the product of all dimensions but the last (Sussillo and Abbott, 2014, "Random walk initialization").
    """

    _config: ClassVar[tuple[str, ...]] = ("factor", "seed")

    def __init__(self, factor: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32):
        self.factor, self.seed, self.dtype = factor, seed, _float_type(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        full = shape if partition_info is None else partition_info.full_shape
        limit = math.sqrt(3 / max(1.0, float(math.prod(_sizes(full)[:-1])))) * self.factor
        return random_ops.random_uniform(shape, -limit, limit, self._dtype(dtype), seed=self.seed)


class variance_scaling_initializer(Initializer):
    """Zero mean, variance scale / n, n being the number of inputs, of outputs, or their mean.

    Args:
      scale: a positive number.
      mode: "fan_in", "fan_out" or "fan_avg".
      distribution: "uniform", "truncated_normal" (alias "normal") or "untruncated_normal".

    Raises:
      ValueError: for any other argument.
    """

    _config: ClassVar[tuple[str, ...]] = ("scale", "mode", "distribution", "seed")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        dtype: Any = dtypes.float32,
    ):
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be a positive float. Received: {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Argument `mode` should be one of ('fan_in', 'fan_out', 'fan_avg'). Received: {mode}")
        distribution = distribution.lower()
        if distribution not in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                "Argument `distribution` should be one of ('normal', uniform', 'truncated_normal', "
                f"'untruncated_normal'). Received: {distribution}"
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed
        self.dtype = _float_type(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        dtype = self._dtype(dtype)
        fan_in, fan_out = _compute_fans(shape if partition_info is None else partition_info.full_shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random_ops.random_uniform(shape, -limit, limit, dtype, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return random_ops.random_normal(shape, 0.0, math.sqrt(variance), dtype, seed=self.seed)
        return random_ops.truncated_normal(shape, 0.0, math.sqrt(variance) / _TRUNCATED_STDDEV, dtype, seed=self.seed)


def _compute_fans(shape: Any) -> tuple[float, float]:
    """Inputs and outputs of one unit of a weight of this shape ([..., inputs, outputs])."""
    sizes = _sizes(shape)
    if not sizes:
        return 1.0, 1.0
    if len(sizes) == 1:
        return float(sizes[0]), float(sizes[0])
    receptive_field = float(math.prod(sizes[:-2]))
    return sizes[-2] * receptive_field, sizes[-1] * receptive_field


class glorot_uniform_initializer(variance_scaling_initializer):
    """Uniform with variance 2 / (inputs + outputs) (Glorot and Bengio, 2010); what `tf.get_variable` uses."""

    _config: ClassVar[tuple[str, ...]] = ("seed",)

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32):
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)


class glorot_normal_initializer(variance_scaling_initializer):
    """Truncated normal with variance 2 / (inputs + outputs) (Glorot and Bengio, 2010)."""

    _config: ClassVar[tuple[str, ...]] = ("seed",)

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32):
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)


def lecun_normal(seed: Any = None) -> Initializer:
    """Truncated normal with variance 1 / inputs (LeCun et al., 1998, "Efficient backprop")."""
    return variance_scaling_initializer(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: Any = None) -> Initializer:
    """Uniform with variance 1 / inputs (LeCun et al., 1998, "Efficient backprop")."""
    return variance_scaling_initializer(1.0, "fan_in", "uniform", seed)


def he_normal(seed: Any = None) -> Initializer:
    """Truncated normal with variance 2 / inputs (He et al., 2015)."""
    return variance_scaling_initializer(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: Any = None) -> Initializer:
    """Uniform with variance 2 / inputs (He et al., 2015)."""
    return variance_scaling_initializer(2.0, "fan_in", "uniform", seed)


class _AtLeastMatrix(Initializer):
    _config: ClassVar[tuple[str, ...]] = ("gain",)

    def _check(self, shape: Any, exactly: bool) -> list[int]:
        sizes = _sizes(shape)
        if len(sizes) < 2 or (exactly and len(sizes) > 2):
            raise ValueError(
                "The tensor to initialize, specified by argument `shape` must be "
                f"{'two' if exactly else 'at least two'}-dimensional. Received shape={shape}"
            )
        return sizes


class identity_initializer(_AtLeastMatrix):
    """`gain` times the identity matrix; for 2-D variables."""

    def __init__(self, gain: float = 1.0, dtype: Any = dtypes.float32):
        self.gain, self.dtype = gain, _float_type(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        full = shape if partition_info is None else partition_info.full_shape
        rows, columns = self._check(full, exactly=True)
        eye = constant(self.gain * np.eye(rows, columns), dtype=self._dtype(dtype), name="eye")
        if partition_info is None:
            return eye
        return raw.Slice(eye, partition_info.var_offset, shape)


class orthogonal_initializer(_AtLeastMatrix):
    """`gain` times a matrix with orthonormal rows or columns, whichever are fewer (Saxe et al., 2013).

    Tensors of higher rank are seen as a matrix with the last dimension as columns.
    """

    _config: ClassVar[tuple[str, ...]] = ("gain", "seed")

    def __init__(self, gain: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32):
        self.gain, self.seed, self.dtype = gain, seed, _float_type(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        sizes = self._check(shape, exactly=False)
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        flat = random_ops.random_normal(
            [max(rows, columns), min(rows, columns)], dtype=self._dtype(dtype), seed=self.seed
        )
        q, r = raw.Qr(flat)
        # The signs of the diagonal are arbitrary; fixed, the distribution is uniform over orthogonal matrices.
        q = raw.Mul(q, raw.Sign(raw.DiagPart(r)), name="mul")
        if rows < columns:
            q = raw.Transpose(q, [1, 0], name="transpose")
        return raw.Mul(self.gain, raw.Reshape(q, sizes), name="mul")
