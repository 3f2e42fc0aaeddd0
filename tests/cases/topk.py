"""top_k, in_top_k, sort, argsort."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_INTS, FLOATS, HALVES, Bad, Case, distinct, ints
from tfmini import raw


def _order(a):
    return np.argsort(-a.astype(np.float64), axis=-1, kind="stable").astype(np.int32)


def _top(a, k):
    order = _order(a)[..., :k]
    return [np.take_along_axis(a, order, -1), order]


def _case(name, x, k, **options):
    return Case(name, lambda t: list(tf.nn.top_k(t, k)), [x], lambda a: _top(a, k), ops=("TopKV2",), **options)


_INF, _NAN = np.inf, np.nan
_SORT = distinct(4, 7)

CASES = [
    _case("vector", distinct(33), 5, dtypes=(*FLOATS, *HALVES)),
    _case("rows", distinct(6, 17), 3),
    _case("one", distinct(5, 40), 1),
    _case("all", distinct(3, 8), 8),
    _case("rank3", distinct(2, 3, 9), 4),
    _case("none", distinct(3, 4), 0),
    _case("empty", np.zeros([0, 4]), 2),
    _case("large_k", distinct(3, 200), 60),
    _case("large_k_ties", ints(3, 300, low=0, high=9).astype(np.float64), 299, grad=False),
    _case("few_of_many", distinct(3, 2111), 7, dtypes=(*FLOATS, *HALVES)),
    _case("rising", np.sort(distinct(500)), 40),
    _case("counted", distinct(2, 3001), 200, dtypes=FLOATS),
    _case("counted_signs", np.sign(distinct(2, 1500)) * np.exp(distinct(2, 1500)), 700, dtypes=FLOATS, grad=False),
    *[
        _case(f"counted_{d}", ints(2, 2000, low=info.min, high=info.max, dtype=d), 100, dtypes=(), grad=False)
        for d in ("int8", "int16", "int32", "uint8", "uint16", "uint32")
        for info in (np.iinfo(d),)
    ],
    Case(
        "counted_nan",
        lambda x: tf.nn.top_k(x, 60).indices,
        [np.where(np.arange(1100) % 50 == 3, _NAN, np.where(np.arange(1100) % 40 == 1, _INF, -np.arange(1100.0)))],
        lambda a: np.r_[np.arange(3, 1100, 50), np.arange(1, 1100, 40), 0, 2, 4, 5, 6, 7, 8, 9, 10, 11][:60],
        dtypes=(*FLOATS, *HALVES),
        grad=False,
    ),
    _case("many_rows", distinct(300, 11), 2),
    # Rows that CUDA kernels cut into parts, and sort as a whole.
    _case("parts", distinct(2, 20011), 3, grad=False),
    _case("parts_ties", ints(1, 50021, low=0, high=9).astype(np.float64), 900, dtypes=(*FLOATS, "float16"), grad=False),
    _case("sorted", distinct(2, 1300), 1100, grad=False),
    *[_case(f"ties_{d}", ints(5, 30, low=0, high=8, dtype=d), 7, dtypes=(), grad=False) for d in (*ALL_INTS, "uint32")],
    _case("equal", np.zeros([2, 9]), 4, grad=False),
    # NaN counts as largest, as TensorFlow happened to answer.
    Case(
        "nan",
        lambda x: list(tf.nn.top_k(x, 4)),
        [np.array([1, _NAN, 3, 3, 2.0])],
        lambda a: [np.array([_NAN, 3, 3, 2]), np.array([1, 2, 3, 4], np.int32)],
        grad=False,
    ),
    Case("first_version", lambda x: list(raw.TopK(x, k=2)), [distinct(4, 5)], lambda a: _top(a, 2), ops=("TopK",)),
    Case("computed_k", lambda x, k: list(tf.nn.top_k(x, k)), [distinct(4, 5), np.int32(3)], lambda a, k: _top(a, 3)),
    Case(
        "second",
        lambda x: tf.square(tf.nn.top_k(x, 2).values),
        [distinct(4, 5)],
        lambda a: _top(a, 2)[0] ** 2,
        second=True,
    ),
    # Values from TensorFlow: ties with the k-th count, infinities and targets that are no class do not.
    Case(
        "in_top_k",
        lambda x, y: [tf.nn.in_top_k(x, y, 2), raw.InTopK(x, y, k=2), raw.InTopK(x, y, k=1)],
        [
            np.array([[1, 2, 2], [_INF, 1, 1], [_NAN, 1, 1], [1, 2, 3], [1, 2, 3], [3, 3, 3]], np.float32),
            np.array([1, 0, 1, 7, -1, 2]),
        ],
        lambda x, y: [
            np.array([1, 0, 0, 0, 0, 1], bool),
            np.array([1, 0, 0, 0, 0, 1], bool),
            np.array([1, 0, 0, 0, 0, 1], bool),
        ],
        dtypes=(),
        grad=False,
        ops=("InTopK", "InTopKV2"),
    ),
    Case(
        "in_top_k_int32",
        lambda x, y: tf.nn.in_top_k(x, y, 1),
        [distinct(9, 5).astype(np.float32), ints(9, high=5)],
        lambda x, y: x.argmax(1) == y,
        dtypes=(),
        grad=False,
    ),
    Case(
        "sort",
        lambda x: [tf.sort(x), tf.sort(x, 0, "DESCENDING")],
        [_SORT],
        lambda a: [np.sort(a), -np.sort(-a, 0)],
        dtypes=(*FLOATS, "int32", "int64"),
    ),
    Case(
        "argsort",
        lambda x: [tf.argsort(x, 0), tf.argsort(x, direction="DESCENDING")],
        [_SORT],
        lambda a: [np.argsort(a, 0).astype(np.int32), np.argsort(-a).astype(np.int32)],
        grad=False,
    ),
    *[
        Case(
            f"sort_{d}",
            lambda x: [tf.sort(x), tf.argsort(x)],
            [np.array([3, np.iinfo(d).min, 3, np.iinfo(d).max, 0], d)],
            lambda a: [np.sort(a), np.argsort(a, kind="stable").astype(np.int32)],
            dtypes=(),
            grad=False,
        )
        for d in ("int8", "uint8", "int32", "uint64", "int64")
    ],
]


def _run(t):
    with tf.Session() as sess:
        return sess.run(t)


BAD = [
    Bad("k_too_large", lambda: tf.nn.top_k([1.0, 2.0], 3), ValueError, "k = 3"),
    Bad("k_negative", lambda: tf.nn.top_k([1.0, 2.0], -1), ValueError, "negative"),
    Bad("scalar", lambda: tf.nn.top_k(1.0, 1), ValueError, "rank"),
    Bad(
        "in_top_k_batch",
        lambda: tf.nn.in_top_k(np.zeros([2, 3], np.float32), [1, 2, 0], 1),
        ValueError,
        "not compatible",
    ),
    Bad("direction", lambda: tf.sort([1.0], direction="UP"), ValueError, "direction"),
    Bad("sort_axis", lambda: tf.sort([1.0], axis=1), ValueError, "axis 1"),
]
