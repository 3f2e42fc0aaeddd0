"""Casts between all element types."""

import math

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, bools, ints, rand

NUMBERS = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
OUT = np.array([math.nan, math.inf, -math.inf, 3e9, -3e9, 1e20, 300.7, -1.7, 65536.5])
LOW32, LOW64 = -(2**31), -(2**63)


def _to(dtype):
    return lambda x: tf.cast(x, dtype)


CASES = [
    Case(f"{a}_to_{b}", _to(b), [ints(37, high=100,
                                      dtype=a) if a[0] != "f" else np.floor(rand(37, low=0, high=100)).astype(a)],
         lambda x, b=b: x.astype(b), dtypes=("float64",) if a == "float64" else (), grad=False, ops=("Cast",))
    for a in NUMBERS for b in NUMBERS if a != b
]  # fmt: skip
CASES += [
    Case(f"{d}_to_bool", _to(tf.bool), [ints(37, high=3).astype(d)], lambda x: x != 0, dtypes=())
    for d in NUMBERS
    if d != "float64"
]
CASES += [Case(f"bool_to_{d}", _to(d), [bools(37)], lambda x, d=d: x.astype(d), dtypes=()) for d in NUMBERS]
CASES += [
    Case("float_gradient", _to(tf.float64), [rand(9)], lambda x: x, dtypes=("float32", "float64", "float16")),
    Case("through_bfloat16", lambda x: tf.to_float(tf.to_bfloat16(x)),
         [np.array([1.0, 1.00390625, 1.01171875, 3e38, math.nan])],
         lambda x: np.array([1.0, 1.0, 1.015625, 3.00398e38, math.nan]), dtypes=("float32",), tol=1e-4, grad=False),
    Case("truncates", tf.to_int32, [np.array([-1.9, -0.5, 0.5, 1.9])], lambda x: np.int32([-1, 0, 0, 1]), grad=False),
    # What TensorFlow gives on x86 for values out of range.
    Case("out_of_range_int32", tf.to_int32, [OUT],
         lambda x: np.int32([LOW32, LOW32, LOW32, LOW32, LOW32, LOW32, 300, -1, 65536]), grad=False),
    Case("out_of_range_int64", tf.to_int64, [OUT],
         lambda x: np.int64([LOW64, LOW64, LOW64, 3 * 10**9, -3 * 10**9, LOW64, 300, -1, 65536]), grad=False),
    Case("out_of_range_uint8", _to(tf.uint8), [OUT], lambda x: np.uint8([0, 0, 0, 0, 0, 0, 44, 255, 0]), grad=False),
    Case("out_of_range_uint32", _to(tf.uint32), [OUT],
         lambda x: np.uint32([2**31, 2**31, 2**31, 3 * 10**9, 2**31, 2**31, 300, 2**32 - 1, 65536]), grad=False),
    Case("saturate_uint8", lambda x: tf.saturate_cast(x, tf.uint8), [np.array([-5.0, 0, 7, 300])],
         lambda x: np.uint8([0, 0, 7, 255]), grad=False),
    Case("saturate_int32", lambda x: tf.saturate_cast(x, tf.int32), [np.array([-1e20, 5.0, 1e20])],
         lambda x: np.int32([LOW32, 5, 2**31 - 128]) if x[0] != -1e20 else np.int32([LOW32, 5, 2**31 - 1]), grad=False,
         dtypes=("float32", "float64")),
    Case("saturate_int", lambda x: tf.saturate_cast(x, tf.int8), [np.int32([-300, 5, 300])],
         lambda x: np.int8([-128, 5, 127]),
         dtypes=()),
]  # fmt: skip
BAD = [Bad("no_such_type", lambda: tf.cast(tf.zeros([2]), "float33"), TypeError, "float33")]
