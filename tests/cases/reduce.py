"""Reductions over every kind of axes."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, INTS, NUMBERS, Bad, Case, bools, distinct, ints, rand, randn
from tfmini.ops.reduce import reduce_euclidean_norm, reduce_std, reduce_variance


def _case(name, fn, ref, x, axis, keepdims=False, **options):
    def build(t):
        return fn(t, axis, keepdims)

    def expected(a):
        np_axis = tuple(axis) if isinstance(axis, list) else axis
        return ref(a, axis=np_axis, keepdims=keepdims)

    return Case(name, build, [x], expected, **options)


def _wrapping_sum(a, axis, keepdims):
    return np.sum(a, axis=axis, keepdims=keepdims, dtype=a.dtype)


def _int_mean(a, axis, keepdims):
    return (np.sum(a.astype(np.int64), axis=axis, keepdims=keepdims) / a.size).astype(a.dtype)


# name, shape, axis: fast paths for all elements, last, first, middle axes; vector tails, narrow columns, chunks.
_AXES = [
    ("all", (7, 33), None),
    ("all_one_element", (1, 1), None),
    ("none", (3, 5), []),
    ("scalar", (), None),
    ("last", (5, 17), 1),
    ("last_short", (40, 3), 1),
    ("last_long", (2, 5003), -1),
    ("first", (129, 37), 0),
    ("first_narrow", (500, 3), 0),
    ("first_one_column", (300, 1), 0),
    ("middle", (3, 70, 15), 1),
    ("outer_two", (4, 5, 6, 7), [0, 1]),
    ("batch_and_space", (2, 5, 7, 16), [0, 1, 2]),
    ("first_and_last", (11, 6, 13), [0, 2]),
    ("alternating", (3, 4, 5, 6, 2), [0, -3, -1]),
    ("size_one", (1, 9, 1, 4), [0, 2]),
    ("unsorted", (3, 4, 5), [2, 0]),
    ("empty_rows", (0, 4), 1),
    ("over_empty", (0, 4), 0),
]

CASES = [
    *[
        _case(f"sum_{n}", tf.reduce_sum, np.sum, rand(*shape), axis, ops=("Sum",), second=n == "middle")
        for n, shape, axis in _AXES
    ],
    *[
        _case(f"mean_{n}", tf.reduce_mean, np.mean, rand(*shape), axis, keepdims=True, ops=("Mean",))
        for n, shape, axis in _AXES
        if n != "over_empty"
    ],
    *[
        _case(f"max_{n}", tf.reduce_max, np.max, distinct(*shape), axis, ops=("Max",))
        for n, shape, axis in _AXES
        if n != "over_empty"
    ],
    *[
        _case(f"min_{n}", tf.reduce_min, np.min, distinct(*shape), axis, keepdims=True, ops=("Min",))
        for n, shape, axis in _AXES[:10]
    ],
    *[
        _case(f"prod_{n}", tf.reduce_prod, np.prod, rand(*shape, low=0.5, high=1.6), axis, ops=("Prod",))
        for n, shape, axis in _AXES
        if "long" not in n and "first" not in n
    ],
    # Sizes that are cut into chunks, with sums of their own.
    _case(
        "sum_all_chunks",
        tf.reduce_sum,
        np.sum,
        randn(300_007),
        None,
        dtypes=("float32", "float64"),
        grad=False,
        tol=2e-5,
    ),
    _case("sum_first_chunks", tf.reduce_sum, np.sum, randn(4099, 67), 0, dtypes=("float32",), grad=False, tol=1e-4),
    _case("sum_middle_chunks", tf.reduce_sum, np.sum, randn(2, 3001, 40), 1, dtypes=("float32",), grad=False, tol=1e-4),
    _case("sum_wide_tiles", tf.reduce_sum, np.sum, randn(5, 9001), 0, dtypes=("float32",), grad=False),
    _case("sum_half", tf.reduce_sum, np.sum, rand(33, 65), 0, dtypes=ALL_FLOATS, grad=False, tol={"float16": 5e-3}),
    _case("sum_half_all", tf.reduce_sum, np.sum, rand(33, 65, low=0, high=1), None, dtypes=ALL_FLOATS, grad=False),
    _case("mean_half", tf.reduce_mean, np.mean, rand(9, 65), 1, dtypes=ALL_FLOATS, grad=False),
    _case("max_half", tf.reduce_max, np.max, rand(9, 65), 0, dtypes=ALL_FLOATS, grad=False),
    # Integers wrap; their mean does not, and is rounded towards zero.
    _case("sum_int", tf.reduce_sum, _wrapping_sum, rand(6, 35, low=-100, high=100), 1, dtypes=INTS, grad=False),
    *[
        _case(f"sum_{d}", tf.reduce_sum, _wrapping_sum, ints(6, 70, low=0, high=100, dtype=d), 0, dtypes=(), grad=False)
        for d in ("int8", "uint8", "int16", "uint16", "uint32", "uint64")
    ],
    *[
        _case(f"mean_{d}", tf.reduce_mean, _int_mean, ints(90, low=90, high=100, dtype=d), None, dtypes=(), grad=False)
        for d in ("int8", "uint8", "int32", "int64")
    ],
    Case(
        "mean_negative_int",
        tf.reduce_mean,
        [np.array([-1, -2, -4], np.int32)],
        lambda a: np.int32(-2),
        dtypes=(),
        grad=False,
    ),
    *[
        _case(
            f"extremes_{d}",
            lambda t, a, k: [tf.reduce_max(t, a), tf.reduce_min(t, a)],
            lambda a, axis, keepdims: [a.max(axis), a.min(axis)],
            ints(40, 19, low=0, high=120, dtype=d),
            0,
            dtypes=(),
            grad=False,
        )
        for d in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
    ],
    Case("prod_int", tf.reduce_prod, [ints(3, 4, low=1, high=6)], np.prod, dtypes=(), grad=False),
    Case(
        "prod_with_zeros",
        lambda x: tf.reduce_prod(x, 1),
        [np.array([[0.0, 2, 3], [0, 0, 4], [1, 2, 3]])],
        lambda a: a.prod(1),
    ),
    Case(
        "max_ties",
        lambda x: tf.gradients(tf.reduce_max(x), x)[0],
        [np.array([1.0, 3, 3, 2])],
        lambda a: np.array([0, 0.5, 0.5, 0]),
        grad=False,
    ),
    *[
        _case(
            f"{name}_{n}",
            getattr(tf, f"reduce_{name}"),
            getattr(np, name),
            bools(*shape) if p else np.full(shape, name == "all"),
            axis,
            dtypes=(),
            grad=False,
            ops=(name.capitalize(),),
        )
        for name in ("all", "any")
        for n, shape, axis, p in [
            ("all", (7, 9), None, 0),
            ("last", (5, 3), 1, 1),
            ("first", (3, 65), [0], 1),
            ("empty", (0, 3), 0, 0),
        ]
    ],
    # What the oracle (TensorFlow) says of NaN and of nothing.
    Case(
        "nan",
        lambda x: [tf.reduce_max(x, 1), tf.reduce_min(x, 1), tf.reduce_sum(x, 1)],
        [np.array([[1, np.nan, 2], [np.nan, 1, 2], [1, 2, np.nan], [np.inf, -np.inf, 0]])],
        lambda a: [[np.nan, np.nan, np.nan, np.inf], [np.nan, np.nan, np.nan, -np.inf], [np.nan] * 4],
        grad=False,
    ),
    Case(
        "nan_long",
        lambda x: [tf.reduce_max(x, 0), tf.reduce_min(x)],
        [np.where(np.arange(300) == 77, np.nan, 1.0)],
        lambda a: [np.nan, np.nan],
        grad=False,
    ),
    Case(
        "of_nothing",
        lambda x: [tf.reduce_sum(x), tf.reduce_prod(x), tf.reduce_mean(x), tf.reduce_max(x), tf.reduce_min(x)],
        [np.zeros([0, 3])],
        lambda a: [0, 1, np.nan, -np.inf, np.inf],
        dtypes=ALL_FLOATS,
        grad=False,
    ),
    Case(
        "of_no_int",
        lambda x: [tf.reduce_mean(x), tf.reduce_max(x), tf.reduce_min(x)],
        [np.zeros([0], np.int32)],
        lambda a: list(np.array([0, -(2**31), 2**31 - 1], np.int32)),
        dtypes=(),
        grad=False,
    ),
    # Axes given as a tensor that is known only when it runs.
    Case(
        "computed_axes",
        lambda x, axes: tf.reduce_sum(x, axes),
        [rand(3, 4, 5), np.array([-1, 0], np.int32)],
        lambda a, axes: a.sum(tuple(axes)),
        ops=("Sum",),
    ),
    Case(
        "computed_axes_mean",
        lambda x, axes: tf.reduce_mean(x, axes, keepdims=True),
        [rand(3, 4, 5), np.array([1], np.int64)],
        lambda a, axes: a.mean(1, keepdims=True),
    ),
    Case(
        "computed_axes_prod",
        lambda x, axes: tf.reduce_prod(x, axes),
        [rand(3, 4, 5), np.array([2, 0], np.int32)],
        lambda a, axes: a.prod((0, 2)),
    ),
    Case(
        "old_names",
        lambda x: tf.reduce_sum(x, reduction_indices=[1], keep_dims=True),
        [rand(3, 4)],
        lambda a: a.sum(1, keepdims=True),
    ),
    Case(
        "old_positions", lambda x: tf.reduce_sum(x, 1, True, "total"), [rand(3, 4)], lambda a: a.sum(1, keepdims=True)
    ),
    Case(
        "logsumexp",
        lambda x: [tf.reduce_logsumexp(x), tf.reduce_logsumexp(x, 1), tf.reduce_logsumexp(x, [0], keepdims=True)],
        [rand(4, 5, low=-300, high=300)],
        lambda a: [np.logaddexp.reduce(a.ravel()), np.logaddexp.reduce(a, 1), np.logaddexp.reduce(a, 0, keepdims=True)],
    ),
    Case(
        "logsumexp_infinite",
        lambda x: tf.reduce_logsumexp(x, 1),
        [np.array([[-np.inf, -np.inf], [np.inf, 1]])],
        lambda a: np.array([-np.inf, np.inf]),
        grad=False,
    ),
    Case(
        "euclidean_norm",
        lambda x: reduce_euclidean_norm(x, [0, 2]),
        [rand(3, 4, 5)],
        lambda a: np.sqrt((a * a).sum((0, 2))),
        dtypes=ALL_FLOATS,
        ops=("EuclideanNorm",),
        second=True,
    ),
    Case(
        "euclidean_norm_int",
        reduce_euclidean_norm,
        [np.array([3, 5], np.int32)],
        lambda a: np.int32(5),
        dtypes=(),
        grad=False,
    ),
    Case(
        "variance",
        lambda x: [reduce_variance(x, 0), reduce_std(x, 1, keepdims=True)],
        [rand(5, 6)],
        lambda a: [a.var(0), a.std(1, keepdims=True)],
    ),
    Case(
        "count_nonzero",
        lambda x: [tf.count_nonzero(x), tf.count_nonzero(x, 1, dtype=tf.int32), tf.count_nonzero(x, [0], True)],
        [np.array([[0.0, 1, 0], [2, 0, 3]])],
        lambda a: [np.int64(3), np.array([1, 2], np.int32), np.array([[1, 1, 1]])],
        dtypes=NUMBERS,
        grad=False,
    ),
    Case(
        "count_nonzero_bool",
        tf.count_nonzero,
        [np.array([True, False, True])],
        lambda a: np.int64(2),
        dtypes=(),
        grad=False,
    ),
    Case(
        "zero_fraction",
        tf.nn.zero_fraction,
        [np.array([[0.0, 1], [0, 0]])],
        lambda a: np.float32(0.75),
        dtypes=NUMBERS,
        grad=False,
    ),
]


def _fed(fn, *values):
    def run():
        placeholders = [tf.placeholder(np.asarray(v).dtype) for v in values]
        out = fn(*placeholders)
        with tf.Session() as sess:
            sess.run(out, dict(zip(placeholders, values)))

    return run


_X = np.ones([2, 3], np.float32)
BAD = [
    Bad("axis_out_of_range", lambda: tf.reduce_sum(_X, 2), ValueError, "reduction dimension 2"),
    Bad("axis_of_scalar", lambda: tf.reduce_sum(1.0, 0), ValueError, "reduction dimension 0"),
    Bad("axis_twice", lambda: tf.reduce_sum(_X, [0, -2]), ValueError, "twice"),
    Bad(
        "axis_out_of_range_fed",
        _fed(tf.reduce_sum, _X, np.int32([5])),
        tf.errors.InvalidArgumentError,
        "reduction dimension 5",
    ),
    Bad("axis_twice_fed", _fed(tf.reduce_mean, _X, np.int32([1, -1])), tf.errors.InvalidArgumentError, "twice"),
    Bad("axis_float", lambda: tf.reduce_sum(_X, 0.5), (TypeError, ValueError), "Tidx.*int32, int64"),
    Bad("sum_of_bools", lambda: tf.reduce_sum([True, False]), TypeError, "bool"),
    Bad("any_of_ints", lambda: tf.reduce_any([1, 0]), TypeError, "bool"),
    Bad(
        "axis_under_two_names",
        lambda: tf.reduce_sum(_X, axis=0, reduction_indices=0),
        ValueError,
        "Cannot specify both",
    ),
    Bad(
        "keepdims_under_two_names",
        lambda: tf.reduce_sum(_X, 0, True, keep_dims=True),
        ValueError,
        "Cannot specify both",
    ),
]
