"""Max and average pooling over one or two dimensions."""

from __future__ import annotations

from typing import Any

from tfmini import nn
from tfmini.graph import Tensor
from tfmini.layers.base import InputSpec, Layer, channels_first, padding_name, pair

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "MaxPooling1D", "MaxPooling2D", "average_pooling1d", "average_pooling2d",
    "max_pooling1d", "max_pooling2d",
]  # fmt: skip


class _Pooling(Layer):
    """Pools windows of `pool_size`, `strides` apart; `padding` is "valid" or "same"."""

    _spatial: int
    _mean: bool

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.pool_size = pair(pool_size, self._spatial, "pool_size")
        self.strides = pair(pool_size if strides is None else strides, self._spatial, "strides")
        self.padding = padding_name(padding)
        self._first = channels_first(data_format)
        self.input_spec = InputSpec(ndim=self._spatial + 2)

    def _window(self, sizes: list[int]) -> list[int]:
        return [1, 1, *sizes] if self._first else [1, *sizes, 1]

    def call(self, inputs: Tensor, **_: Any) -> Tensor:
        if self._spatial == 1:
            function: Any = nn.avg_pool1d if self._mean else nn.max_pool1d
            layout = "NCW" if self._first else "NWC"
            return function(inputs, self.pool_size, self.strides, self.padding, data_format=layout)
        function = nn.avg_pool if self._mean else nn.max_pool
        layout = "NCHW" if self._first else "NHWC"
        window, strides = self._window(self.pool_size), self._window(self.strides)
        return function(inputs, window, strides, self.padding, data_format=layout)


class MaxPooling1D(_Pooling):
    """The largest value of each window of [batch, width, channels]."""

    _spatial, _mean = 1, False


class MaxPooling2D(_Pooling):
    """The largest value of each window of [batch, height, width, channels]."""

    _spatial, _mean = 2, False


class AveragePooling1D(_Pooling):
    """The mean of each window of [batch, width, channels]."""

    _spatial, _mean = 1, True


class AveragePooling2D(_Pooling):
    """The mean of each window of [batch, height, width, channels]."""

    _spatial, _mean = 2, True


def max_pooling1d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """See `MaxPooling1D`."""
    return MaxPooling1D(pool_size, strides, padding, data_format, name).apply(inputs)


def max_pooling2d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """See `MaxPooling2D`."""
    return MaxPooling2D(pool_size, strides, padding, data_format, name).apply(inputs)


def average_pooling1d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """See `AveragePooling1D`."""
    return AveragePooling1D(pool_size, strides, padding, data_format, name).apply(inputs)


def average_pooling2d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """See `AveragePooling2D`."""
    return AveragePooling2D(pool_size, strides, padding, data_format, name).apply(inputs)
