"""Convolutions with what follows them, which passes/fuse_conv2d.cc makes one node. tests/session/test_passes.py
compares each with the same graph run node by node."""

import numpy as np

import tfmini as tf
from tests.cases.conv2d import reference
from tests.cases.table import Bad, Case, positive, rand
from tfmini import raw

EPSILON = float(np.float32(1e-3))  # attributes are float32


def scaled(*shape):
    """A filter that keeps the size of what goes through it."""
    return rand(*shape) / max(1, np.sqrt(np.prod(shape[:3])))


def fused(name, image, kernel, after, after_ref, args, strides=(1, 1), padding="SAME", nchw=False, **kwargs):
    """after(y, *args) is what follows the convolution; after_ref the same in NumPy, with channels last."""
    n, h, w, c = image
    x = rand(n, c, h, w) if nchw else rand(*image)
    attrs = dict(strides=[1, 1, *strides] if nchw else [1, *strides, 1], padding=padding)
    data_format = "NCHW" if nchw else "NHWC"

    def ref(x, f, *args):
        x = x.transpose(0, 2, 3, 1) if nchw else x
        y = after_ref(reference(x, f, strides, (1, 1), padding), *args)
        return y.transpose(0, 3, 1, 2) if nchw else y

    kwargs.setdefault("tol", {"float32": 5e-5})
    return Case(
        "fused_conv2d_" + name,
        lambda x, f, *args: after(tf.nn.conv2d(x, f, data_format=data_format, **attrs), data_format, *args),
        [x, scaled(*kernel), *args],
        ref,
        ops=("_FusedConv2D",),
        **{"grad": False, **kwargs},
    )


def normalized(y, data_format, scale, offset, mean, variance):
    return tf.nn.fused_batch_norm(
        y, scale, offset, mean, variance, epsilon=EPSILON, is_training=False, data_format=data_format
    )[0]


def normalized_ref(y, scale, offset, mean, variance):
    return (y - mean) / np.sqrt(variance + EPSILON) * scale + offset


def statistics(n):
    return [rand(n), rand(n), rand(n), positive(n)]


def relu(x):
    return np.maximum(x, 0)


CASES = [
    fused("bias", (2, 7, 6, 5), (3, 3, 5, 9), lambda y, f, b: tf.nn.bias_add(y, b, f), lambda y, b: y + b, [rand(9)]),
    fused("bias_relu_nchw", (2, 7, 6, 5), (3, 3, 5, 9), lambda y, f, b: tf.nn.relu(tf.nn.bias_add(y, b, f)),
          lambda y, b: relu(y + b), [rand(9)], nchw=True),
    fused("added_bias_relu6", (1, 9, 5, 17), (1, 1, 17, 33), lambda y, f, b: tf.nn.relu6(4.0 * b + y),
          lambda y, b: np.clip(y + 4 * b, 0, 6), [rand(33)], grad=True),
    fused("relu", (2, 5, 5, 3), (2, 2, 3, 4), lambda y, f: tf.nn.relu(y), relu, [], padding="VALID"),
    fused("relu_nan", (1, 3, 3, 2), (1, 1, 2, 3), lambda y, f, b: tf.nn.relu(y + b), lambda y, b: y + b,
          [np.array([np.nan, 9.0, np.inf])]),
    fused("batch_norm", (2, 8, 7, 6), (3, 3, 6, 11), normalized, normalized_ref, statistics(11), strides=(2, 2)),
    fused("batch_norm_relu_nchw", (2, 8, 7, 6), (3, 3, 6, 11), lambda *a: tf.nn.relu(normalized(*a)),
          lambda *a: relu(normalized_ref(*a)), statistics(11), nchw=True),
    fused("two_batch_norms", (1, 6, 7, 3), (3, 3, 3, 8),
          lambda y, f, *a: tf.nn.relu(normalized(tf.nn.bias_add(normalized(y, f, *a[:4]), a[4]), f, *a[5:])),
          lambda y, *a: relu(normalized_ref(normalized_ref(y, *a[:4]) + a[4], *a[5:])),
          [*statistics(8), rand(8), *statistics(8)]),
    fused("scale_and_shift", (1, 5, 9, 7), (3, 1, 7, 19), lambda y, f, s, b: y * s + b, lambda y, s, b: y * s + b,
          [rand(19), rand(19)], grad=True),
    fused("shortcut", (2, 6, 5, 7), (1, 1, 7, 20), lambda y, f, b, x: tf.nn.relu(tf.nn.bias_add(y, b) + x),
          lambda y, b, x: relu(y + b + x), [rand(20), rand(2, 6, 5, 20)], grad=True),
    fused("shortcut_of_itself", (1, 4, 4, 3), (1, 1, 3, 5), lambda y, f: tf.nn.relu(y + tf.tanh(y)),
          lambda y: relu(y + np.tanh(y)), []),
    fused("minimal_filtering", (2, 27, 30, 13), (3, 3, 13, 19), lambda *a: tf.nn.relu(normalized(*a[:6]) + a[6]),
          lambda *a: relu(normalized_ref(*a[:5]) + a[5]), [*statistics(19), rand(2, 27, 30, 19)]),
    fused("minimal_filtering_nchw", (2, 27, 30, 13), (3, 3, 13, 19), lambda *a: tf.nn.relu(normalized(*a)),
          lambda *a: relu(normalized_ref(*a)), statistics(19), nchw=True, padding="VALID"),
    fused("no_channels", (2, 3, 4, 0), (3, 3, 0, 5), lambda y, f, b: tf.nn.relu(tf.nn.bias_add(y, b, f)),
          lambda y, b: relu(y + b), [rand(5)]),
    fused("no_channels_nchw", (2, 3, 4, 0), (3, 3, 0, 5), lambda y, f, b: tf.nn.relu(tf.nn.bias_add(y, b, f)),
          lambda y, b: relu(y + b), [rand(5)], nchw=True),
    fused("no_images", (0, 3, 4, 2), (3, 3, 2, 5), lambda y, f, b: tf.nn.bias_add(y, b, f), lambda y, b: y + b,
          [rand(5)]),
    fused("groups", (2, 6, 5, 6), (3, 3, 2, 9), lambda *a: tf.nn.relu(normalized(*a)),
          lambda *a: relu(normalized_ref(*a)), statistics(9)),
]  # fmt: skip


def op(args, fused_ops, x=(1, 8, 8, 3), f=(3, 3, 3, 4), **kwargs):
    image = [tf.placeholder(tf.float32, s) for s in (x, f)]
    return raw._FusedConv2D(
        *image,
        [tf.placeholder(tf.float32, s) for s in args],
        fused_ops=fused_ops,
        strides=[1, 1, 1, 1],
        padding="SAME",
        **kwargs,
    )


BAD = [
    Bad("step", lambda: op([], ["Tanh"]), (ValueError, tf.errors.InvalidArgumentError), "got 'Tanh'"),
    Bad("order", lambda: op([[4]], ["Relu", "BiasAdd"]), ValueError, "not supported"),
    Bad("count", lambda: op([[4]], ["FusedBatchNorm"]), ValueError, "takes 4 args"),
    Bad("bias", lambda: op([[3]], ["BiasAdd"]), ValueError, r"args\[0\] must have shape \[4\]"),
    Bad("shortcut", lambda: op([[1, 8, 8, 3]], ["Add"]), ValueError, "must have shape"),
    Bad("layout", lambda: op([[1, 4, 3, 8]], ["Add"], x=(1, 3, 3, 8), data_format="NCHW"), ValueError, "NHWC"),
]
