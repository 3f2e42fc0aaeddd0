"""Uniform and normal numbers for given seeds, as TensorFlow draws them. Longer streams: tests/test_random.py."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case
from tfmini import raw

SEEDS = {"seed": 3, "seed2": 4}
UNIFORM = {
    "float32": [0.9237366914749146, 0.37043046951293945, 0.9481984376907349, 0.8158295154571533, 0.5395640134811401],
    "float64": [0.38989405961787416, 0.5855880897787018, 0.3165125436318865, 0.8649383128338093, 0.0751436063331401],
    "float16": [0.2509765625, 0.56640625, 0.6416015625, 0.275390625, 0.1083984375],
    "bfloat16": [0.0078125, 0.53125, 0.1328125, 0.203125, 0.8671875],
}
NORMAL = {
    "float32": [
        0.28962206840515137,
        -0.2734510600566864,
        -0.2986593246459961,
        0.13109374046325684,
        -0.2823999226093292,
    ],
    "float64": [-0.7030205923675534, -1.1787800830679616, -1.1381825408299184, 1.002659122264378, 1.279767312470688],
}
NORMAL["float16"] = NORMAL["bfloat16"] = NORMAL["float32"]
TRUNCATED = {
    "float32": [
        0.28962206840515137,
        -0.2734510600566864,
        -0.2986593246459961,
        0.13109374046325684,
        0.18132124841213226,
    ],
    "float64": [
        -0.7030205923675534,
        -1.1787800830679616,
        -0.7363534042407097,
        -1.7311353165860213,
        -0.10372449552883542,
    ],
}
TRUNCATED["float16"] = TRUNCATED["bfloat16"] = TRUNCATED["float32"]


def draws(op, want, tol):
    return [
        Case(
            f"{op}_{dtype}",
            lambda dtype=dtype: getattr(raw, op)([5], dtype=dtype, **SEEDS),
            [],
            lambda dtype=dtype: np.array(want[dtype]),
            dtypes=(dtype,),
            grad=False,
            tol=tol.get(dtype, 1e-6),
            ops=(op,),
        )
        for dtype in want
    ]


def integers(dtype, low, high, want):
    return Case(
        f"RandomUniformInt_{dtype}",
        lambda: tf.cast(raw.RandomUniformInt([5], np.array(low, dtype), np.array(high, dtype), **SEEDS), dtype),
        [],
        lambda: np.array(want, dtype),
        dtypes=(dtype,),
        grad=False,
        ops=("RandomUniformInt",),
    )


def shaped(name, fn, shape):
    """Only the shape matters: the reference is the shape, as what the output times zero has."""
    return Case(name, lambda: fn() * 0, [], lambda: np.zeros(shape), dtypes=("float32",), grad=False)


CASES = [
    *draws("RandomUniform", UNIFORM, {}),
    *draws("RandomStandardNormal", NORMAL, {"float16": 1e-3, "bfloat16": 1e-2}),
    *draws("TruncatedNormal", TRUNCATED, {"float16": 1e-3, "bfloat16": 1e-2}),
    integers("int32", -5, 100, [31, 5, 6, 84, 44]),
    integers("int64", -5, 10**12, [722507325641, 417123746540, 593204934234, 222866433044, 652102392567]),
    shaped("uniform_empty", lambda: tf.random_uniform([0, 3]), (0, 3)),
    shaped("uniform_scalar", lambda: tf.random_uniform([]), ()),
    shaped("normal_bounds_broadcast", lambda: tf.random_normal([3, 2], mean=[1.0, 2.0]), (3, 2)),
    shaped("truncated_whole_float_size", lambda: tf.truncated_normal([2.0, 3], stddev=0.1), (2, 3)),
]


def run(fn, feed=None):
    with tf.Session() as sess:
        sess.run(fn(), feed)


def fed_bounds():
    low = tf.placeholder(tf.int32, [])
    with tf.Session() as sess:
        sess.run(tf.random_uniform([3], low, 5, dtype=tf.int32), {low: 5})


BAD = [
    Bad("uniform_int_needs_maxval", lambda: tf.random_uniform([3], dtype=tf.int32), ValueError, "maxval"),
    Bad("uniform_of_strings", lambda: tf.random_uniform([3], dtype=tf.string), ValueError, "string"),
    Bad("uniform_empty_range", fed_bounds, tf.errors.InvalidArgumentError, "minval < maxval"),
    Bad("uniform_bounds_not_scalar", lambda: tf.random_uniform([3], [0, 1], 5, dtype=tf.int32), ValueError, "rank 0"),
    Bad("uniform_negative_size", lambda: tf.random_uniform([-3]), ValueError, ">= 0"),
    Bad("uniform_unknown_size", lambda: tf.random_uniform(tf.TensorShape([None])), ValueError, "partially known"),
    Bad("normal_of_integers", lambda: tf.random_normal([3], dtype=tf.int32), (TypeError, ValueError), "int32"),
]
