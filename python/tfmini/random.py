"""``tf.random``: random numbers under their newer names."""

from tfmini.ops.candidate_sampler import (
    all_candidate_sampler,
    fixed_unigram_candidate_sampler,
    learned_unigram_candidate_sampler,
    log_uniform_candidate_sampler,
    uniform_candidate_sampler,
)
from tfmini.ops.random import random_normal as normal
from tfmini.ops.random import random_uniform as uniform
from tfmini.ops.random import truncated_normal
from tfmini.ops.random_discrete import categorical, multinomial
from tfmini.ops.random_discrete import random_shuffle as shuffle
from tfmini.ops.random_gamma import random_gamma as gamma
from tfmini.ops.random_gamma import random_poisson as poisson
from tfmini.random_seed import get_seed, set_random_seed

__all__ = [
    "all_candidate_sampler",
    "categorical",
    "fixed_unigram_candidate_sampler",
    "gamma",
    "get_seed",
    "learned_unigram_candidate_sampler",
    "log_uniform_candidate_sampler",
    "multinomial",
    "normal",
    "poisson",
    "set_random_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
    "uniform_candidate_sampler",
]
