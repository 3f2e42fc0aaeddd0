"""Softmax cross entropies."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, ints, positive, rand, randn
from tfmini import raw


def _log_softmax(a, axis=-1):
    d = a - a.max(axis, keepdims=True)
    return d - np.log(np.exp(d).sum(axis, keepdims=True))


def _dense(logits, labels, axis=-1):
    return -(labels * _log_softmax(logits, axis)).sum(axis)


def _sparse(logits, labels):
    return -np.take_along_axis(_log_softmax(logits), labels[..., None].astype(int), -1)[..., 0]


def _raw_dense(logits, labels):
    return [_dense(logits, labels), np.exp(_log_softmax(logits)) - labels]


def _v2(logits, labels):
    return tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)


def _by_name(logits, labels):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def _shares(*shape):
    p = positive(*shape)
    return p / p.sum(-1, keepdims=True)


_INF, _NAN = np.inf, np.nan
_ODD = np.array([[-_INF, -_INF], [_INF, 1], [_NAN, 1], [1000, 999], [-_INF, 3], [-_INF, 3]])

CASES = [
    Case(
        "dense",
        _v2,
        [rand(5, 7), _shares(5, 7)],
        _dense,
        dtypes=ALL_FLOATS,
        second=True,
        ops=("SoftmaxCrossEntropyWithLogits",),
        tol={"float16": 4e-3, "bfloat16": 4e-2},
    ),
    Case("dense_labels_not_normal", _v2, [rand(3, 17), rand(3, 17)], _dense, grad=(1,)),
    Case("dense_one_class", _v2, [rand(4, 1), np.ones([4, 1])], _dense),
    Case("dense_no_class", _v2, [np.zeros([2, 0]), np.zeros([2, 0])], lambda x, y: np.zeros(2), grad=False),
    Case("dense_no_row", _v2, [np.zeros([0, 3]), np.zeros([0, 3])], lambda x, y: np.zeros(0)),
    Case("dense_vector", _v2, [rand(9), _shares(9)], _dense),
    Case("dense_rank3", _v2, [rand(2, 3, 5), _shares(2, 3, 5)], _dense, second=True),
    Case(
        "dense_axis",
        lambda x, y: tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=x, axis=1),
        [rand(2, 4, 3), np.swapaxes(_shares(2, 3, 4), 1, 2)],
        lambda x, y: _dense(x, y, 1),
    ),
    Case("dense_blocks", _v2, [randn(3, 5001), _shares(3, 5001)], _dense, grad=False, tol={"float32": 2e-5}),
    Case(
        "raw_dense",
        lambda x, y: list(raw.SoftmaxCrossEntropyWithLogits(x, y)),
        [rand(5, 35), _shares(5, 35)],
        _raw_dense,
        dtypes=ALL_FLOATS,
        second=True,
        tol={"float16": 4e-3, "bfloat16": 4e-2},
    ),
    *[
        Case(
            f"raw_broadcast_{n}",
            lambda x, y: list(raw.SoftmaxCrossEntropyWithLogits(x, y)),
            [rand(*a), _shares(*b)],
            lambda x, y: _raw_dense(*np.broadcast_arrays(np.atleast_2d(x), y)),
        )
        for n, a, b in (
            ("labels", (4, 5), (1, 5)),
            ("logits", (1, 5), (4, 5)),
            ("columns", (4, 1), (1, 3)),
            ("vector", (3,), (2, 3)),
        )
    ],
    # TensorFlow's answers.
    Case(
        "raw_not_finite",
        lambda x, y: list(raw.SoftmaxCrossEntropyWithLogits(x, y)),
        [_ODD, np.array([[1.0, 0], [1, 0], [0, 1], [0, 1], [0, 1], [1, 0]])],
        lambda x, y: [
            np.array([_NAN, _NAN, _NAN, 1.3132616875, _NAN, _INF]),
            np.array([[_NAN] * 2] * 3 + [[0.7310585786, -0.7310585786], [0, 0], [-1, 1]]),
        ],
        grad=False,
        tol=1e-6,
    ),
    Case(
        "raw_sparse_not_finite",
        lambda x, y: list(raw.SparseSoftmaxCrossEntropyWithLogits(x, y)),
        [_ODD, np.array([0, 0, 1, 1, 1, 0])],
        lambda x, y: [
            np.array([_NAN, _NAN, _NAN, 1.3132616875, 0, _INF]),
            np.array([[_NAN] * 2] * 3 + [[0.7310585786, -0.7310585786], [0, 0], [-1, 1]]),
        ],
        grad=False,
        tol=1e-6,
    ),
    Case(
        "huge_logits",
        _v2,
        [np.array([[1e30, -1e30], [3e4, 0]]), np.array([[1.0, 0], [0.5, 0.5]])],
        lambda x, y: np.array([0, 1.5e4]),
        grad=False,
    ),
    Case(
        "no_gradient_to_labels",
        lambda x, y: tf.gradients(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=x), [x, y])[1] is None and x,
        [rand(2, 3), _shares(2, 3)],
        lambda x, y: x,
        grad=False,
    ),
    Case(
        "order_of_2015",
        lambda x, y: [
            tf.nn.softmax_cross_entropy_with_logits(x, y),
            tf.nn.softmax_cross_entropy_with_logits(x, y, name="xentropy"),
            tf.nn.softmax_cross_entropy_with_logits(x, y, 0, "along_axis_0"),
            tf.nn.softmax_cross_entropy_with_logits(x, labels=y),
        ],
        [rand(4, 5), _shares(4, 5)],
        lambda x, y: [_dense(x, y), _dense(x, y), _dense(x, y, 0), _dense(x, y)],
        grad=False,
    ),
    *[
        Case(
            f"sparse_{d}",
            _by_name,
            [rand(6, 10), ints(6, high=10, dtype=d)],
            _sparse,
            dtypes=ALL_FLOATS,
            second=True,
            ops=("SparseSoftmaxCrossEntropyWithLogits",),
            tol={"float16": 4e-3, "bfloat16": 4e-2},
        )
        for d in ("int32", "int64")
    ],
    Case(
        "sparse_order_of_2015",
        lambda x, y: tf.nn.sparse_softmax_cross_entropy_with_logits(x, y, "xentropy"),
        [rand(6, 10), ints(6, high=10)],
        _sparse,
    ),
    Case("sparse_rank1", _by_name, [rand(6), np.int32(3)], lambda x, y: _sparse(x[None], np.array([y]))[0]),
    Case("sparse_rank3", _by_name, [rand(2, 3, 5), ints(2, 3, high=5)], _sparse, second=True),
    Case("sparse_blocks", _by_name, [randn(3, 6001), np.array([0, 2100, 6000])], _sparse, grad=False),
    Case("sparse_no_row", _by_name, [np.zeros([0, 3]), np.zeros([0], np.int32)], lambda x, y: np.zeros(0)),
]


def _run(t):
    with tf.Session() as sess:
        return sess.run(t)


_L = np.ones([2, 3], np.float32)
_both = tf.nn.softmax_cross_entropy_with_logits
BAD = [
    Bad("labels_missing", lambda: _both(logits=_L), ValueError, "Both labels and logits"),
    Bad("logits_missing", lambda: _by_name(None, [1, 2]), ValueError, "Both labels and logits"),
    Bad(
        "int_logits",
        lambda: _both(logits=np.ones([2, 3], np.int32), labels=np.ones([2, 3], np.int32)),
        TypeError,
        "int32",
    ),
    Bad("classes_differ", lambda: _v2(_L, np.ones([2, 4], np.float32)), ValueError, "broadcast"),
    Bad("axis", lambda: _both(logits=_L, labels=_L, axis=2), ValueError, "axis"),
    Bad("scalars", lambda: _v2(np.float32(1), np.float32(1)), ValueError, "scalar"),
    Bad("rank1_raw", lambda: raw.SoftmaxCrossEntropyWithLogits(_L[0], _L[0]), ValueError, "matrix"),
    Bad(
        "label_too_large",
        lambda: _run(_by_name(_L, [0, 3])),
        tf.errors.InvalidArgumentError,
        "label value of 3 .*\\[0, 3\\)",
    ),
    Bad("label_negative", lambda: _run(_by_name(_L, [-1, 0])), tf.errors.InvalidArgumentError, "label value of -1"),
    Bad("sparse_no_class", lambda: _run(_by_name(_L[:, :0], [0, 0])), tf.errors.InvalidArgumentError, "class"),
    Bad("sparse_rank", lambda: _by_name(_L, [[0, 1]]), ValueError, "Rank mismatch"),
    Bad("sparse_batch", lambda: _by_name(_L, [0, 1, 2]), ValueError, "not compatible"),
    Bad("sparse_float_labels", lambda: _by_name(_L, [0.0, 1.0]), TypeError, "labels"),
    Bad("sparse_scalar", lambda: _by_name(np.float32(1), 1), ValueError, "scalar"),
]
