"""Activations, their gradients, and the logistic losses."""

import math

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, distinct, ints, rand
from tfmini import raw

SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
NAN, INF = math.nan, math.inf
X = distinct(5, 7)  # away from the kinks at 0
ROWS = [
    ("relu", ("Relu", "ReluGrad"), X, lambda x: np.maximum(x, 0)),
    ("relu6", ("Relu6", "Relu6Grad"), X * 9, lambda x: np.clip(x, 0, 6)),
    ("elu", ("Elu", "EluGrad"), X, lambda x: np.where(x < 0, np.expm1(x), x)),
    ("selu", ("Selu", "SeluGrad"), X, lambda x: SCALE * np.where(x < 0, ALPHA * np.expm1(x), x)),
    ("leaky_relu", ("LeakyRelu", "LeakyReluGrad"), X, lambda x: np.where(x < 0, np.float64(np.float32(0.2)) * x, x)),
    ("softplus", ("Softplus", "SoftplusGrad"), X * 5, lambda x: np.logaddexp(x, 0)),
    ("softsign", ("Softsign", "SoftsignGrad"), X, lambda x: x / (1 + np.abs(x))),
    ("swish", ("Sigmoid",), X, lambda x: x / (1 + np.exp(-x))),
]
CASES = [Case(n, getattr(tf.nn, n), [x], ref, dtypes=ALL_FLOATS, ops=ops, second=True) for n, ops, x, ref in ROWS]


def _logistic(x, z):
    return np.maximum(x, 0) - x * z + np.log1p(np.exp(-np.abs(x)))


CASES += [
    Case("leaky_relu_alpha", lambda x: tf.nn.leaky_relu(x, alpha=0.01), [X],
         lambda x: np.where(x < 0, np.float64(np.float32(0.01)) * x, x), second=True),
    Case("leaky_relu_int", tf.nn.leaky_relu, [ints(7, low=-5, high=5)], lambda x: np.where(x < 0, 0.2 * x, x),
         dtypes=(), tol=1e-6),
    Case("relu_int", tf.nn.relu, [ints(40, low=-9)], lambda x: np.maximum(x, 0), dtypes=()),
    Case("relu6_uint8", tf.nn.relu6, [ints(70, dtype="uint8")], lambda x: np.minimum(x, 6), dtypes=()),
    Case("crelu", tf.nn.crelu, [X], lambda x: np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], -1)),
    Case("sigmoid_cross_entropy", lambda x, z: tf.nn.sigmoid_cross_entropy_with_logits(labels=z, logits=x),
         [distinct(3, 7) * 9, rand(3, 7, low=0, high=1)], _logistic, second=True),
    Case("sigmoid_cross_entropy_old", lambda x, z: tf.nn.sigmoid_cross_entropy_with_logits(x, z),
         [distinct(3, 7), rand(3, 7, low=0, high=1)], _logistic),
    Case("weighted_cross_entropy", lambda x, z: tf.nn.weighted_cross_entropy_with_logits(z, x, 3.0),
         [distinct(3, 7), rand(3, 7, low=0, high=1)],
         lambda x, z: (1 - z) * x + (1 + 2 * z) * (np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, 0)), second=True),
    Case("sigmoid_cross_entropy_huge", lambda x, z: tf.nn.sigmoid_cross_entropy_with_logits(labels=z, logits=x),
         [np.array([1e30, -1e30, 100.0, -100.0]), np.array([1.0, 0.0, 0.0, 1.0])],
         lambda x, z: np.array([0.0, 0.0, 100.0, 100.0]), grad=False),
]  # fmt: skip


def _special(name, fn, inputs, want):
    arrays = [np.array(x, np.float64) for x in inputs]
    return Case(f"special_{name}", fn, arrays, lambda *_: np.array(want, np.float64), grad=False)


F = [NAN, INF, -INF, 0, 6, 7]
G, H = [1, 2, NAN, 1, 1, 1, 1], [0, NAN, 1, 6, 7, 5, -1]
CASES += [
    _special("relu", tf.nn.relu, [F], [NAN, INF, 0, 0, 6, 7]),
    _special("relu6", tf.nn.relu6, [F], [NAN, 6, 0, 0, 6, 6]),
    _special("elu", tf.nn.elu, [F], [NAN, INF, -1, 0, 6, 7]),
    _special("selu", tf.nn.selu, [F], [NAN, INF, -SCALE * ALPHA, 0, 6 * SCALE, 7 * SCALE]),
    _special("softplus", tf.nn.softplus, [[NAN, INF, -INF, 1000, -1000]], [NAN, INF, 0, 1000, 0]),
    _special("softsign", tf.nn.softsign, [F], [NAN, NAN, NAN, 0, 6 / 7, 7 / 8]),
    _special("leaky_relu", lambda x: tf.nn.leaky_relu(x, 0.5), [F], [NAN, INF, -INF, 0, 6, 7]),
    _special("relu_grad", raw.ReluGrad, [G, H], [0, 0, NAN, 1, 1, 1, 0]),
    _special("relu6_grad", raw.Relu6Grad, [G, H], [0, 0, NAN, 0, 0, 1, 0]),
    _special("elu_grad", raw.EluGrad, [G, H], [1, 2, NAN, 1, 1, 1, 0]),
    _special("leaky_relu_grad", lambda g, f: raw.LeakyReluGrad(g, f, alpha=0.5), [G, H], [0.5, 1, NAN, 1, 1, 1, 0.5]),
]

BAD = [
    Bad("elu_int", lambda: tf.nn.elu(tf.zeros([2], tf.int32)), TypeError, "int32"),
    Bad("relu_grad_shapes", lambda: raw.ReluGrad(tf.zeros([2]), tf.zeros([3])), ValueError, r"\[2\].*\[3\]"),
    Bad("cross_entropy_shapes",
        lambda: tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.zeros([2]), logits=tf.zeros([3])), ValueError,
            "same shape"),
    Bad("cross_entropy_missing", lambda: tf.nn.sigmoid_cross_entropy_with_logits(logits=tf.zeros([3])), ValueError,
        "labels"),
    Bad("cross_entropy_three", lambda: tf.nn.sigmoid_cross_entropy_with_logits(tf.zeros([1]), tf.zeros([1]),
        tf.zeros([1])),
        ValueError, "named arguments"),
]  # fmt: skip
