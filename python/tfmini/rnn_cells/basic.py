"""The plain recurrent cell and the gated recurrent unit."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.graph import Tensor
from tfmini.init_ops import constant_initializer, zeros_initializer
from tfmini.rnn_cells.base import RNNCell, dense, static_size

__all__ = ["BasicRNNCell", "GRUCell", "input_depth"]


def input_depth(cell: RNNCell, input_shape: Any) -> int:
    """The last dimension of the inputs, which the variables' shapes need."""
    depth = static_size(input_shape[-1]) if input_shape.ndims else None
    if depth is None:
        raise ValueError(f"Expected inputs.shape[-1] of {cell.name} to be known, saw shape: {input_shape}")
    return depth


class BasicRNNCell(RNNCell):
    """output = new_state = activation(W [inputs, state] + b).

    Args:
      num_units: size of state and output.
      activation: default tanh.
      reuse: take existing variables of this scope.
      name: of the variable scope; default basic_rnn_cell.
      dtype: of the variables; default that of the first inputs.
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        kwargs.pop("input_size", None)  # of TensorFlow 0.x, without effect
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._activation = activation or raw.Tanh

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        depth = input_depth(self, input_shape)
        self._kernel = self.add_variable("kernel", [depth + self._num_units, self._num_units])
        self._bias = self.add_variable("bias", [self._num_units], initializer=zeros_initializer())

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        output = self._activation(dense([inputs, state], self._kernel, self._bias))
        return output, output


class GRUCell(RNNCell):
    """Gated recurrent unit (Cho et al., http://arxiv.org/abs/1406.1078).

    r, u = sigmoid(W [inputs, state] + b); c = activation(W' [inputs, r state] + b');
    output = new_state = u state + (1 - u) c.

    Args:
      num_units: size of state and output.
      activation: default tanh.
      reuse, name, dtype: as for BasicRNNCell; the name is gru_cell.
      kernel_initializer: of both kernels; default that of the variable scope.
      bias_initializer: of both biases; default 1 for the gates, which keeps the state at first, and 0.
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        kwargs.pop("input_size", None)
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._activation = activation or raw.Tanh
        self._kernel_initializer = kernel_initializer
        self._bias_initializer = bias_initializer

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        n = self._num_units
        rows = input_depth(self, input_shape) + n
        ones = constant_initializer(1.0, dtype=self.dtype)
        self._gate_kernel = self.add_variable("gates/kernel", [rows, 2 * n], initializer=self._kernel_initializer)
        self._gate_bias = self.add_variable("gates/bias", [2 * n], initializer=self._bias_initializer or ones)
        self._candidate_kernel = self.add_variable("candidate/kernel", [rows, n], initializer=self._kernel_initializer)
        self._candidate_bias = self.add_variable(
            "candidate/bias", [n], initializer=self._bias_initializer or zeros_initializer(dtype=self.dtype)
        )

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        r, u = raw.Split(1, raw.Sigmoid(dense([inputs, state], self._gate_kernel, self._gate_bias)), num_split=2)
        c = self._activation(dense([inputs, raw.Mul(r, state)], self._candidate_kernel, self._candidate_bias))
        output = raw.Add(raw.Mul(u, state), raw.Mul(raw.Sub(1.0, u), c))
        return output, output
