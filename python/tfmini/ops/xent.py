"""Cross entropy between labels and the softmax of logits."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.aliases import only_one
from tfmini.autodiff import gradient
from tfmini.axis_order import move_to_end
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = [
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "sparse_softmax_cross_entropy_with_logits",
]


def softmax_cross_entropy_with_logits(
    *args: Any,
    labels: Any = None,
    logits: Any = None,
    dim: int | None = None,
    name: str | None = None,
    axis: int | None = None,
    _sentinel: None = None,
) -> Tensor:
    """-sum(labels * log(softmax(logits))) along `axis` (the last one); no gradient flows to the labels.

    labels, logits: float tensors of one shape, or shapes that broadcast; labels are probabilities along `axis`.
    Positional arguments are those of 2015-16, (logits, labels, dim or name, name); since TensorFlow 1.0 labels and
    logits must be named. Returns a tensor without that axis. Raises ValueError if either is missing or the shapes
    do not fit.
    """
    del _sentinel
    logits, labels, dim, name = _old_positions("softmax_cross_entropy_with_logits", args, logits, labels, dim, name)
    axis = only_one("axis", axis, "dim", dim)
    with name_scope(name, "softmax_cross_entropy_with_logits_sg", [logits, labels]) as scope:
        logits, labels = _convert(logits, labels)
        labels = raw.StopGradient(labels, name="labels_stop_gradient")
        return _dense(logits, labels, axis, scope)


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """As `tf.nn.softmax_cross_entropy_with_logits`, with a gradient for the labels too."""
    axis = only_one("axis", axis, "dim", dim)
    with name_scope(name, "softmax_cross_entropy_with_logits", [logits, labels]) as scope:
        return _dense(*_convert(logits, labels), axis, scope)


def sparse_softmax_cross_entropy_with_logits(
    *args: Any, labels: Any = None, logits: Any = None, name: str | None = None, _sentinel: None = None
) -> Tensor:
    """-log(softmax(logits)[label]) for logits of shape [..., classes] and integer labels of shape [...].

    Positional arguments are those of 2015-16, (logits, labels, name). Returns a tensor of the labels' shape and the
    logits' dtype. Raises ValueError if the ranks do not fit, InvalidArgumentError at run time for a label that is
    no class.
    """
    del _sentinel
    logits, labels, _, name = _old_positions(
        "sparse_softmax_cross_entropy_with_logits", args, logits, labels, None, name
    )
    with name_scope(name, "SparseSoftmaxCrossEntropyWithLogits", [labels, logits]):
        labels = convert_to_tensor(labels)
        logits = convert_to_tensor(logits)
        rank, label_rank = logits.shape.ndims, labels.shape.ndims
        if rank == 0:
            raise ValueError("logits cannot be a scalar")
        if rank is not None and label_rank is not None and label_rank != rank - 1:
            raise ValueError(
                f"Rank mismatch: the rank of labels ({label_rank}) should equal the rank of logits ({rank}) minus 1; "
                "for one-hot labels use softmax_cross_entropy_with_logits"
            )
        inner = name.rpartition("/")[2] if name else None
        if rank == 2:
            return raw.SparseSoftmaxCrossEntropyWithLogits(logits, labels, name=inner)[0]
        loss = raw.SparseSoftmaxCrossEntropyWithLogits(_as_matrix(logits), raw.Reshape(labels, [-1]), name=inner)[0]
        loss = raw.Reshape(loss, raw.Shape(labels))
        loss.set_shape(labels.shape)
        return loss


def _old_positions(function: str, args: tuple[Any, ...], logits: Any, labels: Any, dim: Any, name: Any) -> Any:
    """(logits, labels, dim, name) from named arguments and positional ones in the order of 2015-16."""
    if args and args[0] is None and labels is not None and logits is not None:
        args = args[1:]  # the sentinel, given explicitly
    rest = list(args)
    if rest and logits is None:
        logits = rest.pop(0)
    if rest and labels is None:
        labels = rest.pop(0)
    for value in rest:
        if isinstance(value, str) and name is None:
            name = value
        elif isinstance(value, int) and dim is None and not function.startswith("sparse"):
            dim = value
        elif value is not None:
            raise ValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., ...)")
    if labels is None or logits is None:
        raise ValueError("Both labels and logits must be provided.")
    return logits, labels, dim, name


def _convert(logits: Any, labels: Any) -> tuple[Tensor, Tensor]:
    logits = convert_to_tensor(logits, name="logits")
    if not logits.dtype.is_floating:
        raise TypeError(f"logits must be floats, got {logits.dtype.base_dtype.name}; use tf.cast")
    return logits, convert_to_tensor(labels, logits.dtype.base_dtype, name="labels")


def _as_matrix(x: Tensor) -> Tensor:
    """x as [everything else, last dimension]."""
    last = x.shape[-1].value if x.shape.ndims else None
    if last:
        return raw.Reshape(x, [-1, last])
    shape = raw.Shape(x)
    rows = raw.Prod(_but_last(shape), [0])
    n = raw.StridedSlice(shape, [-1], [0], [1], end_mask=1, shrink_axis_mask=1)
    return raw.Reshape(x, raw.Pack([rows, n]))


def _but_last(shape: Tensor) -> Tensor:
    return raw.StridedSlice(shape, [0], [-1], [1], begin_mask=1)


def _dense(logits: Tensor, labels: Tensor, axis: int | None, scope: str) -> Tensor:
    rank = logits.shape.ndims
    order = None if axis is None else move_to_end(logits, axis)
    if order is not None:
        logits, labels = raw.Transpose(logits, order), raw.Transpose(labels, order)
    if rank == 2 and labels.shape.ndims == 2:
        return raw.SoftmaxCrossEntropyWithLogits(logits, labels, name=scope)[0]
    if rank == 0:
        raise ValueError("logits cannot be a scalar")
    loss, _ = raw.SoftmaxCrossEntropyWithLogits(_as_matrix(logits), _as_matrix(labels), name=scope)
    loss = raw.Reshape(loss, _but_last(raw.Shape(logits)))
    if rank is not None:
        loss.set_shape(logits.shape[:-1])
    return loss


# --- gradients ------------------------------------------------------------------------------------


def _times_rows(per_row: Tensor, matrix: Tensor) -> Tensor:
    return raw.Mul(raw.ExpandDims(per_row, -1), matrix)


def _logits_grad(logits: Tensor, backprop: Tensor, grad_loss: Tensor, grad_backprop: Tensor) -> Tensor:
    """The kernel has computed d loss / d logits on the way (`backprop`). That in turn depends on the logits through
    softmax, which a gradient of this gradient asks for."""
    grad = _times_rows(grad_loss, backprop)
    if grad_backprop.op.type == "ZerosLike":
        return grad
    softmax = raw.Softmax(logits)
    along = raw.Sum(raw.Mul(grad_backprop, softmax), [-1], keep_dims=True)
    return raw.Add(grad, raw.Mul(raw.Sub(grad_backprop, along), softmax))


@gradient("SoftmaxCrossEntropyWithLogits")
def _xent_grad(op: Operation, grad_loss: Tensor, grad_backprop: Tensor) -> list[Any]:
    logits, labels = op.inputs
    backprop = op.outputs[1]
    full = logits if _same_shape(logits, backprop) else raw.BroadcastTo(logits, raw.Shape(backprop))
    for_logits = _sum_to(_logits_grad(full, backprop, grad_loss, grad_backprop), logits)
    if labels.op.type == "StopGradient":
        return [for_logits, None]
    for_labels = _times_rows(raw.Neg(grad_loss), raw.LogSoftmax(full))
    if grad_backprop.op.type != "ZerosLike":
        for_labels = raw.Sub(for_labels, grad_backprop)
    return [for_logits, _sum_to(for_labels, labels)]


@gradient("SparseSoftmaxCrossEntropyWithLogits")
def _sparse_xent_grad(op: Operation, grad_loss: Tensor, grad_backprop: Tensor) -> list[Any]:
    return [_logits_grad(op.inputs[0], op.outputs[1], grad_loss, grad_backprop), None]


def _sum_to(grad: Tensor, x: Tensor) -> Tensor:
    """Sums a gradient over the dimensions along which x was broadcast."""
    if _same_shape(grad, x):
        return grad
    x_shape = raw.Shape(x)
    _, axes = raw.BroadcastGradientArgs(raw.Shape(grad), x_shape)
    return raw.Reshape(raw.Sum(grad, axes, keep_dims=True), x_shape)


def _same_shape(a: Tensor, b: Tensor) -> bool:
    """Do a and b certainly have one shape?"""
    dims = a._dims()
    return dims is not None and None not in dims and dims == b._dims()
