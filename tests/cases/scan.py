"""Cumulative sums and products."""

import itertools

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, INTS, Bad, Case, ints, rand


def _reference(ufunc, identity):
    def cumulate(a, axis, exclusive, reverse):
        a = np.asarray(a)
        if reverse:
            a = np.flip(a, axis)
        out = ufunc.accumulate(a, axis, dtype=a.dtype)
        if exclusive and out.shape[axis]:
            out = np.roll(out, 1, axis)
            np.moveaxis(out, axis, 0)[0] = identity
        return np.flip(out, axis) if reverse else out

    return cumulate


_SUM, _PROD = _reference(np.add, 0), _reference(np.multiply, 1)
_WAYS = list(itertools.product((False, True), (False, True)))


def _all_ways(fn, ref, axis):
    return (
        lambda x: [fn(x, axis, exclusive=e, reverse=r) for e, r in _WAYS],
        lambda a: [ref(a, axis, e, r) for e, r in _WAYS],
    )


def _case(name, fn, ref, x, axis, op, **options):
    build, expected = _all_ways(fn, ref, axis)
    return Case(name, build, [x], expected, ops=(op,), **options)


CASES = [
    *[
        _case(f"{name}_{label}", fn, ref, rand(*shape, low=0.5, high=1.5), axis, op)
        for name, fn, ref, op in (("sum", tf.cumsum, _SUM, "Cumsum"), ("prod", tf.cumprod, _PROD, "Cumprod"))
        for label, shape, axis in (
            ("vector", (17,), 0),
            ("last", (3, 5), 1),
            ("first", (7, 130), 0),
            ("middle", (2, 5, 3), -2),
            ("one", (1,), 0),
            ("empty", (0, 3), 0),
        )
    ],
    _case(
        "sum_half",
        tf.cumsum,
        _SUM,
        rand(5, 9),
        1,
        "Cumsum",
        dtypes=ALL_FLOATS,
        grad=False,
        tol={"float16": 5e-3, "bfloat16": 5e-2},
    ),
    _case("sum_int", tf.cumsum, _SUM, rand(5, 9, low=-9, high=9), 1, "Cumsum", dtypes=INTS, grad=False),
    _case("prod_int", tf.cumprod, _PROD, rand(5, 9, low=-9, high=9), 0, "Cumprod", dtypes=INTS, grad=False),
    *[
        _case(f"sum_{d}", tf.cumsum, _SUM, ints(40, low=0, high=100, dtype=d), 0, "Cumsum", dtypes=(), grad=False)
        for d in ("int8", "uint8", "int16", "uint16", "uint32", "uint64")
    ],
    Case("sum_second", lambda x: tf.square(tf.cumsum(x, 1)), [rand(3, 4)], lambda a: np.cumsum(a, 1) ** 2, second=True),
    Case("computed_axis", tf.cumsum, [rand(3, 4), np.int32(-1)], lambda a, axis: np.cumsum(a, 1)),
]

BAD = [
    Bad("axis_out_of_range", lambda: tf.cumsum(np.zeros([2, 3]), 2), ValueError, "axis 2"),
    Bad("scalar", lambda: tf.cumsum(1.0, 0), ValueError, "axis 0"),
    Bad("axis_of_rank_1", lambda: tf.cumsum(np.zeros([3]), [0]), ValueError, "rank 0"),
    Bad("bools", lambda: tf.cumsum([True, False]), TypeError, "bool"),
]
