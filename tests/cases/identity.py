"""identity and its kin."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")


def same(x):
    return x


CASES = [
    Case("identity", tf.identity, [rand(3, 5)], same, dtypes=MOVED, ops=("Identity",), second=True),
    Case("identity_scalar", tf.identity, [rand()], same),
    Case("identity_strings", tf.identity, [np.array([b"a", b""], object)], same, dtypes=(), grad=False),
    Case(
        "identity_n", lambda *t: tf.identity_n(t), [rand(3), np.int32([1, 2])], lambda *a: list(a), ops=("IdentityN",)
    ),
    Case("stop_gradient", tf.stop_gradient, [rand(3)], same, dtypes=MOVED, grad=False, ops=("StopGradient",)),
    Case(
        "prevent_gradient", lambda t: tf.raw.PreventGradient(t), [rand(3)], same, grad=False, ops=("PreventGradient",)
    ),
    Case("snapshot", lambda t: tf.raw.Snapshot(t), [rand(3)], same, ops=("Snapshot",)),
    Case("ensure_shape", lambda t: tf.ensure_shape(t, [None, 5]), [rand(3, 5)], same, ops=("EnsureShape",)),
    Case(
        "check_numerics",
        lambda t: tf.check_numerics(t, "broken"),
        [rand(33)],
        same,
        dtypes=ALL_FLOATS,
        ops=("CheckNumerics",),
    ),
    Case("verify_tensor_all_finite", lambda t: tf.verify_tensor_all_finite(t, "broken"), [rand(3)], same),
]


def _run(fn, value):
    with tf.Session() as sess:
        p = tf.placeholder(tf.float32)
        sess.run(fn(p), {p: value})


def _prevented():
    x = tf.constant(1.0)
    tf.gradients(tf.raw.PreventGradient(x, message="not here"), x)


INVALID = tf.errors.InvalidArgumentError
NAN, INF = [1.0, float("nan")], [1.0, -float("inf")]

BAD = [
    Bad("nan", lambda: _run(lambda t: tf.check_numerics(t, "m"), NAN), INVALID, "m : Tensor had NaN"),
    Bad("inf", lambda: _run(lambda t: tf.check_numerics(t, "m"), INF), INVALID, "m : Tensor had Inf"),
    Bad("both", lambda: _run(lambda t: tf.verify_tensor_all_finite(t, "m"), NAN + INF), INVALID, "NaN and Inf"),
    Bad("ints", lambda: tf.check_numerics(tf.constant(1), "m"), (TypeError, ValueError), "int32"),
    Bad("shape", lambda: tf.ensure_shape(tf.zeros([3]), [4]), ValueError, "not compatible"),
    Bad("run_shape", lambda: _run(lambda t: tf.ensure_shape(t, [4]), [1.0]), INVALID, "not compatible"),
    Bad("prevented", _prevented, LookupError, "not here"),
]
