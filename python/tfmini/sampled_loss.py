"""Losses over many classes that look at the true classes and a few sampled ones only."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.convert import constant
from tfmini.graph import Tensor, convert_to_tensor, name_scope
from tfmini.ops.candidate_sampler import compute_accidental_hits, log_uniform_candidate_sampler
from tfmini.ops.embedding import embedding_lookup

__all__ = ["nce_loss", "sampled_softmax_loss"]


def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Tensor:
    """Noise-contrastive estimation (Gutmann and Hyvarinen, 2010): is a class true or sampled?

    Args:
      weights: [num_classes, dim], or a list of parts as for `embedding_lookup`.
      biases: [num_classes].
      labels: integers [batch, num_true], the true classes.
      inputs: [batch, dim].
      num_sampled: how many classes to sample for the whole batch.
      sampled_values: what a candidate sampler returned; by default `log_uniform_candidate_sampler`'s,
        for classes sorted by decreasing frequency.
      remove_accidental_hits: drop sampled classes that are true ones of a row.

    The order (weights, biases, inputs, labels) of TensorFlow 0.x works too. Returns losses [batch];
    the gradients of weights and biases touch only the classes looked at.
    """
    labels, inputs = _in_order(weights, labels, inputs, num_true)
    true_logits, sampled_logits = _sampled_logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
        remove_accidental_hits, partition_strategy, name, None,
    )  # fmt: skip
    with name_scope("sampled_losses"):
        # Sigmoid cross-entropy, log(1 + exp(x)) - x * z: z is 0 for sampled classes and 1 / num_true for true ones,
        # where for 1 the difference is taken symbolically.
        if num_true == 1:
            true_losses = raw.Softplus(raw.Neg(true_logits))
        else:
            true_losses = raw.Sub(raw.Softplus(true_logits), raw.Mul(true_logits, 1.0 / num_true))
        return raw.AddV2(raw.Sum(true_losses, [1]), raw.Sum(raw.Softplus(sampled_logits), [1]))


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss",
    seed: int | None = None,
) -> Tensor:
    """Softmax cross-entropy over the true and the sampled classes (Jean et al., 2015). For training only.

    Arguments and result as for `nce_loss`.
    """
    labels, inputs = _in_order(weights, labels, inputs, num_true)
    true_logits, sampled_logits = _sampled_logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
        remove_accidental_hits, partition_strategy, name, seed,
    )  # fmt: skip
    with name_scope("sampled_losses"):
        shares = raw.RealDiv(raw.OnesLike(true_logits), num_true)
        targets = raw.StopGradient(raw.ConcatV2([shares, raw.ZerosLike(sampled_logits)], 1))
        return raw.SoftmaxCrossEntropyWithLogits(raw.ConcatV2([true_logits, sampled_logits], 1), targets)[0]


def _in_order(weights: Any, labels: Any, inputs: Any, num_true: int) -> tuple[Tensor, Tensor]:
    """(labels, inputs), whichever way round they were given: integers are labels.

    Two float tensors are told apart by their widths: inputs are as wide as the weights.
    """
    labels, inputs = convert_to_tensor(labels, name="labels"), convert_to_tensor(inputs, name="inputs")
    if inputs.dtype.is_integer and labels.dtype.is_floating:
        return inputs, labels
    if inputs.dtype.is_integer:
        raise TypeError(f"inputs must be floating point, got {inputs.dtype.name}: pass labels=..., inputs=... by name")
    if labels.dtype.is_floating:
        first = weights[0] if isinstance(weights, (list, tuple)) else weights
        width = first.shape[-1].value if first.shape.ndims else None
        wide = [t.shape.ndims == 2 and width is not None and t.shape[1].value == width for t in (labels, inputs)]
        if wide[0] and width != num_true and not wide[1]:
            return inputs, labels
        if wide[0] and wide[1] and width == num_true:
            raise ValueError("labels and inputs have the same dtype and width: pass labels=..., inputs=... by name")
    return labels, inputs


def _sampled_logits(
    weights: Any,
    biases: Any,
    labels: Tensor,
    inputs: Tensor,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Any,
    remove_accidental_hits: bool,
    partition_strategy: str,
    name: str,
    seed: int | None,
) -> tuple[Tensor, Tensor]:
    """Logits of the true [batch, num_true] and the sampled classes [batch, num_sampled], less the logarithms of the
    classes' expected counts."""
    with name_scope(name, "compute_sampled_logits", [labels, inputs]):
        if labels.dtype.base_dtype != dtypes.int64:
            labels = raw.Cast(labels, DstT=dtypes.int64)
        flat = raw.Reshape(labels, [-1])
        if sampled_values is None:
            sampled_values = log_uniform_candidate_sampler(labels, num_true, num_sampled, True, num_classes, seed)
        sampled, true_count, sampled_count = (raw.StopGradient(v) for v in sampled_values)
        if sampled.dtype.base_dtype != dtypes.int64:
            sampled = raw.Cast(sampled, DstT=dtypes.int64)

        dtype = inputs.dtype.base_dtype

        def look_up(params: Any, ids: Tensor) -> Tensor:
            return _as_dtype(embedding_lookup(params, ids, partition_strategy), dtype)

        true_rows, true_offsets = look_up(weights, flat), look_up(biases, flat)
        sampled_rows, sampled_offsets = look_up(weights, sampled), look_up(biases, sampled)

        width = true_rows.shape[-1].value
        shape = _vector(-1, num_true, _length(true_rows, 1) if width is None else width)
        dots = raw.Mul(raw.ExpandDims(inputs, 1), raw.Reshape(true_rows, shape))
        true_logits = raw.AddV2(raw.Sum(dots, [2]), raw.Reshape(true_offsets, [-1, num_true]), name="add")
        sampled_logits = raw.AddV2(raw.MatMul(inputs, sampled_rows, transpose_b=True), sampled_offsets, name="add")
        if remove_accidental_hits:
            row, position, lowest = compute_accidental_hits(labels, sampled, num_true)
            where = raw.Pack([row, raw.Cast(position, DstT=dtypes.int32)], axis=1)
            shape = _vector(_length(labels), num_sampled)
            hits = raw.SparseToDense(where, shape, _as_dtype(lowest, dtype), 0.0, validate_indices=False)
            sampled_logits = raw.AddV2(sampled_logits, hits, name="add")
        return (
            raw.Sub(true_logits, raw.Log(_as_dtype(true_count, dtype)), name="sub"),
            raw.Sub(sampled_logits, raw.Log(_as_dtype(sampled_count, dtype)), name="sub"),
        )


def _as_dtype(x: Tensor, dtype: dtypes.DType) -> Tensor:
    return x if x.dtype.base_dtype == dtype else raw.Cast(x, DstT=dtype)


def _length(x: Tensor, axis: int = 0) -> Any:
    """The size of one dimension: a number if it is known, else a scalar tensor."""
    known = x.shape[axis].value if x.shape.ndims is not None else None
    if known is not None:
        return known
    return raw.StridedSlice(raw.Shape(x), [axis], [axis + 1], [1], shrink_axis_mask=1)


def _vector(*sizes: Any) -> Tensor:
    if any(isinstance(s, Tensor) for s in sizes):
        return raw.Pack([convert_to_tensor(s, dtypes.int32) for s in sizes])
    return constant(list(sizes), dtypes.int32)
