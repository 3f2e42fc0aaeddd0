"""Cells that run all times at once."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, nest, raw
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor
from tfmini.init_ops import zeros_initializer
from tfmini.ops.block_lstm import block_lstm
from tfmini.rnn_cells.base import RNNCell, static_size, zeros_of
from tfmini.rnn_cells.lstm import LSTMStateTuple

__all__ = ["LSTMBlockFusedCell"]


class LSTMBlockFusedCell(RNNCell):
    """An LSTM over whole sequences, as one op: `outputs, (c, h) = cell(inputs, initial_state, dtype, sequence_length)`.

    The same function as BasicLSTMCell (or LSTMCell with peepholes) in dynamic_rnn with time_major=True, with less to do
    per step: the inputs' share of all gates is one matrix product, and so are the gradients of the weights.

    Args:
      num_units: size of c and of h, which is the output.
      forget_bias: added to f, so that a new cell remembers.
      cell_clip: bound of |c|; gradients pass it.
      use_peephole: c takes part in the gates through diagonal weights.
      reuse: take existing variables of this scope.
      dtype: of the variables.
      name: of the variable scope.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        reuse: Any = None,
        dtype: Any = None,
        name: str = "lstm_fused_cell",
    ):
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._cell_clip = -1.0 if cell_clip is None else cell_clip
        self._use_peephole = use_peephole

    @property
    def num_units(self) -> int:
        return self._num_units

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        depth = static_size(input_shape[-1])
        if depth is None:
            raise ValueError("Expecting inputs[2] to be set")
        n = self._num_units
        self._kernel = self.add_variable("kernel", [depth + n, 4 * n])
        self._bias = self.add_variable("bias", [4 * n], initializer=zeros_initializer(dtype=self.dtype))
        self._diagonals = [self.add_variable(f"w_{g}_diag", [n]) for g in "ifo"] if self._use_peephole else []

    def __call__(  # type: ignore[override]
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: Any = None,
        sequence_length: Any = None,
        scope: Any = None,
    ) -> tuple[Tensor, LSTMStateTuple]:
        """Runs the cell over all times.

        inputs: [time, batch, depth], or a list of `time` tensors [batch, depth]; the last size must be known.
        initial_state: (c, h), each [batch, num_units]; default zeros of `dtype`.
        sequence_length: [batch], at most time: outputs beyond are zeros, and the final state is that of the last time.

        Returns outputs [time, batch, num_units] (a list if the inputs are one) and the final (c, h).
        """
        x = raw.Pack(list(inputs)) if isinstance(inputs, (list, tuple)) else convert_to_tensor(inputs)
        if x.shape.ndims != 3:
            raise ValueError(f"Inputs must have 3 dimensions [time, batch, depth], got {x.shape}")
        if initial_state is None and dtype is None:
            raise ValueError("Either initial_state or dtype needs to be specified")
        with self._in_scope(scope):
            if not self.built:
                self._dtype = x.dtype.base_dtype if self._dtype is None else self._dtype
                self.build(x.shape)
                self.built = True
            time, batch = raw.Unpack(raw.Shape(x), num=3, axis=0)[:2]
            size = static_size(x.shape[1])
            if initial_state is None:
                initial_state = zeros_of(self.state_size, batch if size is None else size, dtypes.as_dtype(dtype))
            before = LSTMStateTuple(*nest.map_structure(convert_to_tensor, initial_state))
            outputs, state = self._run(x, before, time, sequence_length)
        if isinstance(inputs, (list, tuple)):
            outputs = raw.Unpack(outputs, num=len(inputs), axis=0)
        return outputs, state

    def _run(self, x: Tensor, before: LSTMStateTuple, time: Tensor, lengths: Any) -> tuple[Any, LSTMStateTuple]:
        n = self._num_units
        wci, wcf, wco = self._diagonals or [raw.Fill([n], convert_to_tensor(0, x.dtype))] * 3
        if lengths is not None:
            lengths = raw.Cast(convert_to_tensor(lengths), DstT=dtypes.int32)
        longest = time if lengths is None else raw.Max(lengths, [0])
        steps = raw.Cast(longest, DstT=dtypes.int64)
        results = block_lstm(
            steps, x, before.c, before.h, self._kernel, wci, wcf, wco, self._bias,
            forget_bias=self._forget_bias, cell_clip=self._cell_clip, use_peephole=self._use_peephole,
        )  # fmt: skip
        if lengths is None:
            last = [
                raw.StridedSlice(s, [-1], [0], [1], end_mask=1, shrink_axis_mask=1) for s in (results.cs, results.h)
            ]
            return results.h, LSTMStateTuple(*last)
        running = raw.Less(raw.ExpandDims(raw.Range(0, time, 1), 1), lengths)  # [time, batch]
        outputs = raw.Mul(results.h, raw.ExpandDims(raw.Cast(running, DstT=x.dtype), 2))
        at = raw.Pack([lengths, raw.Range(0, raw.Size(lengths), 1)], axis=1)
        with_first = [raw.ConcatV2([raw.ExpandDims(b, 0), s], 0) for b, s in zip(before, (results.cs, results.h))]
        return outputs, LSTMStateTuple(*(raw.GatherNd(s, at) for s in with_first))
