"""reshape, expand_dims, squeeze, against NumPy's."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")
TEXT = np.array([[b"a", b"bc", b""], [b"d", b"\xc3\xa9", b"f"]], dtype=object)


def reshape(name, x, shape, **kwargs):
    return Case(
        f"reshape_{name}", lambda t: tf.reshape(t, shape), [x], lambda a: a.reshape(shape), ops=("Reshape",), **kwargs
    )


def expand(name, x, axis):
    return Case(
        f"expand_dims_{name}",
        lambda t: tf.expand_dims(t, axis),
        [x],
        lambda a: np.expand_dims(a, axis),
        ops=("ExpandDims",),
    )


def squeeze(name, x, axis):
    return Case(
        f"squeeze_{name}",
        lambda t: tf.squeeze(t, axis),
        [x],
        lambda a: np.squeeze(a, None if axis is None else tuple(axis)),
        ops=("Squeeze",),
    )


CASES = [
    reshape("flat", rand(3, 5, 7), [-1], dtypes=MOVED),
    reshape("inferred", rand(3, 4, 5), [5, -1, 2], second=True),
    reshape("to_scalar", rand(1, 1), []),
    reshape("from_scalar", rand(), [1, 1, 1]),
    reshape("empty", rand(0, 3), [3, 0]),
    reshape("rank_8", rand(2, 3, 4), [1, 2, 1, 3, 1, 4, 1, 1]),
    Case("reshape_empty_inferred", lambda t: tf.reshape(t, [0, -1]), [rand(0, 3)], lambda a: a),
    Case(
        "reshape_fed_shape",
        lambda t, s: tf.reshape(t, s),
        [rand(4, 6), np.array([3, -1], np.int64)],
        lambda a, s: a.reshape(3, 8),
    ),
    Case(
        "reshape_to_shape_of",
        lambda t, u: tf.reshape(t, tf.shape(u)),
        [rand(4, 6), rand(2, 12)],
        lambda a, b: a.reshape(b.shape),
    ),
    Case(
        "reshape_dimension",
        lambda t: tf.reshape(t, [-1, tf.Dimension(4)]),
        [rand(3, 4, 5)],
        lambda a: a.reshape(-1, 4),
    ),
    Case(
        "reshape_tensor_shape",
        lambda t: tf.reshape(t, tf.TensorShape([4, 15])),
        [rand(3, 4, 5)],
        lambda a: a.reshape(4, 15),
    ),
    Case(
        "reshape_packed_shape",
        lambda t: tf.reshape(t, [tf.shape(t)[0], -1]),
        [rand(3, 4, 5)],
        lambda a: a.reshape(3, 20),
    ),
    Case("reshape_strings", lambda t: tf.reshape(t, [-1]), [TEXT], np.ravel, dtypes=(), grad=False),
    expand("first", rand(3, 4), 0),
    expand("last", rand(3, 4), -1),
    expand("middle", rand(3, 4), 1),
    expand("scalar", rand(), 0),
    Case(
        "expand_dims_fed_axis",
        lambda t, a: tf.expand_dims(t, a),
        [rand(3, 4), np.int32(-2)],
        lambda x, a: x[:, None, :],
    ),
    Case("expand_dims_dim", lambda t: tf.expand_dims(t, dim=1), [rand(3)], lambda a: a[:, None]),
    squeeze("all", rand(1, 3, 1, 4, 1), None),
    squeeze("some", rand(1, 3, 1, 4), [0]),
    squeeze("negative", rand(1, 3, 1), [-1]),
    squeeze("scalar", rand(), None),
    squeeze("to_scalar", rand(1, 1), None),
    squeeze("empty", rand(1, 0), [0]),
    Case("squeeze_dims", lambda t: tf.squeeze(t, squeeze_dims=[1]), [rand(3, 1, 2)], lambda a: a[:, 0]),
]


def _run_reshape(shape):
    with tf.Session() as sess:
        p = tf.placeholder(tf.int32, [None])
        sess.run(tf.reshape(tf.zeros([6]), p), {p: shape})


BAD = [
    Bad("count", lambda: tf.reshape(tf.zeros([2, 3]), [4]), ValueError, "6 elements"),
    Bad("not_divisible", lambda: tf.reshape(tf.zeros([2, 3]), [4, -1]), ValueError, "multiple of 4"),
    Bad("two_unknown", lambda: tf.reshape(tf.zeros([2, 3]), [-1, -1]), ValueError, "only one size may be -1"),
    Bad("negative", lambda: tf.reshape(tf.zeros([2, 3]), [-2, -3]), ValueError, "negative"),
    Bad("huge", lambda: tf.reshape(tf.zeros([6]), [2**40, 2**40]), ValueError, "too many|elements"),
    Bad("matrix_shape", lambda: tf.reshape(tf.zeros([6]), [[2, 3]]), ValueError, "vector|rank 1"),
    Bad("float_shape", lambda: tf.reshape(tf.zeros([6]), [2.0, 3.5]), TypeError, "int32|float"),
    Bad("run_count", lambda: _run_reshape([4]), tf.errors.InvalidArgumentError, "6 elements"),
    Bad("run_huge", lambda: _run_reshape([2**30, 2**30]), tf.errors.InvalidArgumentError, "6 elements"),
    Bad("expand_range", lambda: tf.expand_dims(tf.zeros([2]), 3), ValueError, "out of range"),
    Bad("expand_none", lambda: tf.expand_dims(tf.zeros([2])), ValueError, "axis"),
    Bad("expand_both", lambda: tf.expand_dims(tf.zeros([2]), 0, dim=0), ValueError, "both"),
    Bad("squeeze_size", lambda: tf.squeeze(tf.zeros([2, 3]), [0]), ValueError, "not 1"),
    Bad("squeeze_range", lambda: tf.squeeze(tf.zeros([2, 3]), [2]), ValueError, "out of range"),
]
