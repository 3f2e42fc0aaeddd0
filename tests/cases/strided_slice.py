"""Indexing: `tensor[...]`, strided_slice, boolean_mask, against NumPy's."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, bools, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")


class _At:
    def __getitem__(self, item):
        return item


at = _At()


def item(name, x, index, **kwargs):
    return Case(f"item_{name}", lambda t: t[index], [x], lambda a: a[index], ops=("StridedSlice",), **kwargs)


MASK = bools(5)
MASK2 = bools(3, 4)

CASES = [
    item("int", rand(4, 5), at[2], dtypes=MOVED, second=True),
    item("negative", rand(4, 5), at[-1]),
    item("ints", rand(4, 5, 6), at[1, 2]),
    item("to_scalar", rand(4, 5), at[1, -2]),
    item("slice", rand(7, 5), at[1:4], dtypes=MOVED),
    item("slice_negative", rand(7), at[-4:-1]),
    item("slice_beyond", rand(7), at[3:100]),
    item("slice_below", rand(7), at[-100:3]),
    item("nothing", rand(7), at[4:2]),
    item("everything", rand(3, 4), at[:]),
    item("step", rand(7, 9), at[::2, 1::3], dtypes=MOVED, second=True),
    item("backwards", rand(7, 5), at[::-1]),
    item("backwards_part", rand(7, 5), at[5:1:-2, ::-1]),
    item("backwards_beyond", rand(7), at[100:-100:-3]),
    item("columns", rand(3, 17), at[:, 3:7]),
    item("column", rand(9, 17), at[:, 3]),
    item("ellipsis", rand(2, 3, 4, 5), at[..., 1]),
    item("ellipsis_middle", rand(2, 3, 4, 5), at[1, ..., 2:4]),
    item("ellipsis_empty", rand(2, 3), at[0, ..., 1]),
    item("ellipsis_alone", rand(2, 3), at[...]),
    item("newaxis", rand(2, 3), at[:, None]),
    item("newaxis_last", rand(2, 3), at[..., None]),
    item("newaxis_mixed", rand(2, 3, 4), at[None, 1, ..., None, ::2]),
    item("newaxis_scalar", rand(), at[None]),
    item("empty_dimension", rand(0, 3), at[:, 1]),
    item("size_one", rand(1, 1), at[0, ::-1]),
    item("strings", np.array([[b"a", b"b"], [b"c" * 40, b"d"]], object), at[::-1, 1], dtypes=(), grad=False),
    Case("item_numpy_int", lambda t: t[np.int64(1)], [rand(4, 5)], lambda a: a[1]),
    Case("item_dimension", lambda t: t[: tf.Dimension(2)], [rand(4, 5)], lambda a: a[:2]),
    Case("item_tensor", lambda t, i: t[i], [rand(4, 5), np.int32(-2)], lambda a, i: a[i]),
    Case(
        "item_tensor_bounds",
        lambda t, b, e: t[b:e, 1],
        [rand(7, 5), np.int64(2), np.int64(5)],
        lambda a, b, e: a[2:5, 1],
    ),
    Case("item_tensor_mixed", lambda t, i: t[:, i, 1:], [rand(3, 4, 5), np.int32(2)], lambda a, i: a[:, 2, 1:]),
    Case("item_mask", lambda t: t[MASK], [rand(5, 3)], lambda a: a[MASK]),
    Case(
        "strided_slice_default",
        lambda t: tf.strided_slice(t, [1, 0], [3, 2]),
        [rand(4, 5)],
        lambda a: a[1:3, :2],
    ),
    Case(
        "strided_slice_masks",
        lambda t: tf.strided_slice(t, [9, 1, 2], [9, 9, 0], [1, 2, 1], begin_mask=1, end_mask=3, shrink_axis_mask=4),
        [rand(4, 5, 6)],
        lambda a: a[:, 1::2, 2],
    ),
    Case(
        "strided_slice_fed",
        tf.strided_slice,
        [rand(7, 5), np.int32([5, 0]), np.int32([0, 5]), np.int32([-2, 2])],
        lambda a, *_: a[5:0:-2, 0:5:2],
    ),
    Case(
        "strided_slice_int16",
        lambda t, b: tf.raw.StridedSlice(t, b, np.int16([3]), np.int16([1])),
        [rand(4, 5), np.int16([1])],
        lambda a, b: a[1:3],
        grad=False,
    ),
    Case(
        "strided_slice_grad",
        lambda g: tf.raw.StridedSliceGrad([4, 5], [3, 0], [0, 5], [-1, 2], g),
        [rand(3, 3)],
        lambda g: _scattered(g),
        dtypes=MOVED,
        ops=("StridedSliceGrad",),
    ),
    Case("boolean_mask", lambda t, m: tf.boolean_mask(t, MASK), [rand(5, 3), MASK], lambda a, m: a[MASK], dtypes=MOVED),
    Case("boolean_mask_matrix", lambda t: tf.boolean_mask(t, MASK2), [rand(3, 4, 2)], lambda a: a[MASK2]),
    Case("boolean_mask_axis", lambda t: tf.boolean_mask(t, MASK, axis=1), [rand(3, 5, 2)], lambda a: a[:, MASK]),
    Case("boolean_mask_none", lambda t: tf.boolean_mask(t, np.zeros(3, bool)), [rand(3, 2)], lambda a: a[:0]),
]


def _scattered(g):
    out = np.zeros((4, 5), g.dtype)
    out[3:0:-1, ::2] = g
    return out


def _run(index, size=4):
    with tf.Session() as sess:
        i = tf.placeholder(tf.int32, [])
        sess.run(tf.zeros([size, 5])[i], {i: index})


def _run_step(step):
    with tf.Session() as sess:
        s = tf.placeholder(tf.int32, [])
        sess.run(tf.zeros([4, 5])[::s], {s: step})


BAD = [
    Bad("index", lambda: tf.zeros([4])[4], ValueError, "out of bounds"),
    Bad("index_negative", lambda: tf.zeros([4])[-5], ValueError, "out of bounds"),
    Bad("too_many", lambda: tf.zeros([4])[0, 0], ValueError, "too many indices"),
    Bad("step_zero", lambda: tf.zeros([4])[::0], ValueError, "non-zero"),
    Bad("two_ellipses", lambda: tf.zeros([4, 4])[..., ...], ValueError, "one ellipsis"),
    Bad("float_index", lambda: tf.zeros([4])[1.0], TypeError, "Only integers, slices"),
    Bad("string_index", lambda: tf.zeros([4])["a"], TypeError, "Only integers, slices"),
    Bad("float_tensor", lambda: tf.zeros([4])[tf.constant(1.0)], TypeError, "Only integers, slices"),
    Bad("vector_tensor", lambda: tf.zeros([4])[tf.constant([1, 2])], TypeError, "Only integers, slices"),
    Bad("lengths", lambda: tf.strided_slice(tf.zeros([4]), [0], [1, 1], [1]), ValueError, "must agree"),
    Bad("run_index", lambda: _run(4), tf.errors.InvalidArgumentError, "out of bounds"),
    Bad("run_empty", lambda: _run(0, 0), (ValueError, tf.errors.InvalidArgumentError), "out of bounds"),
    Bad("run_step", lambda: _run_step(0), tf.errors.InvalidArgumentError, "non-zero"),
    Bad("mask_scalar", lambda: tf.boolean_mask(tf.zeros([3]), True), ValueError, "mask cannot be scalar"),
    Bad("mask_shape", lambda: tf.boolean_mask(tf.zeros([3]), [True, False]), ValueError, "incompatible"),
    Bad("mask_unknown", lambda: tf.boolean_mask([1.0], tf.placeholder(tf.bool)), ValueError, "mask dimensions"),
]
