"""zeros, ones, fill, zeros_like, ones_like, broadcast_to."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, ALL_INTS, Bad, Case, rand

MOVED = (*ALL_FLOATS, *ALL_INTS, "bool")


def broadcast(name, x, shape, **kwargs):
    return Case(
        f"broadcast_to_{name}",
        lambda t: tf.broadcast_to(t, shape),
        [x],
        lambda a: np.broadcast_to(a, shape),
        ops=("BroadcastTo",),
        **kwargs,
    )


CASES = [
    Case("fill", lambda v: tf.fill([3, 5], v), [rand()], lambda v: np.full((3, 5), v), dtypes=MOVED, ops=("Fill",)),
    Case("fill_empty", lambda v: tf.fill([3, 0], v), [rand()], lambda v: np.full((3, 0), v)),
    Case("fill_scalar", lambda v: tf.fill([], v), [rand()], lambda v: v, second=True),
    Case("fill_fed", lambda d, v: tf.fill(d, v), [np.int64([2, 3]), rand()], lambda d, v: np.full((2, 3), v)),
    Case("fill_large", lambda v: tf.fill([300, 1001], v), [rand()], lambda v: np.full((300, 1001), v)),
    Case(
        "fill_string", lambda v: tf.fill([2], v), [np.array(b"ab", object)], lambda v: np.array([b"ab"] * 2), (), False
    ),
    Case("zeros", lambda: tf.zeros([2, 3]), [], lambda: np.zeros((2, 3)), (), False),
    Case("zeros_large", lambda: tf.zeros([40, 50], tf.int64), [], lambda: np.zeros((40, 50), int), (), False),
    Case("zeros_scalar", lambda: tf.zeros([], tf.bool), [], lambda: np.array(False), (), False),
    Case("zeros_number", lambda: tf.zeros(3), [], lambda: np.zeros(3), (), False),
    Case("zeros_string", lambda: tf.zeros([2], tf.string), [], lambda: np.array([b"", b""]), (), False),
    Case("zeros_fed", lambda s: tf.zeros(s), [np.int32([2, 2])], lambda s: np.zeros((2, 2)), (), False),
    Case("zeros_packed", lambda t: tf.zeros([tf.shape(t)[0], 2]), [rand(3)], lambda a: np.zeros((3, 2)), grad=False),
    Case("ones", lambda: tf.ones([2, 3], tf.int32), [], lambda: np.ones((2, 3), np.int32), (), False),
    Case("ones_bool", lambda: tf.ones([2], tf.bool), [], lambda: np.ones(2, bool), (), False),
    Case("zeros_like", tf.zeros_like, [rand(3, 5)], np.zeros_like, dtypes=MOVED, grad=False, ops=("ZerosLike",)),
    Case(
        "zeros_like_dtype",
        lambda t: tf.zeros_like(t, tf.int64),
        [rand(3)],
        lambda a: np.zeros(a.shape, np.int64),
        grad=False,
    ),
    Case(
        "zeros_like_kept",
        lambda t: tf.zeros_like(t, optimize=False),
        [rand(17)],
        np.zeros_like,
        dtypes=MOVED,
        grad=False,
    ),
    Case("ones_like", tf.ones_like, [rand(3, 5)], np.ones_like, dtypes=MOVED, grad=False, ops=("OnesLike",)),
    Case("ones_like_raw", lambda t: tf.raw.OnesLike(t), [rand(33)], np.ones_like, dtypes=MOVED, grad=False),
    broadcast("rows", rand(5), [3, 5], dtypes=(*MOVED,)),
    broadcast("columns", rand(3, 1), [3, 17], second=True),
    broadcast("both", rand(1, 3, 1), [4, 2, 3, 5]),
    broadcast("scalar", rand(), [3, 2]),
    broadcast("same", rand(2, 3), [2, 3]),
    broadcast("empty", rand(1, 3), [0, 3]),
    broadcast("large", rand(300, 1), [300, 1000]),
    Case(
        "broadcast_to_fed",
        tf.broadcast_to,
        [rand(3, 1), np.int64([2, 3, 4])],
        lambda a, s: np.broadcast_to(a, (2, 3, 4)),
    ),
]


def _run_fill(shape):
    with tf.Session() as sess:
        p = tf.placeholder(tf.int64, [None])
        sess.run(tf.fill(p, 1.0), {p: shape})


BAD = [
    Bad("negative", lambda: tf.fill([2, -1], 0.0), ValueError, ">= 0"),
    Bad("zeros_negative", lambda: tf.zeros([2, -1]), ValueError, ">= 0"),
    Bad("zeros_unknown", lambda: tf.zeros([2, None]), (TypeError, ValueError), "None|known|convert"),
    Bad("value_rank", lambda: tf.fill([2], [0.0, 1.0]), ValueError, "rank 0"),
    Bad("run_negative", lambda: _run_fill([-3]), tf.errors.InvalidArgumentError, ">= 0"),
    Bad("run_overflow", lambda: _run_fill([2**62, 8]), tf.errors.InvalidArgumentError, "too many elements"),
    Bad("run_huge", lambda: _run_fill([2**45]), tf.errors.ResourceExhaustedError, "."),
    Bad("broadcast", lambda: tf.broadcast_to(tf.zeros([2]), [3]), ValueError, "cannot be broadcast"),
    Bad("broadcast_rank", lambda: tf.broadcast_to(tf.zeros([1, 2]), [2]), ValueError, "cannot be broadcast"),
]
