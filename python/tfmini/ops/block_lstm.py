"""An LSTM over all times as one op."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfmini import raw
from tfmini.autodiff import gradient, not_differentiable
from tfmini.graph import Operation, Tensor

__all__ = ["BlockLSTMOutputs", "block_lstm"]


class BlockLSTMOutputs(NamedTuple):
    """All [time, batch, units]: the gates after their activations, the states cs and their tanh co, the outputs h."""

    i: Tensor
    cs: Tensor
    f: Tensor
    o: Tensor
    ci: Tensor
    co: Tensor
    h: Tensor


def block_lstm(
    seq_len_max: Any,
    x: Any,
    cs_prev: Any,
    h_prev: Any,
    w: Any,
    wci: Any,
    wcf: Any,
    wco: Any,
    b: Any,
    forget_bias: float = 1.0,
    cell_clip: float = 3.0,
    use_peephole: bool = False,
    name: str | None = None,
) -> BlockLSTMOutputs:
    """TensorFlow's BlockLSTM: i, ci, f, o = w [x, h] + b at each time, then

        cs = clip(sigmoid(f + forget_bias) cs + sigmoid(i) tanh(ci)),   h = sigmoid(o) tanh(cs).

    seq_len_max: int64 scalar; the results of later times are zeros.
    x: [time, batch, inputs]. cs_prev, h_prev: [batch, units], before the first time.
    w: [inputs + units, 4 units]. b: [4 units].
    wci, wcf, wco: [units], added times the state to i, f (the state before) and o (the new one) if use_peephole.
    cell_clip: the bound of |cs|; none if it is not positive. Gradients pass it.

    Only the gradients of cs and h are followed, as in TensorFlow. All must be of one type among half, bfloat16, float
    and double. Raises ValueError for shapes that do not fit; InvalidArgumentError if seq_len_max is beyond time.
    """
    outputs = raw.BlockLSTM(
        seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b,
        forget_bias=forget_bias, cell_clip=cell_clip, use_peephole=use_peephole, name=name,
    )  # fmt: skip
    return BlockLSTMOutputs(*outputs)


@gradient("BlockLSTM")
def _block_lstm_grad(op: Operation, *grads: Tensor) -> list[Tensor | None]:
    results = BlockLSTMOutputs(*op.outputs)
    given = BlockLSTMOutputs(*grads)
    parts = raw.BlockLSTMGrad(
        *op.inputs, *results, given.cs, given.h, use_peephole=op.get_attr("use_peephole"), name="BlockLSTMGrad"
    )
    return [None, *parts]


not_differentiable("BlockLSTMGrad")
