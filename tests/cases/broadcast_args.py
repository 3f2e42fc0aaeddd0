"""Broadcasting of shapes."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case
from tfmini import raw


def _shape(*dims, dtype="int32"):
    return np.array(dims, dtype)


def _axes(a, b):
    rank = max(len(a), len(b))
    pad = [[1] * (rank - len(s)) + list(s) for s in (a, b)]
    missing = [rank - len(s) for s in (a, b)]
    if list(a) == list(b):
        return [np.array([], a.dtype)] * 2
    return [np.array([d for d in range(rank) if d < m or p[d] == 1], a.dtype) for p, m in zip(pad, missing)]


PAIRS = [
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((), (4, 5)),
    ((5, 1), (1, 7)),
    ((1, 3), (1, 3)),
    ((2, 1, 4), (3, 1)),
    ((), ()),
]
CASES = [
    Case(f"args_{i}", raw.BroadcastArgs, [_shape(*a), _shape(*b)],
         lambda a, b: np.array(np.broadcast_shapes(tuple(a), tuple(b)), a.dtype), dtypes=(), ops=("BroadcastArgs",))
    for i, (a, b) in enumerate(PAIRS)
]  # fmt: skip
CASES += [
    Case(f"gradient_args_{d}_{i}", raw.BroadcastGradientArgs, [_shape(*a, dtype=d), _shape(*b, dtype=d)], _axes,
         dtypes=(),
         ops=("BroadcastGradientArgs",))
    for i, (a, b) in enumerate(PAIRS) for d in ("int32", "int64")
]  # fmt: skip


def _run():
    with tf.Session() as sess:
        sess.run(raw.BroadcastGradientArgs(tf.placeholder_with_default([2], [1]), [3]))


BAD = [
    Bad("gradient_args", _run, tf.errors.InvalidArgumentError, r"\[2\].*\[3\]"),
    Bad(
        "static",
        lambda: tf.broadcast_static_shape(tf.TensorShape([2]), tf.TensorShape([3])),
        ValueError,
        "Incompatible",
    ),
]
