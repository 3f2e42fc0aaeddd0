"""``tf.nn``: neural network functions."""

from tfmini.ops.candidate_sampler import (
    all_candidate_sampler,
    compute_accidental_hits,
    fixed_unigram_candidate_sampler,
    learned_unigram_candidate_sampler,
    log_uniform_candidate_sampler,
    uniform_candidate_sampler,
)
from tfmini.ops.embedding import embedding_lookup, embedding_lookup_sparse
from tfmini.sampled_loss import nce_loss, sampled_softmax_loss
