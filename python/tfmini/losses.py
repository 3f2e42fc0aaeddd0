"""`tf.losses`: losses over a batch, weighted, averaged and collected.

Each takes (labels, predictions or logits, weights, ...). `weights` is a scalar or broadcasts to the losses (size 1 or
the full size in every dimension): 0 masks an element out. The result, reduced as `reduction` says, is added to
`loss_collection` (by default tf.GraphKeys.LOSSES), of which `get_total_loss` makes the sum.
"""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.aliases import only_one
from tfmini.constant_value import constant_value
from tfmini.graph import Tensor, convert_to_tensor, name_scope
from tfmini.graph_keys import GraphKeys, add_to_collection, get_collection
from tfmini.ops.activation import sigmoid_cross_entropy_with_logits
from tfmini.ops.xent import softmax_cross_entropy_with_logits_v2, sparse_softmax_cross_entropy_with_logits

__all__ = [
    "Reduction",
    "absolute_difference",
    "add_loss",
    "compute_weighted_loss",
    "cosine_distance",
    "get_losses",
    "get_regularization_loss",
    "get_regularization_losses",
    "get_total_loss",
    "hinge_loss",
    "huber_loss",
    "log_loss",
    "mean_pairwise_squared_error",
    "mean_squared_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]


class Reduction:
    """How losses become one number."""

    NONE = "none"  # not at all: weighted losses, element by element
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"  # divided by the number of losses
    MEAN = "weighted_mean"  # divided by the sum of the weights
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"  # divided by the number of weights that are not 0
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        return (cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS)

    @classmethod
    def validate(cls, key: str) -> None:
        if key not in cls.all():
            raise ValueError(f"Invalid ReductionKey {key}.")


def _sum_all(x: Tensor) -> Tensor:
    rank = x.shape.ndims
    return raw.Sum(x, raw.Range(0, raw.Rank(x), 1) if rank is None else list(range(rank)))


def _float(x: Any, name: str | None = None) -> Tensor:
    x = convert_to_tensor(x, name=name)
    return x if x.dtype.base_dtype == dtypes.float32 else raw.Cast(x, DstT=dtypes.float32)


def _check_weights(weights: Tensor, losses: Tensor) -> None:
    """Weights may have size 1 where losses have any, but not fewer or more dimensions."""
    w, x = weights._dims(), losses._dims()
    if not w or x is None:
        return
    if len(w) != len(x):
        raise ValueError(f"weights can not be broadcast to values: rank {len(w)}, values of rank {len(x)}")
    for i, (a, b) in enumerate(zip(w, x)):
        if a is not None and b is not None and a not in (1, b):
            raise ValueError(f"weights can not be broadcast to values: shapes {w} and {x} differ in dimension {i}")


def _count(weights: Tensor, losses: Tensor, nonzero: bool) -> Tensor:
    """Sum of the weights, or number of nonzero ones, each counted for every loss it weighs."""
    value = constant_value(weights) if weights.shape.ndims == 0 else None
    if value is not None:
        size = raw.Cast(raw.Size(losses), DstT=losses.dtype.base_dtype)
        factor = float(value != 0) if nonzero else float(value)
        return size if factor == 1.0 else raw.Mul(size, factor)
    if nonzero:
        weights = raw.Cast(raw.NotEqual(weights, 0), DstT=losses.dtype.base_dtype)
    if weights.shape.is_fully_defined() and weights.shape == losses.shape:
        return _sum_all(weights)
    return _sum_all(raw.Mul(weights, raw.OnesLike(losses)))


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """`losses` times `weights`, reduced, added to the collection, in the losses' dtype.

    Raises ValueError if the weights do not fit the losses or `reduction` is unknown.
    """
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss", [losses, weights]):
        losses = convert_to_tensor(losses)
        dtype = losses.dtype
        losses, weights = _float(losses), _float(weights)
        _check_weights(weights, losses)
        loss = raw.Mul(losses, weights)
        if reduction != Reduction.NONE:
            total = _sum_all(loss)
            if reduction == Reduction.MEAN:
                loss = raw.DivNoNan(total, _count(weights, losses, nonzero=False), name="value")
            elif reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
                loss = raw.DivNoNan(total, _count(weights, losses, nonzero=True), name="value")
            elif reduction == Reduction.SUM_OVER_BATCH_SIZE:
                loss = raw.DivNoNan(total, raw.Cast(raw.Size(losses), DstT=dtypes.float32), name="value")
            else:
                loss = total
        if dtype.is_floating and dtype.base_dtype != dtypes.float32:
            loss = raw.Cast(loss, DstT=dtype.base_dtype)
        add_loss(loss, loss_collection)
        return loss


def _pair(labels: Any, predictions: Any) -> tuple[Tensor, Tensor]:
    if labels is None:
        raise ValueError("labels must not be None.")
    if predictions is None:
        raise ValueError("predictions must not be None.")
    predictions, labels = _float(predictions), _float(labels)
    predictions.shape.assert_is_compatible_with(labels.shape)
    return labels, predictions


def absolute_difference(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """|predictions - labels|"""
    with name_scope(scope, "absolute_difference", [predictions, labels, weights]) as scope:
        labels, predictions = _pair(labels, predictions)
        losses = raw.Abs(raw.Sub(predictions, labels))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """(predictions - labels) ** 2"""
    with name_scope(scope, "mean_squared_error", [predictions, labels, weights]) as scope:
        labels, predictions = _pair(labels, predictions)
        losses = raw.SquaredDifference(predictions, labels)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def mean_pairwise_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
) -> Tensor:
    """Mean over all pairs of elements of a sample of ((difference of predictions) - (difference of labels)) ** 2.

    The first dimension counts samples; their means are weighted and summed. A sample's elements of weight 0 do not
    count.
    """
    with name_scope(scope, "mean_pairwise_squared_error", [predictions, labels, weights]):
        labels, predictions = _pair(labels, predictions)
        weights = _float(weights)
        _check_weights(weights, predictions)
        rank = predictions.shape.ndims
        if rank is None or rank < 1:
            raise ValueError("predictions must have a known rank of at least 1")
        axes = list(range(1, rank))
        diffs = raw.Sub(predictions, labels)
        present = raw.Mul(raw.Cast(raw.NotEqual(weights, 0.0), DstT=dtypes.float32), raw.OnesLike(diffs))
        n = raw.Sum(present, axes, keep_dims=True)
        squares = raw.Sum(raw.Square(diffs), axes, keep_dims=True)
        sums = raw.Sum(diffs, axes, keep_dims=True)
        # sum over pairs of (d_i - d_j)^2 = 2 (n sum d^2 - (sum d)^2), divided by the n (n - 1) pairs.
        fewer = raw.Maximum(raw.Sub(n, 1.0), 0.0)
        first = raw.DivNoNan(squares, fewer)
        second = raw.DivNoNan(raw.Square(sums), raw.Mul(n, fewer))
        loss = _sum_all(raw.Mul(raw.Mul(2.0, raw.Sub(first, second)), weights))
        loss = raw.Identity(loss, name="value")
        add_loss(loss, loss_collection)
        return loss


def cosine_distance(
    labels: Any,
    predictions: Any,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    dim: int | None = None,
) -> Tensor:
    """1 - sum(predictions * labels) along `axis`; both are taken to be normalized already."""
    axis = only_one("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("You must specify 'axis'.")
    with name_scope(scope, "cosine_distance_loss", [predictions, labels, weights]) as scope:
        labels, predictions = _pair(labels, predictions)
        losses = raw.Sub(1.0, raw.Sum(raw.Mul(predictions, labels), [axis], keep_dims=True))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def hinge_loss(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """max(0, 1 - logits * (2 labels - 1)) for labels 0 and 1."""
    with name_scope(scope, "hinge_loss", [logits, labels, weights]) as scope:
        labels, logits = _pair(labels, logits)
        signs = raw.Sub(raw.Mul(2.0, labels), 1.0)
        losses = raw.Relu(raw.Sub(1.0, raw.Mul(signs, logits)))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def huber_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    delta: float = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """x ** 2 / 2 for |x| <= delta, delta |x| - delta ** 2 / 2 beyond, with x = predictions - labels."""
    with name_scope(scope, "huber_loss", [predictions, labels, weights]) as scope:
        labels, predictions = _pair(labels, predictions)
        distance = raw.Abs(raw.Sub(predictions, labels))
        near = raw.Minimum(distance, float(delta))
        far = raw.Sub(distance, near)
        losses = raw.Add(raw.Mul(0.5, raw.Mul(near, near)), raw.Mul(float(delta), far))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def log_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    epsilon: float = 1e-7,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """-labels log(predictions + epsilon) - (1 - labels) log(1 - predictions + epsilon)"""
    with name_scope(scope, "log_loss", [predictions, labels, weights]) as scope:
        labels, predictions = _pair(labels, predictions)
        hit = raw.Mul(labels, raw.Log(raw.Add(predictions, epsilon)))
        miss = raw.Mul(raw.Sub(1.0, labels), raw.Log(raw.Add(raw.Sub(1.0, predictions), epsilon)))
        return compute_weighted_loss(raw.Sub(raw.Neg(hit), miss), weights, scope, loss_collection, reduction)


def sigmoid_cross_entropy(
    multi_class_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Sigmoid cross entropy; label_smoothing > 0 moves the labels towards 1/2."""
    with name_scope(scope, "sigmoid_cross_entropy_loss", [logits, multi_class_labels, weights]) as scope:
        logits = convert_to_tensor(logits)
        labels = _as(multi_class_labels, logits.dtype)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            labels = raw.Add(raw.Mul(labels, 1 - label_smoothing), 0.5 * label_smoothing)
        losses = sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Softmax cross entropy; label_smoothing > 0 moves the labels towards 1 / (number of classes)."""
    with name_scope(scope, "softmax_cross_entropy_loss", [logits, onehot_labels, weights]) as scope:
        logits = convert_to_tensor(logits)
        labels = _as(onehot_labels, logits.dtype)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            classes = raw.StridedSlice(raw.Shape(labels), [-1], [0], [1], end_mask=1, shrink_axis_mask=1)
            share = raw.RealDiv(label_smoothing, raw.Cast(classes, DstT=logits.dtype.base_dtype))
            labels = raw.Add(raw.Mul(labels, 1.0 - label_smoothing), share)
        labels = raw.StopGradient(labels, name="labels_stop_gradient")
        losses = softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Softmax cross entropy with integer labels of shape [...] (or [..., 1]) for logits of shape [..., classes]."""
    with name_scope(scope, "sparse_softmax_cross_entropy_loss", [logits, labels, weights]) as scope:
        labels, logits = convert_to_tensor(labels), convert_to_tensor(logits)
        weights = convert_to_tensor(weights)
        rank = logits.shape.ndims
        if rank is not None and labels.shape.ndims == rank and labels.shape[-1].value == 1:
            labels = raw.Squeeze(labels, squeeze_dims=[-1])
        if rank is not None and rank > 1 and weights.shape.ndims == rank and weights.shape[-1].value == 1:
            weights = raw.Squeeze(weights, squeeze_dims=[-1])
        losses = sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def _as(x: Any, dtype: dtypes.DType) -> Tensor:
    x = convert_to_tensor(x)
    return x if x.dtype.base_dtype == dtype.base_dtype else raw.Cast(x, DstT=dtype.base_dtype)


# --- collections ----------------------------------------------------------------------------------


def add_loss(loss: Tensor, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Adds a loss to a collection (None: to none)."""
    if loss_collection:
        add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Tensor]:
    """The losses collected so far, of names that begin with `scope`."""
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Tensor]:
    """The losses that regularizers of variables have added, of names that begin with `scope`."""
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    """The sum of the regularization losses, 0 if there are none."""
    losses = get_regularization_losses(scope)
    return raw.AddN(losses, name=name) if losses else convert_to_tensor(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of the losses collected so far, with the regularization losses unless told not to."""
    losses = get_losses(scope)
    if add_regularization_losses:
        losses += get_regularization_losses(scope)
    if not losses:
        raise ValueError("there are no losses in the collection tf.GraphKeys.LOSSES")
    return raw.AddN(losses, name=name)
