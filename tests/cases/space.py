"""space_to_depth, space_to_batch and their inverses, against NumPy's reshape and transpose."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")


def space_to_depth(a, s):
    b, h, w, c = a.shape
    return a.reshape(b, h // s, s, w // s, s, c).transpose(0, 1, 3, 2, 4, 5).reshape(b, h // s, w // s, s * s * c)


def depth_to_space(a, s):
    b, h, w, c = a.shape
    c //= s * s
    return a.reshape(b, h, w, s, s, c).transpose(0, 1, 3, 2, 4, 5).reshape(b, h * s, w * s, c)


def nchw(fn):
    return lambda a, s: fn(a.transpose(0, 2, 3, 1), s).transpose(0, 3, 1, 2)


def space_to_batch(a, block, pads):
    m = len(block)
    a = np.pad(a, [(0, 0), *pads, *[(0, 0)] * (a.ndim - 1 - m)])
    rest = a.shape[m + 1 :]
    split = [a.shape[0]]
    for d, s in zip(a.shape[1:], block):
        split += [d // s, s]
    offsets, places = range(2, 2 * m + 1, 2), range(1, 2 * m, 2)
    out = a.reshape([*split, *rest]).transpose([*offsets, 0, *places, *range(2 * m + 1, 2 * m + 1 + len(rest))])
    return out.reshape([-1, *[split[p] for p in places], *rest])


def batch_to_space(a, block, crops):
    m = len(block)
    batch, rest = a.shape[0] // int(np.prod(block)), a.shape[m + 1 :]
    order = [m]
    for i in range(m):
        order += [m + 1 + i, i]
    out = a.reshape([*block, batch, *a.shape[1:]]).transpose([*order, *range(2 * m + 1, 2 * m + 1 + len(rest))])
    out = out.reshape([batch, *[d * s for d, s in zip(a.shape[1:], block)], *rest])
    return out[(slice(None), *[slice(b, out.shape[i + 1] - e) for i, (b, e) in enumerate(crops)])]


def to_batch(name, x, block, pads, **kwargs):
    return Case(
        f"space_to_batch_{name}",
        lambda t: tf.space_to_batch_nd(t, block, pads),
        [x],
        lambda a: space_to_batch(a, block, pads),
        ops=("SpaceToBatchND",),
        **kwargs,
    )


def to_space(name, x, block, crops, **kwargs):
    return Case(
        f"batch_to_space_{name}",
        lambda t: tf.batch_to_space_nd(t, block, crops),
        [x],
        lambda a: batch_to_space(a, block, crops),
        ops=("BatchToSpaceND",),
        **kwargs,
    )


CASES = [
    Case(
        "space_to_depth",
        lambda t: tf.space_to_depth(t, 2),
        [rand(2, 4, 6, 3)],
        lambda a: space_to_depth(a, 2),
        dtypes=MOVED,
        second=True,
        ops=("SpaceToDepth",),
    ),
    Case(
        "space_to_depth_nchw",
        lambda t: tf.space_to_depth(t, 3, data_format="NCHW"),
        [rand(2, 5, 6, 3)],
        lambda a: nchw(space_to_depth)(a, 3),
    ),
    Case("space_to_depth_empty", lambda t: tf.space_to_depth(t, 2), [rand(0, 4, 4, 1)], lambda a: space_to_depth(a, 2)),
    Case(
        "depth_to_space",
        lambda t: tf.depth_to_space(t, 2),
        [rand(2, 2, 3, 12)],
        lambda a: depth_to_space(a, 2),
        dtypes=MOVED,
        ops=("DepthToSpace",),
    ),
    Case(
        "depth_to_space_nchw",
        lambda t: tf.depth_to_space(t, 2, data_format="NCHW"),
        [rand(2, 8, 2, 3)],
        lambda a: nchw(depth_to_space)(a, 2),
    ),
    to_batch("image", rand(2, 4, 6, 3), [2, 3], [[0, 0], [0, 0]], dtypes=MOVED, second=True),
    to_batch("padded", rand(1, 3, 5, 2), [2, 2], [[1, 0], [2, 1]], dtypes=MOVED),
    to_batch("wide_padding", rand(1, 2, 1), [3], [[4, 3]]),
    to_batch("line", rand(2, 6), [3], [[0, 0]]),
    to_batch("rest", rand(2, 4, 3, 2), [2], [[1, 1]]),
    to_batch("blocks_of_one", rand(2, 3, 2), [1], [[0, 0]]),
    to_space("image", rand(12, 2, 2, 3), [2, 3], [[0, 0], [0, 0]], dtypes=MOVED),
    to_space("cropped", rand(4, 2, 4, 2), [2, 2], [[1, 0], [2, 1]]),
    to_space("wide_crop", rand(3, 3, 1), [3], [[4, 3]]),
    to_space("line", rand(6, 2), [3], [[0, 0]]),
    Case(
        "space_to_batch_square",
        lambda t: tf.space_to_batch(t, [[0, 0], [0, 0]], 2),
        [rand(1, 4, 4, 1)],
        lambda a: space_to_batch(a, [2, 2], [[0, 0], [0, 0]]),
    ),
    Case(
        "batch_to_space_square",
        lambda t: tf.batch_to_space(t, [[0, 1], [0, 0]], 2),
        [rand(4, 2, 2, 1)],
        lambda a: batch_to_space(a, [2, 2], [[0, 1], [0, 0]]),
    ),
    Case(
        "space_to_batch_fed",
        tf.space_to_batch_nd,
        [rand(2, 5), np.int32([3]), np.int64([[1, 0]])],
        lambda a, b, p: space_to_batch(a, [3], [[1, 0]]),
    ),
]


def _run(block, pads):
    with tf.Session() as sess:
        b, p = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int32, [None, 2])
        sess.run(tf.space_to_batch_nd(tf.zeros([1, 4, 2]), b, p), {b: block, p: pads})


INVALID = tf.errors.InvalidArgumentError

BAD = [
    Bad("depth_height", lambda: tf.space_to_depth(tf.zeros([1, 3, 4, 1]), 2), ValueError, "height of size 3"),
    Bad("depth_rank", lambda: tf.space_to_depth(tf.zeros([4, 4, 1]), 2), ValueError, "rank 4"),
    Bad("depth_block", lambda: tf.space_to_depth(tf.zeros([1, 4, 4, 1]), 1), ValueError, "block_size"),
    Bad("depth", lambda: tf.depth_to_space(tf.zeros([1, 2, 2, 3]), 2), ValueError, "depth of size 3"),
    Bad("format", lambda: tf.depth_to_space(tf.zeros([1, 2, 2, 4]), 2, data_format="NC"), ValueError, "data_format"),
    Bad("batch_size", lambda: tf.space_to_batch_nd(tf.zeros([1, 3]), [2], [[0, 0]]), ValueError, "divisible by 2"),
    Bad("batch_rank", lambda: tf.space_to_batch_nd(tf.zeros([4]), [2], [[0, 0]]), ValueError, "rank 2"),
    Bad("batch_block", lambda: tf.space_to_batch_nd(tf.zeros([1, 4]), [0], [[0, 0]]), ValueError, "positive"),
    Bad("batch_pads", lambda: tf.space_to_batch_nd(tf.zeros([1, 4]), [2], [[-1, 1]]), ValueError, "negative"),
    Bad("crops", lambda: tf.batch_to_space_nd(tf.zeros([2, 2]), [2], [[3, 2]]), ValueError, "more than there is"),
    Bad("batch", lambda: tf.batch_to_space_nd(tf.zeros([3, 2]), [2], [[0, 0]]), ValueError, "batch of size 3"),
    Bad("run_block", lambda: _run([-1], [[0, 0]]), INVALID, "positive"),
    Bad("run_pads", lambda: _run([2], [[0, 1]]), INVALID, "divisible"),
    Bad("run_count", lambda: _run([2, 2, 2], [[0, 0]]), INVALID, "must agree"),
]
