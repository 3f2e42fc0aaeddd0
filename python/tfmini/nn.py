"""``tf.nn``: neural network functions."""

from tfmini import rnn_cell
from tfmini.ops.activation import (
    crelu,
    elu,
    leaky_relu,
    log_poisson_loss,
    relu,
    relu6,
    selu,
    sigmoid_cross_entropy_with_logits,
    silu,
    softplus,
    softsign,
    swish,
    weighted_cross_entropy_with_logits,
)
from tfmini.ops.batch_norm import batch_norm_with_global_normalization, batch_normalization, fused_batch_norm
from tfmini.ops.bias import bias_add, bias_add_v1
from tfmini.ops.candidate_sampler import (
    all_candidate_sampler,
    compute_accidental_hits,
    fixed_unigram_candidate_sampler,
    learned_unigram_candidate_sampler,
    log_uniform_candidate_sampler,
    uniform_candidate_sampler,
)
from tfmini.ops.conv2d import (
    atrous_conv2d,
    atrous_conv2d_transpose,
    conv1d,
    conv1d_transpose,
    conv2d,
    conv2d_backprop_filter,
    conv2d_backprop_input,
    conv2d_transpose,
    convolution,
    deconv2d,
)
from tfmini.ops.depthwise_conv2d import (
    depthwise_conv2d,
    depthwise_conv2d_native,
    depthwise_conv2d_native_backprop_filter,
    depthwise_conv2d_native_backprop_input,
    separable_conv2d,
)
from tfmini.ops.dropout import dropout
from tfmini.ops.elementwise import (
    log_sigmoid,
    sigmoid,
    tanh,
)
from tfmini.ops.embedding import embedding_lookup, embedding_lookup_sparse
from tfmini.ops.lrn import local_response_normalization, lrn
from tfmini.ops.matmul import relu_layer, xw_plus_b
from tfmini.ops.norm import l2_loss, l2_normalize, moments, normalize_moments, sufficient_statistics, weighted_moments
from tfmini.ops.pool2d import (
    avg_pool,
    avg_pool1d,
    avg_pool2d,
    max_pool,
    max_pool1d,
    max_pool2d,
    max_pool_with_argmax,
    pool,
)
from tfmini.ops.reduce import zero_fraction
from tfmini.ops.softmax import log_softmax, softmax
from tfmini.ops.space import depth_to_space, space_to_batch, space_to_depth
from tfmini.ops.topk import in_top_k, top_k
from tfmini.ops.xent import (
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from tfmini.raw_rnn import raw_rnn
from tfmini.rnn import (
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    static_bidirectional_rnn,
    static_rnn,
)
from tfmini.rnn import static_bidirectional_rnn as bidirectional_rnn
from tfmini.rnn import static_rnn as rnn
from tfmini.sampled_loss import nce_loss, sampled_softmax_loss
