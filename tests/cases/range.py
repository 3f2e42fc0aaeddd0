"""range, lin_space, meshgrid, sequence_mask."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case

FED = {"dtypes": (), "grad": False}

CASES = [
    Case("range_limit", lambda n: tf.range(n), [np.int32(7)], np.arange, ops=("Range",), **FED),
    Case("range_start", lambda: tf.range(3, 18, 3), [], lambda: np.arange(3, 18, 3), **FED),
    Case("range_uneven", lambda: tf.range(3, 19, 3), [], lambda: np.arange(3, 19, 3), **FED),
    Case("range_down", lambda: tf.range(3, 1, -0.5), [], lambda: np.arange(3, 1, -0.5), **FED),
    Case("range_empty", lambda: tf.range(5, 5), [], lambda: np.arange(5, 5), **FED),
    Case("range_widest", lambda: tf.range(0, 3, 0.5), [], lambda: np.arange(0, 3, 0.5), **FED),
    Case("range_int64", lambda n: tf.range(0, n, 2), [np.int64(9)], lambda n: np.arange(0, 9, 2), **FED),
    Case("range_dtype", lambda: tf.range(4, dtype=tf.float64), [], lambda: np.arange(4.0), **FED),
    Case(
        "range_int64_extremes",
        lambda a, b, d: tf.range(a, b, d),
        [np.int64(-(2**63)), np.int64(2**63 - 1), np.int64(2**62)],
        lambda a, b, d: np.int64([-(2**63), -(2**62), 0, 2**62]),
        **FED,
    ),
    Case(
        "range_types",
        lambda a: tf.range(a, a + 5, a),
        [np.array(1.0)],
        lambda a: np.arange(1.0, 6.0),
        ALL_FLOATS,
        False,
    ),
    Case("lin_space", lambda: tf.lin_space(1.0, 3.0, 5), [], lambda: np.linspace(1, 3, 5), ops=("LinSpace",), **FED),
    Case("lin_space_one", lambda: tf.linspace(1.0, 3.0, 1), [], lambda: np.array([1.0]), **FED),
    Case("lin_space_down", lambda: tf.linspace(3.0, -1.0, 33), [], lambda: np.linspace(3, -1, 33), tol=1e-5, **FED),
    Case(
        "lin_space_fed",
        tf.linspace,
        [np.array(0.0), np.array(1.0), np.int64(7)],
        lambda a, b, n: np.linspace(0, 1, 7),
        ALL_FLOATS,
        False,
    ),
    Case(
        "meshgrid_xy",
        lambda a, b: tf.meshgrid(a, b),
        [np.int32([1, 2, 3]), np.int32([4, 5])],
        lambda a, b: np.meshgrid(a, b),
        **FED,
    ),
    Case(
        "meshgrid_ij",
        lambda a, b, c: tf.meshgrid(a, b, c, indexing="ij"),
        [np.arange(3.0), np.arange(2.0), np.arange(4.0)],
        lambda a, b, c: np.meshgrid(a, b, c, indexing="ij"),
    ),
    Case(
        "sequence_mask",
        lambda n: tf.sequence_mask(n, 4),
        [np.int32([0, 3, 5])],
        lambda n: np.arange(4) < n[:, None],
        **FED,
    ),
    Case(
        "sequence_mask_longest",
        lambda n: tf.sequence_mask(n, dtype=tf.float32),
        [np.int64([[1, 0], [3, 2]])],
        lambda n: (np.arange(3) < n[..., None]).astype(np.float32),
        **FED,
    ),
]


def _run_range(*args):
    with tf.Session() as sess:
        p = [tf.placeholder(tf.int32, []) for _ in args]
        sess.run(tf.range(*p), dict(zip(p, args)))


BAD = [
    Bad("delta_zero", lambda: tf.range(0, 5, 0), ValueError, "delta must not be 0"),
    Bad("away", lambda: tf.range(5, 2), ValueError, "start must be <= limit"),
    Bad("away_down", lambda: tf.range(2, 5, -1), ValueError, "start must be >= limit"),
    Bad("vector", lambda: tf.range([0, 1], 5), ValueError, "rank 0"),
    Bad("run_away", lambda: _run_range(5, 2, 1), tf.errors.InvalidArgumentError, "start must be <= limit"),
    Bad("infinite", lambda: tf.range(0.0, float("inf"), 1.0), ValueError, "too large"),
    Bad("nan", lambda: tf.range(0.0, float("nan"), 1.0), ValueError, "limit|too large"),
    Bad("lin_space_none", lambda: tf.lin_space(0.0, 1.0, 0), ValueError, "num must be positive"),
    Bad("lin_space_ints", lambda: tf.lin_space(0, 1, 3), (TypeError, ValueError), "int32"),
    Bad("meshgrid_indexing", lambda: tf.meshgrid([1], [2], indexing="yx"), ValueError, "indexing"),
    Bad("mask_maxlen", lambda: tf.sequence_mask([1], [3]), ValueError, "scalar"),
]
