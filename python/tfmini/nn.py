"""``tf.nn``: neural network functions."""

from tfmini import rnn_cell
from tfmini.ops.candidate_sampler import (
    all_candidate_sampler,
    compute_accidental_hits,
    fixed_unigram_candidate_sampler,
    learned_unigram_candidate_sampler,
    log_uniform_candidate_sampler,
    uniform_candidate_sampler,
)
from tfmini.ops.embedding import embedding_lookup, embedding_lookup_sparse
from tfmini.ops.matmul import relu_layer, xw_plus_b
from tfmini.rnn import (
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    static_bidirectional_rnn,
    static_rnn,
)
from tfmini.rnn import static_bidirectional_rnn as bidirectional_rnn
from tfmini.rnn import static_rnn as rnn
from tfmini.sampled_loss import nce_loss, sampled_softmax_loss
