"""Candidate samplers: classes to contrast with the true ones, for losses over many classes.

All take `true_classes`, int64 [batch, num_true], and return (sampled_candidates [num_sampled],
true_expected_count [batch, num_true], sampled_expected_count [num_sampled]). With `unique` all
sampled classes of a batch differ, and the expected counts are approximate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfmini import raw
from tfmini.autodiff import not_differentiable
from tfmini.graph import Tensor
from tfmini.random_seed import node_seeds

__all__ = [
    "all_candidate_sampler",
    "compute_accidental_hits",
    "fixed_unigram_candidate_sampler",
    "learned_unigram_candidate_sampler",
    "log_uniform_candidate_sampler",
    "uniform_candidate_sampler",
]

not_differentiable(
    "AllCandidateSampler",
    "ComputeAccidentalHits",
    "FixedUnigramCandidateSampler",
    "LearnedUnigramCandidateSampler",
    "LogUniformCandidateSampler",
    "ThreadUnsafeUnigramCandidateSampler",
    "UniformCandidateSampler",
)

Sample = tuple[Tensor, Tensor, Tensor]


def uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Sample:
    """Samples classes of [0, range_max) uniformly."""
    return raw.UniformCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        **node_seeds(seed),
        name=name,
    )


def log_uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Sample:
    """Samples class k of [0, range_max) with probability log((k + 2) / (k + 1)) / log(range_max + 1).

    About the distribution of words sorted by decreasing frequency.
    """
    return raw.LogUniformCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        **node_seeds(seed),
        name=name,
    )


def learned_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Sample:
    """Samples from the distribution of the true classes seen so far in the session (each class once to begin with)."""
    return raw.LearnedUnigramCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        **node_seeds(seed),
        name=name,
    )


def fixed_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: Sequence[float] = (),
    seed: int | None = None,
    name: str | None = None,
) -> Sample:
    """Samples from given weights.

    Args:
      vocab_file: a file whose lines end in ",weight"; or
      unigrams: the weights, one per class.
      distortion: the power to which weights are raised.
      num_reserved_ids: ids [0, num_reserved_ids) get weight 0.
      num_shards, shard: take only the classes whose id is `shard` modulo `num_shards`.
    """
    return raw.FixedUnigramCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        vocab_file=vocab_file,
        distortion=distortion,
        num_reserved_ids=num_reserved_ids,
        num_shards=num_shards,
        shard=shard,
        unigrams=unigrams,
        **node_seeds(seed),
        name=name,
    )


def all_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, seed: int | None = None, name: str | None = None
) -> Sample:
    """All classes [0, num_sampled), each expected once: sampled losses become the full ones."""
    return raw.AllCandidateSampler(
        true_classes, num_true=num_true, num_sampled=num_sampled, unique=unique, **node_seeds(seed), name=name
    )


def compute_accidental_hits(
    true_classes: Any, sampled_candidates: Any, num_true: int, seed: int | None = None, name: str | None = None
) -> Sample:
    """Where a sampled class equals a true class of a row.

    Returns (indices: int32 rows, ids: int64 positions in sampled_candidates, weights: the lowest
    float, to be added to those logits).
    """
    return raw.ComputeAccidentalHits(true_classes, sampled_candidates, num_true=num_true, **node_seeds(seed), name=name)
