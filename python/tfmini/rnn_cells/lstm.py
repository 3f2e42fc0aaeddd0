"""The LSTM cells."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from tfmini import raw
from tfmini.graph import Tensor
from tfmini.init_ops import zeros_initializer
from tfmini.ops.lstm import lstm_gates
from tfmini.rnn_cells.base import RNNCell, dense
from tfmini.rnn_cells.basic import input_depth

__all__ = ["BasicLSTMCell", "LSTMCell", "LSTMStateTuple"]

_StateTuple = namedtuple("_StateTuple", ("c", "h"))


class LSTMStateTuple(_StateTuple):
    """(c, h): the state and the output of an LSTM cell."""

    __slots__ = ()

    @property
    def dtype(self) -> Any:
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent internal state: {self.c.dtype} vs {self.h.dtype}")
        return self.c.dtype


def _is_tanh(activation: Any) -> bool:
    """Is this tfmini's own tanh, under whichever of its names?"""
    module, name = getattr(activation, "__module__", ""), getattr(activation, "__name__", "")
    return str(module).partition(".")[0] == "tfmini" and name.lower() == "tanh"


class BasicLSTMCell(RNNCell):
    """LSTM without peepholes (Zaremba et al., http://arxiv.org/abs/1409.2329).

    i, j, f, o = W [inputs, h] + b; c' = sigmoid(f + forget_bias) c + sigmoid(i) activation(j);
    h' = sigmoid(o) activation(c'). One matrix product for all gates; with tanh, one further op does the rest.

    Args:
      num_units: size of c and of h, which is the output.
      forget_bias: added to f, so that a new cell remembers.
      state_is_tuple: states are LSTMStateTuples (c, h); otherwise c and h side by side in one tensor.
      activation: default tanh.
      reuse: take existing variables of this scope.
      name: of the variable scope; default basic_lstm_cell.
      dtype: of the variables; default that of the first inputs.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        kwargs.pop("input_size", None)
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._state_is_tuple = True if state_is_tuple is None else state_is_tuple
        self._activation = activation or raw.Tanh

    @property
    def state_size(self) -> Any:
        n = self._num_units
        return LSTMStateTuple(n, n) if self._state_is_tuple else 2 * n

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        rows = input_depth(self, input_shape) + self._num_units
        self._kernel = self.add_variable("kernel", [rows, 4 * self._num_units])
        self._bias = self.add_variable("bias", [4 * self._num_units], initializer=zeros_initializer(dtype=self.dtype))

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        c, h = state if self._state_is_tuple else raw.Split(1, state, num_split=2)
        z = dense([inputs, h], self._kernel, self._bias)
        if _is_tanh(self._activation):
            c, h = lstm_gates(z, c, self._forget_bias)
        else:
            i, j, f, o = raw.Split(1, z, num_split=4)
            kept = raw.Mul(c, raw.Sigmoid(raw.Add(f, self._forget_bias)))
            c = raw.Add(kept, raw.Mul(raw.Sigmoid(i), self._activation(j)))
            h = raw.Mul(self._activation(c), raw.Sigmoid(o))
        return h, LSTMStateTuple(c, h) if self._state_is_tuple else raw.ConcatV2([c, h], 1)


class LSTMCell(RNNCell):
    """LSTM with optional peepholes, clipping and projection (Sak et al., 2014).

    Args:
      num_units: size of c.
      use_peepholes: c takes part in the gates through diagonal weights.
      cell_clip: bound of |c|.
      initializer: of the kernels; default that of the variable scope.
      num_proj: size of the output, a projection of h; default no projection.
      proj_clip: bound of the projected values.
      num_unit_shards, num_proj_shards: accepted; variables are not divided.
      forget_bias, state_is_tuple, activation, reuse, name, dtype: as for BasicLSTMCell; the name is lstm_cell.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int | None = None,
        num_proj_shards: int | None = None,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        del num_unit_shards, num_proj_shards
        kwargs.pop("input_size", None)
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation or raw.Tanh

    @property
    def state_size(self) -> Any:
        c, h = self._num_units, self.output_size
        return LSTMStateTuple(c, h) if self._state_is_tuple else c + h

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units

    def build(self, input_shape: Any) -> None:
        n = self._num_units
        rows = input_depth(self, input_shape) + self.output_size
        self._kernel = self.add_variable("kernel", [rows, 4 * n], initializer=self._initializer)
        self._bias = self.add_variable("bias", [4 * n], initializer=zeros_initializer(dtype=self.dtype))
        if self._use_peepholes:
            self._w_f, self._w_i, self._w_o = (
                self.add_variable(f"w_{gate}_diag", [n], initializer=self._initializer) for gate in "fio"
            )
        if self._num_proj:
            self._projection = self.add_variable(
                "projection/kernel", [n, self._num_proj], initializer=self._initializer
            )

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        if self._state_is_tuple:
            c, h = state
        else:
            c, h = raw.SplitV(state, [self._num_units, self.output_size], 1, num_split=2)
        z = dense([inputs, h], self._kernel, self._bias)
        if _is_tanh(self._activation) and not self._use_peepholes and self._cell_clip is None:
            c, h = lstm_gates(z, c, self._forget_bias)
        else:
            c, h = self._gates(z, c)
        if self._num_proj:
            h = raw.MatMul(h, self._projection)
            if self._proj_clip is not None:
                h = _clip(h, self._proj_clip)
        return h, LSTMStateTuple(c, h) if self._state_is_tuple else raw.ConcatV2([c, h], 1)

    def _gates(self, z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        i, j, f, o = raw.Split(1, z, num_split=4)
        f = raw.Add(f, self._forget_bias)
        if self._use_peepholes:
            f, i = raw.Add(f, raw.Mul(self._w_f, c)), raw.Add(i, raw.Mul(self._w_i, c))
        c = raw.Add(raw.Mul(raw.Sigmoid(f), c), raw.Mul(raw.Sigmoid(i), self._activation(j)))
        if self._cell_clip is not None:
            c = _clip(c, self._cell_clip)
        if self._use_peepholes:
            o = raw.Add(o, raw.Mul(self._w_o, c))
        return c, raw.Mul(raw.Sigmoid(o), self._activation(c))


def _clip(x: Tensor, bound: float) -> Tensor:
    return raw.Maximum(raw.Minimum(x, bound), -bound)
