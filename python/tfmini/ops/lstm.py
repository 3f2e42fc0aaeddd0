"""The gates of an LSTM step as one op, forward and backward."""

from __future__ import annotations

import numpy as np

from tfmini import dtypes, raw
from tfmini.autodiff import gradient, gradients
from tfmini.composed import composed
from tfmini.graph import Operation, Tensor

__all__ = ["lstm_gates", "lstm_gates_composed"]


def lstm_gates(z: Tensor, c_prev: Tensor, forget_bias: float = 1.0, name: str | None = None) -> tuple[Tensor, Tensor]:
    """One step of an LSTM from its pre-activations: c = f c_prev + i j, h = o tanh(c).

    z: [batch, 4 units], the gates i, j, f, o side by side, in the order of BasicLSTMCell; sigmoid is applied
        to i, f and o, after adding forget_bias to f, and tanh to j.
    c_prev: [batch, units].

    Returns (c, h), both [batch, units]. The gradient computes the gates again instead of keeping them.
    """
    if z.dtype == dtypes.float64 and float(np.float32(forget_bias)) != forget_bias:
        return lstm_gates_composed(z, c_prev, forget_bias)  # attributes are single precision
    return raw._LSTMGates(z, c_prev, forget_bias=forget_bias, name=name or "LSTMGates")


def lstm_gates_composed(z: Tensor, c_prev: Tensor, forget_bias: float = 1.0) -> tuple[Tensor, Tensor]:
    """lstm_gates made of elementwise ops: what the fused op is tested against."""
    i, j, f, o = _gates(z, forget_bias)
    c = raw.Add(raw.Mul(c_prev, f), raw.Mul(i, j))
    return c, raw.Mul(raw.Tanh(c), o)


def _gates(z: Tensor, forget_bias: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    i, j, f, o = raw.Split(1, z, num_split=4)
    return raw.Sigmoid(i), raw.Tanh(j), raw.Sigmoid(raw.Add(f, forget_bias)), raw.Sigmoid(o)


def _composed_grad(
    z: Tensor, c_prev: Tensor, c: Tensor, dc: Tensor, dh: Tensor, forget_bias: float
) -> tuple[Tensor, Tensor]:
    """_LSTMGatesGrad made of elementwise ops, so that it can be differentiated in turn."""
    i, j, f, o = _gates(z, forget_bias)
    t = raw.Tanh(c)
    total = raw.Add(dc, raw.Mul(raw.Mul(dh, o), _one_minus(raw.Square(t))))
    dz = [
        raw.Mul(raw.Mul(total, j), _sigmoid_slope(i)),
        raw.Mul(raw.Mul(total, i), _one_minus(raw.Square(j))),
        raw.Mul(raw.Mul(total, c_prev), _sigmoid_slope(f)),
        raw.Mul(raw.Mul(dh, t), _sigmoid_slope(o)),
    ]
    return raw.ConcatV2(dz, 1), raw.Mul(total, f)


def _one_minus(x: Tensor) -> Tensor:
    return raw.Sub(1.0, x)


def _sigmoid_slope(y: Tensor) -> Tensor:
    return raw.Mul(y, _one_minus(y))


@composed("_LSTMGates")
def _gates_composed(op: Operation, z: Tensor, c_prev: Tensor) -> tuple[Tensor, Tensor]:
    return lstm_gates_composed(z, c_prev, op.get_attr("forget_bias"))


@composed("_LSTMGatesGrad")
def _gates_grad_composed(
    op: Operation, z: Tensor, c_prev: Tensor, c: Tensor, dc: Tensor, dh: Tensor
) -> tuple[Tensor, Tensor]:
    return _composed_grad(z, c_prev, c, dc, dh, op.get_attr("forget_bias"))


@gradient("_LSTMGates")
def _lstm_gates_grad(op: Operation, dc: Tensor, dh: Tensor) -> list[Tensor]:
    z, c_prev = op.inputs
    bias = op.get_attr("forget_bias")
    return list(raw._LSTMGatesGrad(z, c_prev, op.outputs[0], dc, dh, forget_bias=bias, name="LSTMGatesGrad"))


@gradient("_LSTMGatesGrad")
def _lstm_gates_grad_grad(op: Operation, *grads: Tensor) -> list[Tensor]:
    # Copies, so that the gradients are those of this step alone and do not run on through op.inputs.
    z, c_prev, c, dc, dh = inputs = [raw.Identity(x) for x in op.inputs]
    composed = _composed_grad(z, c_prev, c, dc, dh, op.get_attr("forget_bias"))
    return gradients(list(composed), inputs, grad_ys=list(grads))
