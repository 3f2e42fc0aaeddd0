"""Lists of tensors, directly; loops over them are in control_flow.py."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, rand
from tfmini import raw


def _push_pop(x, y):
    handle = raw.EmptyTensorList(-1, -1, element_dtype=x.dtype, shape_type=tf.int32)
    handle = raw.TensorListPushBack(raw.TensorListPushBack(handle, x), y)
    handle, b = raw.TensorListPopBack(handle, -1, element_dtype=x.dtype)
    _, a = raw.TensorListPopBack(handle, -1, element_dtype=x.dtype)
    return [a * 2.0, b * 3.0]


def _set(x, y):
    array = tf.TensorArray(x.dtype, size=3, element_shape=[4]).write(2, x).write(0, y).write(2, x * y)
    return [array.stack(), raw.TensorListLength(array.flow)]


def _two_uses(x):
    array = tf.TensorArray(x.dtype, size=4).unstack(x)
    return array.read(1) * array.read(1) + array.read(3) + tf.reduce_sum(array.stack() * 2.0, 0)


def _grown(x):
    array = tf.TensorArray(x.dtype, size=0, dynamic_size=True, element_shape=[2])
    return array.write(0, x).write(1, x * 2.0).stack()


def _cleared(x):
    handle = raw.TensorListFromTensor(x, -1, shape_type=tf.int32)
    zeros = raw._TensorListZerosLike(handle)
    total = raw._TensorListAdd(raw._TensorListClearItem(handle, 1), zeros)
    return raw.TensorListStack(total, [3], element_dtype=x.dtype)


CASES = [
    Case(
        "push_pop",
        _push_pop,
        [rand(3), rand(2, 2)],
        lambda x, y: [x * 2, y * 3],
        ops=("EmptyTensorList", "TensorListPushBack", "TensorListPopBack"),
    ),
    Case(
        "set_item",
        _set,
        [rand(4), rand(4)],
        lambda x, y: [np.stack([y, np.zeros(4), x * y]), np.array(3)],
        ops=("TensorListReserve", "TensorListSetItem", "TensorListStack", "TensorListLength"),
        grad=False,
    ),
    Case(
        "two_uses",
        _two_uses,
        [rand(4, 3)],
        lambda x: x[1] * x[1] + x[3] + 2 * x.sum(0),
        ops=("TensorListFromTensor", "TensorListGetItem"),
    ),
    Case(
        "split_unevenly",
        lambda x: tf.TensorArray(x.dtype, 2).split(x, [1, 2]).read(1),
        [rand(3, 2)],
        lambda x: x[1:],
        ops=("TensorListSetItem",),
        grad=False,
    ),
    Case("grow", _grown, [rand(2)], lambda x: np.stack([x, x * 2]), ops=("_TensorListGrow",)),
    Case(
        "clear",
        _cleared,
        [rand(3, 3)],
        lambda x: x * np.array([[1], [0], [1]]),
        ops=("_TensorListZerosLike", "_TensorListClearItem", "_TensorListAdd"),
    ),
]


def _pop_empty():
    handle = raw.EmptyTensorList(-1, -1, element_dtype=tf.float32, shape_type=tf.int32)
    return tf.Session().run(raw.TensorListPopBack(handle, -1, element_dtype=tf.float32)[1])


def _wrong_dtype():
    handle = raw.TensorListReserve(-1, 1, element_dtype=tf.float32, shape_type=tf.int32)
    return tf.Session().run(raw.TensorListLength(raw.TensorListSetItem(handle, 0, tf.constant(1))))


BAD = [
    Bad("pop_empty", _pop_empty, tf.errors.InvalidArgumentError, "empty list"),
    Bad("wrong_dtype", _wrong_dtype, tf.errors.InvalidArgumentError, "list holds float32, not int32"),
    Bad(
        "unknown_element",
        lambda: tf.Session().run(tf.TensorArray(tf.float32, size=2).read(0)),
        tf.errors.InvalidArgumentError,
        "never written",
    ),
]
