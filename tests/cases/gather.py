"""gather, gather_nd, batch_gather, against NumPy's take and fancy indexing."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, ints, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")
ROWS = ints(6, high=5)
TABLE = ints(2, 3, high=5, dtype="int64")
BATCHED = ints(3, 4, high=5)


def gather(name, x, indices, axis=0, **kwargs):
    return Case(
        f"gather_{name}",
        lambda t, i: tf.gather(t, i, axis=axis),
        [x, indices],
        lambda a, i: np.take(a, i, axis),
        ops=("GatherV2",),
        **kwargs,
    )


def gather_nd(name, x, indices, **kwargs):
    indices = np.asarray(indices, np.int32)
    return Case(
        f"gather_nd_{name}",
        lambda t, i: tf.gather_nd(t, i),
        [x, indices],
        lambda a, i: a[tuple(np.moveaxis(i, -1, 0))],
        ops=("GatherNd",),
        **kwargs,
    )


CASES = [
    gather("rows", rand(5, 3), ROWS, dtypes=MOVED, second=True),
    gather("scalar", rand(5, 3), np.int32(2)),
    gather("table", rand(5, 3), TABLE),
    gather("vector", rand(5), ROWS),
    gather("nothing", rand(5, 3), np.zeros(0, np.int32)),
    gather("empty_rows", rand(5, 0), ROWS),
    gather("wide", rand(5, 257), ROWS),
    Case(
        "gather_axis",
        lambda t: tf.gather(t, TABLE, axis=1),
        [rand(2, 5, 3)],
        lambda a: np.take(a, TABLE, 1),
        dtypes=MOVED,
        grad=False,
    ),
    Case(
        "gather_fed_axis",
        lambda t, axis: tf.gather(t, ROWS, axis=axis),
        [rand(2, 5), np.int32(-1)],
        lambda a, axis: np.take(a, ROWS, -1),
        grad=False,
    ),
    Case(
        "gather_v1",
        lambda t, i: tf.raw.Gather(t, i),
        [rand(5, 3), TABLE],
        lambda a, i: a[i],
        ops=("Gather",),
    ),
    Case(
        "gather_strings",
        tf.gather,
        [np.array([b"a", b"b" * 40], object), np.int32([1, 0, 1])],
        lambda a, i: a[i],
        dtypes=(),
        grad=False,
    ),
    gather_nd("elements", rand(4, 5), [[0, 0], [3, 4], [3, 4]], dtypes=MOVED, second=True),
    gather_nd("rows", rand(4, 5), [[2], [0], [2]]),
    gather_nd("blocks", rand(4, 5, 6), [[[0, 1]], [[3, 4]]]),
    gather_nd("nothing", rand(4, 5), np.zeros((0, 2))),
    Case(
        "gather_nd_whole", lambda t: tf.gather_nd(t, np.zeros((2, 0), np.int32)), [rand(3)], lambda a: np.stack([a, a])
    ),
]


def with_static_ranks(name, fn, x, ref):
    """Rows whose gradient needs the rank of its inputs."""
    return Case(name, lambda t: fn(tf.reshape(t, x.shape)), [x], ref)


CASES += [
    with_static_ranks(
        "gather_axis_grad", lambda t: tf.gather(t, TABLE, axis=1), rand(2, 5, 3), lambda a: np.take(a, TABLE, 1)
    ),
    with_static_ranks(
        "gather_last_grad", lambda t: tf.gather(t, ROWS, axis=-1), rand(2, 3, 5), lambda a: np.take(a, ROWS, -1)
    ),
    with_static_ranks(
        "gather_batch_dims",
        lambda t: tf.gather(t, BATCHED, batch_dims=1),
        rand(3, 5, 2),
        lambda a: np.stack([a[b][BATCHED[b]] for b in range(3)]),
    ),
    with_static_ranks(
        "gather_batch_dims_axis",
        lambda t: tf.gather(t, BATCHED, axis=2, batch_dims=1),
        rand(3, 2, 5),
        lambda a: np.stack([np.take(a[b], BATCHED[b], 1) for b in range(3)]),
    ),
    with_static_ranks(
        "batch_gather",
        lambda t: tf.batch_gather(t, BATCHED),
        rand(3, 5),
        lambda a: np.take_along_axis(a, BATCHED, 1),
    ),
    with_static_ranks(
        "gather_nd_batch_dims",
        lambda t: tf.gather_nd(t, BATCHED[..., None], batch_dims=1),
        rand(3, 5, 2),
        lambda a: np.stack([a[b][BATCHED[b]] for b in range(3)]),
    ),
]


def _run(fn, indices, dtype=tf.int32):
    with tf.Session() as sess:
        i = tf.placeholder(dtype)
        sess.run(fn(tf.zeros([5, 2]), i), {i: indices})


BAD_INDEX = tf.errors.InvalidArgumentError

BAD = [
    Bad("scalar_params", lambda: tf.gather(tf.zeros([]), [0]), ValueError, "rank at least 1"),
    Bad("float_indices", lambda: tf.gather(tf.zeros([5]), [0.5]), (TypeError, ValueError), "float"),
    Bad("axis", lambda: tf.gather(tf.zeros([5]), [0], axis=1), ValueError, "out of range"),
    Bad("batch_dims", lambda: tf.gather(tf.zeros([5, 2]), [0], axis=0, batch_dims=1), ValueError, "batch_dims"),
    Bad("nd_depth", lambda: tf.gather_nd(tf.zeros([5]), [[0, 0]]), ValueError, "only 1"),
    Bad("nd_scalar", lambda: tf.gather_nd(tf.zeros([5]), 0), ValueError, "rank at least 1"),
    Bad("run_index", lambda: _run(tf.gather, [0, 5]), BAD_INDEX, r"indices\[1\] = 5 is not in \[0, 5\)"),
    Bad("run_negative", lambda: _run(tf.gather, [-1]), BAD_INDEX, r"indices\[0\] = -1"),
    Bad("run_scalar", lambda: _run(tf.gather, 7), BAD_INDEX, "indices = 7"),
    Bad("run_int64", lambda: _run(tf.gather, [2**40], tf.int64), BAD_INDEX, "1099511627776"),
    Bad("run_nd", lambda: _run(tf.gather_nd, [[0, 0], [4, 2]]), BAD_INDEX, r"indices\[1\] = \[4, 2\]"),
]
