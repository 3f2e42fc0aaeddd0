"""Candidate samplers for given seeds, and accidental hits. Longer runs: tests/test_random.py."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case
from tfmini import raw

TRUE = np.array([[1, 2], [7, 0], [3, 3]], np.int64)
ATTRS = {"num_true": 2, "num_sampled": 4, "unique": True, "seed": 3, "seed2": 4}


def sampler(kind, ids, true_counts, counts, **attrs):
    op = f"{kind}CandidateSampler"
    return Case(
        op,
        lambda true: list(getattr(raw, op)(true, **{**ATTRS, **attrs})),
        [TRUE],
        lambda true: [np.array(ids), np.array(true_counts), np.array(counts)],
        dtypes=("float32",),
        grad=False,
        tol=1e-6,
        ops=(op,),
    )


EVEN = (np.full((3, 2), 0.08), np.full(4, 0.08))
LOWEST = np.finfo(np.float32).min

CASES = [
    sampler("Uniform", [21, 15, 9, 29], *EVEN, range_max=50),
    sampler("LearnedUnigram", [11, 10, 41, 44], *EVEN, range_max=50),
    sampler("ThreadUnsafeUnigram", [11, 10, 41, 44], *EVEN, range_max=50),
    sampler(
        "LogUniform",
        [3, 8, 2, 28],
        [[0.4124955, 0.2926702], [0.1198253, 0.7051657], [0.2270127, 0.2270127]],
        [0.2270127, 0.1071874, 0.2926702, 0.0344894],
        range_max=50,
    ),
    sampler(
        "FixedUnigram",
        [7, 3, 1, 5],
        [[0.5942237, 0.3516609], [0.7728003, 0.2236224], [0.7376753, 0.7376753]],
        [0.7728003, 0.7376753, 0.5942237, 0.2236224],
        range_max=8,
        unigrams=[1.0, 5.0, 2.0, 8.0, 1.0, 1.0, 3.0, 9.0],
        distortion=0.75,
    ),
    sampler("All", np.arange(8), np.ones((3, 2)), np.ones(8), num_sampled=8),
    Case(
        "hits",
        lambda true, sampled: list(raw.ComputeAccidentalHits(true, sampled, num_true=2)),
        [TRUE, np.array([3, 9, 1, 7, 3], np.int64)],
        lambda *_: [np.array([0, 1, 2, 2]), np.array([2, 3, 4, 4]), np.full(4, LOWEST)],
        dtypes=("float32",),
        grad=False,
        ops=("ComputeAccidentalHits",),
    ),
    Case(
        "no_hits",
        lambda true, sampled: list(tf.nn.compute_accidental_hits(true, sampled, 2)),
        [TRUE, np.array([30], np.int64)],
        lambda *_: [np.zeros(0), np.zeros(0), np.zeros(0)],
        dtypes=("float32",),
        grad=False,
    ),
]


def sample(true, num_true=2, num_sampled=3, unique=True, range_max=10):
    fetches = tf.nn.uniform_candidate_sampler(true, num_true, num_sampled, unique, range_max)
    with tf.Session() as sess:
        sess.run(fetches)


def fixed(**kwargs):
    fetches = tf.nn.fixed_unigram_candidate_sampler(TRUE, 2, 3, True, 8, **kwargs)
    with tf.Session() as sess:
        sess.run(fetches)


INVALID = (ValueError, tf.errors.InvalidArgumentError)
BAD = [
    Bad("too_many_unique", lambda: sample(TRUE, num_sampled=11), ValueError, "cannot draw num_sampled = 11"),
    Bad("wrong_num_true", lambda: sample(TRUE, num_true=3), ValueError, "num_true = 3"),
    Bad("true_class_out_of_range", lambda: sample(TRUE, range_max=7), INVALID, r"true_classes\[1,0\] = 7"),
    Bad("no_weights", lambda: fixed(), INVALID, "vocab_file or unigrams"),
    Bad("wrong_number_of_weights", lambda: fixed(unigrams=[1.0, 2.0]), INVALID, "range_max is 8"),
    Bad("too_few_possible", lambda: fixed(unigrams=[1.0] + [0.0] * 7), INVALID, "only 1 have a positive weight"),
    Bad("missing_vocabulary", lambda: fixed(vocab_file="/nonexistent/words"), tf.errors.NotFoundError, "vocab_file"),
]
