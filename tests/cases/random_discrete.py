"""Shuffles, crops and draws from categories for given seeds."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand
from tfmini import raw

SEEDS = {"seed": 3, "seed2": 4}
ORDER = np.array([1, 5, 13, 15, 14, 9, 10, 8, 11, 4, 2, 16, 6, 12, 7, 0, 3])


def shuffled(name, x):
    return Case(
        name,
        lambda x: raw.RandomShuffle(x, **SEEDS),
        [x],
        lambda x: x[ORDER],
        grad=False,
        ops=("RandomShuffle",),
    )


def logits():
    return np.log(np.array([[10.0, 20.0, 30.0], [1.0, 1.0, 100.0]]))


CASES = [
    shuffled("shuffle_vector", np.arange(17)),
    shuffled("shuffle_rows", rand(17, 3, 2)),
    shuffled("shuffle_strings", np.array([b"s%d" % i for i in range(17)], dtype=object)),
    Case("shuffle_one", lambda x: tf.random_shuffle(x), [rand(1, 4)], lambda x: x, grad=False),
    Case("shuffle_empty", lambda x: tf.random_shuffle(x), [rand(0, 4)], lambda x: x, grad=False),
    Case(
        "multinomial",
        lambda x: raw.Multinomial(x, 8, **SEEDS),
        [logits()],
        lambda x: np.array([[1, 2, 1, 2, 0, 0, 1, 2], [2, 2, 2, 2, 2, 2, 2, 2]]),
        dtypes=ALL_FLOATS,
        grad=False,
        ops=("Multinomial",),
    ),
    Case(
        "multinomial_infinite_logits",
        lambda x: tf.multinomial(x, 50, output_dtype=tf.int32),
        [np.array([[-np.inf, 0.0, np.nan], [0.0, -np.inf, -np.inf]])],
        lambda x: np.repeat([[1], [0]], 50, 1),
        grad=False,
    ),
    Case("multinomial_none", lambda x: tf.multinomial(x, 0), [logits()], lambda x: np.zeros((2, 0)), grad=False),
    Case("crop_whole", lambda x: tf.random_crop(x, [3, 4]), [rand(3, 4)], lambda x: x, grad=True),
    Case("crop_shape", lambda x: tf.random_crop(x, [2, 4]) * 0, [rand(3, 4)], lambda x: np.zeros((2, 4)), grad=False),
]

BAD = [
    Bad("multinomial_rank", lambda: tf.multinomial([1.0, 2.0], 3), ValueError, "rank 2"),
    Bad("multinomial_negative", lambda: tf.multinomial([[1.0]], -1), ValueError, "non-negative"),
    Bad("multinomial_no_classes", lambda: tf.multinomial(np.zeros((2, 0), "f"), 1), ValueError, "positive"),
    Bad("crop_too_large", lambda: tf.random_crop(np.zeros((3, 4)), [4, 4]), ValueError, "Need value.shape >= size"),
]
