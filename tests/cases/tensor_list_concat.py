"""Lists joined along the first axis, and tensors cut into lists."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, rand
from tfmini import raw


def _list(*tensors):
    handle = raw.EmptyTensorList(-1, -1, element_dtype=tensors[0].dtype, shape_type=tf.int32)
    for t in tensors:
        handle = raw.TensorListPushBack(handle, t)
    return handle


def _concat(*tensors, shape=-1, lengths=()):
    handle = _list(*tensors)
    out, sizes = raw.TensorListConcatV2(
        handle, shape, np.array(lengths, np.int64), element_dtype=tensors[0].dtype, shape_type=tf.int32
    )
    return [out * 2.0, sizes]


def _split(x):
    handle = raw.TensorListSplit(x, [-1, 2], np.array([2, 0, 3], np.int64), shape_type=tf.int32)
    handle, last = raw.TensorListPopBack(handle, [3, 2], element_dtype=x.dtype)
    out, sizes = raw.TensorListConcatV2(
        handle, [-1, 2], np.zeros(0, np.int64), element_dtype=x.dtype, shape_type=tf.int32
    )
    return [out, last * 3.0, sizes]


def _never_written(x):
    handle = raw.TensorListReserve([-1, 3], 3, element_dtype=x.dtype, shape_type=tf.int32)
    handle = raw.TensorListSetItem(handle, 1, x)
    return raw.TensorListConcatV2(
        handle, [-1, 3], np.array([1, 2, 2], np.int64), element_dtype=x.dtype, shape_type=tf.int32
    )[0]


def _nothing(x):
    handle = raw.EmptyTensorList([-1, 3], -1, element_dtype=x.dtype, shape_type=tf.int32)
    rows = raw.TensorListConcatV2(handle, [-1, 3], np.zeros(0, np.int64), element_dtype=x.dtype, shape_type=tf.int32)[0]
    return tf.concat([x, rows], 0)


def _array(x):
    return tf.TensorArray(x.dtype, 2, infer_shape=False).write(0, x[:1]).write(1, x * 2.0).concat()


CASES = [
    Case("tensor_array", _array, [rand(3, 2)], lambda x: np.concatenate([x[:1], 2 * x]), ops=("TensorListConcatV2",)),
    Case(
        "uneven",
        _concat,
        [rand(2, 3), rand(0, 3), rand(5, 3)],
        lambda *parts: [2 * np.concatenate(parts), np.array([2, 0, 5])],
        ops=("TensorListConcatV2",),
        second=True,
    ),
    Case("vectors", _concat, [rand(2), rand(1)], lambda *parts: [2 * np.concatenate(parts), np.array([2, 1])]),
    Case(
        "split",
        _split,
        [rand(5, 2)],
        lambda x: [x[:2], 3 * x[2:], np.array([2, 0])],
        ops=("TensorListSplit",),
        second=True,
    ),
    Case(
        "never_written",
        _never_written,
        [rand(2, 3)],
        lambda x: np.concatenate([np.zeros((1, 3)), x, np.zeros((2, 3))]),
        grad=False,
    ),
    Case("nothing", _nothing, [rand(2, 3)], lambda x: x),
]


def _bad_concat(*values):
    return tf.Session().run(_concat(*(tf.constant(np.array(v, np.float32)) for v in values))[0])


def _bad_split(lengths, shape=-1):
    x = tf.ones([5, 2])
    handle = raw.TensorListSplit(x, shape, np.array(lengths, np.int64), shape_type=tf.int32)
    return tf.Session().run(raw.TensorListLength(handle))


BAD = [
    Bad("rows_differ", lambda: _bad_concat([[1, 2]], [[1]]), tf.errors.InvalidArgumentError, "shape"),
    Bad("scalar", lambda: _bad_concat(1.0), tf.errors.InvalidArgumentError, "rank at least 1"),
    Bad("too_few_rows", lambda: _bad_split([2, 2]), tf.errors.InvalidArgumentError, "add up to 4"),
    Bad("negative_length", lambda: _bad_split([6, -1]), tf.errors.InvalidArgumentError, "is negative"),
    Bad("other_shape", lambda: _bad_split([5], [-1, 3]), tf.errors.InvalidArgumentError, "must|compatible|shape"),
]
