"""Constants, placeholders with defaults, groups."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

EVERYTHING = (*ALL_FLOATS, "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")

CASES = [
    Case("fed", lambda x: tf.identity(x), [rand(3, 5)], lambda x: x, dtypes=EVERYTHING, ops=("Placeholder",)),
    Case("fed_empty", lambda x: tf.identity(x), [rand(0, 5)], lambda x: x, ops=("Placeholder",), grad=False),
    Case("const", lambda x: x + tf.constant(2, x.dtype), [rand(7)], lambda x: x + 2, ops=("Const",)),
    Case(
        "const_filled",
        lambda x: tf.constant(3.0, shape=[2, 3]),
        [rand(1)],
        lambda x: np.full((2, 3), 3.0),
        ops=("Const",),
        grad=False,
    ),
    Case(
        "const_padded",
        lambda x: tf.constant([1, 2], shape=[5]),
        [rand(1)],
        lambda x: np.array([1, 2, 2, 2, 2]),
        ops=("Const",),
        grad=False,
    ),
    Case(
        "default",
        lambda x: tf.placeholder_with_default(x, [None, 4]) * 2.0,
        [rand(3, 4)],
        lambda x: x * 2,
        ops=("PlaceholderWithDefault",),
    ),
    Case(
        "tuple",
        lambda x, y: tf.tuple([x * 2.0, y + 1.0]),
        [rand(3), rand(2)],
        lambda x, y: [x * 2, y + 1],
        ops=("NoOp",),
    ),
]

BAD = [
    Bad("ragged", lambda: tf.constant([[1], [2, 3]]), ValueError, "dense"),
    Bad("none", lambda: tf.constant(None), ValueError, "None"),
    Bad("kind", lambda: tf.constant(1.5, tf.int32), TypeError, "int32"),
    Bad("range", lambda: tf.constant(300, tf.uint8), (ValueError, TypeError), "uint8"),
    Bad("too_many", lambda: tf.constant([1, 2, 3], shape=[2]), ValueError, "Too many elements"),
    Bad("symbolic", lambda: tf.constant(tf.constant(1)), TypeError, "symbolic"),
    Bad("default_shape", lambda: tf.placeholder_with_default(tf.zeros([2]), [3]), ValueError, "compatible"),
    Bad(
        "unfed",
        lambda: tf.Session().run(tf.placeholder(tf.float32, [2])),
        tf.errors.InvalidArgumentError,
        "must feed a value",
    ),
    Bad("group_value", lambda: tf.group(3), TypeError, "tf.group"),
]
