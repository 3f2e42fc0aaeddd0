"""Indexing and rearranging where the rules, not the arithmetic, are the difficulty."""

import numpy as np

from tests.golden.registry import evaluate, golden, numbers


@golden()
def getitem(tf):
    x = tf.constant(numbers(4, 5, 6))
    i = tf.constant(2)
    picks = {
        "index": x[1],
        "negative": x[-1],
        "two": x[1, 2],
        "all": x[1, 2, 3],
        "slice": x[1:3],
        "step": x[::2, ::3],
        "reversed": x[::-1],
        "reversed_part": x[3:0:-2],
        "to_end": x[:, :, 2:],
        "negative_ends": x[-3:-1, :-2],
        "ellipsis": x[..., 1],
        "ellipsis_middle": x[1, ..., 2:4],
        "newaxis": x[:, tf.newaxis, 2],
        "newaxis_ellipsis": x[tf.newaxis, ..., 3, tf.newaxis],
        "beyond": x[2:100, -100:2],
        "empty": x[3:1],
        "tensor_index": x[i],
        "tensor_bounds": x[1:i, i:],
        "everything": x[...],
    }
    return dict(zip(picks, evaluate(tf, list(picks.values()))))


@golden()
def strided_slice_masks(tf):
    x = tf.constant(numbers(4, 5, 6))
    args = ([1, 2, 1], [3, 4, 5], [1, 2, 1])
    out = {}
    for mask in range(8):
        out[f"begin{mask}"] = tf.strided_slice(x, *args, begin_mask=mask)
        out[f"end{mask}"] = tf.strided_slice(x, *args, end_mask=mask)
        out[f"shrink{mask}"] = tf.strided_slice(x, *args, shrink_axis_mask=mask)
        out[f"both{mask}"] = tf.strided_slice(x, [3, 4, 5], [0, 1, 0], [-1, -2, -3], begin_mask=mask, end_mask=mask)
    for mask in (1, 2, 4):
        out[f"newaxis{mask}"] = tf.strided_slice(x, *args, new_axis_mask=mask)
        out[f"ellipsis{mask}"] = tf.strided_slice(x, *args, ellipsis_mask=mask)
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden()
def strided_slice_gradient(tf):
    x = tf.constant(numbers(4, 5, 6))
    ys = [x[1], x[::-2, 1:4:2], x[..., -1, tf.newaxis], x[1:3, 2]]
    out = {}
    for i, y in enumerate(ys):
        weights = numbers(*y.shape.as_list(), step=0.41)
        out[f"d{i}"] = tf.gradients(y, x, grad_ys=tf.constant(weights))[0]
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden()
def slice_split_concat(tf):
    x = tf.constant(numbers(6, 7))
    out = {
        "slice": tf.slice(x, [1, 2], [3, -1]),
        "concat": tf.concat([x, x[:, :2]], axis=-1),
        "stack0": tf.stack([x[0], x[1]]),
        "stack_last": tf.stack([x[0], x[1]], axis=-1),
    }
    for i, part in enumerate(tf.split(x, 3, axis=0) + tf.split(x, [2, -1, 1], axis=1)):
        out[f"split{i}"] = part
    for i, part in enumerate(tf.unstack(x, axis=1)[:2]):
        out[f"unstack{i}"] = part
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden()
def pad_modes(tf):
    x = tf.constant(numbers(3, 4))
    paddings = [[1, 2], [3, 0]]
    out = {}
    for mode, p in (("CONSTANT", paddings), ("REFLECT", [[1, 2], [3, 0]]), ("SYMMETRIC", [[3, 2], [1, 4]])):
        y = tf.pad(x, p, mode=mode)
        out[mode] = y
        out[mode + "_gradient"] = tf.gradients(y, x, grad_ys=tf.constant(numbers(*y.shape.as_list(), step=0.5)))[0]
    out["value"] = tf.pad(x, paddings, constant_values=7)
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden()
def gathers(tf):
    x = tf.constant(numbers(4, 3, 5))
    out = {
        "rows": tf.gather(x, [[3, 0], [1, 1]]),
        "axis1": tf.gather(x, [2, 0], axis=1),
        "axis_last": tf.gather(x, [[4, 0], [2, 2]], axis=-1),
        "scalar": tf.gather(x, 2),
        "nd": tf.gather_nd(x, [[0, 1], [3, 2]]),
        "nd_full": tf.gather_nd(x, [[[0, 1, 4]], [[3, 2, 0]]]),
        "boolean": tf.boolean_mask(x, [True, False, True, True]),
        "boolean_axis": tf.boolean_mask(x, [True, False, True], axis=1),
        "where": tf.where(x > 0.9),
        "dynamic": tf.where(x > 0.5, x, -x),
        "row_where": tf.where([True, False, True, False], x, tf.zeros_like(x)),
    }
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden()
def one_hots(tf):
    indices = tf.constant([[0, 2], [-1, 5]])
    out = {
        "plain": tf.one_hot(indices, 4),
        "axis0": tf.one_hot(indices, 4, axis=0),
        "axis1": tf.one_hot(indices, 4, on_value=5.0, off_value=-1.0, axis=1),
        "ints": tf.one_hot(indices, 3, on_value=2, off_value=1, dtype=tf.int32),
        "bools": tf.one_hot([1], 2, on_value=True, off_value=False, dtype=tf.bool),
    }
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden()
def ranges_and_sorts(tf):
    x = tf.constant([[3.0, 1, 3, 2], [0, 0, -1, 5]])
    values, indices = tf.nn.top_k(x, k=3)
    out = {
        "range": tf.range(2, 11, 3),
        "range_float": tf.range(1.0, 0.0, -0.3),
        "range_limit": tf.range(4),
        "top_values": values,
        "top_indices": indices,
        "in_top_k": tf.nn.in_top_k(x, [2, 1], 1),
        "argmax": tf.argmax(x, 1),
        "argmin0": tf.argmin(x, 0),
        "argmax32": tf.argmax(x, axis=-1, output_type=tf.int32),
        "sequence_mask": tf.sequence_mask([0, 2, 3], 4),
    }
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden()
def integer_arithmetic(tf):
    """Division and remainder of negative numbers, by each of the names."""
    a = tf.constant([7, -7, 7, -7, 6], tf.int32)
    b = tf.constant([3, 3, -3, -3, -3], tf.int32)
    out = {
        "operator_floordiv": a // b,
        "operator_mod": a % b,
        "floordiv": tf.floordiv(a, b),
        "floormod": tf.floormod(a, b),
        "truncatediv": tf.truncatediv(a, b),
        "truncatemod": tf.truncatemod(a, b),
        "truediv": a / b,
        "truediv_int16": tf.cast(a, tf.int16) / tf.cast(b, tf.int16),
        "div": tf.div(a, b),
        "float_floordiv": tf.cast(a, tf.float32) // tf.cast(b, tf.float32),
        "float_mod": tf.cast(a, tf.float32) % tf.cast(b, tf.float32),
        "pow": tf.pow(a, 3),
        "abs": abs(a),
        "neg": -a,
        "wrap": tf.constant(np.int8([100, -100])) * tf.constant(np.int8([2, 2])),
        "overflow": tf.constant([2**31 - 1]) + tf.constant([1]),
        "round": tf.round(tf.constant([0.5, 1.5, 2.5, -0.5, -1.5, 2.4])),
        "to_int": tf.cast(tf.constant([1.9, -1.9, 0.5]), tf.int32),
        "to_bool": tf.cast(tf.constant([0.0, 0.1, -2.0]), tf.bool),
    }
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden(1e-6)
def float_edges(tf):
    """NaN, infinities and signed zeros, where TensorFlow and C disagree or could."""
    nan, inf = np.nan, np.inf
    a = tf.constant([nan, 1.0, -0.0, inf, -inf, 0.0])
    b = tf.constant([1.0, nan, 0.0, inf, 1.0, 0.0])
    out = {
        "maximum": tf.maximum(a, b),
        "minimum": tf.minimum(a, b),
        "div": a / b,
        "relu": tf.nn.relu(a),
        "relu6": tf.nn.relu6(a),
        "sign": tf.sign(a),
        "less": a < b,
        "not_equal": tf.not_equal(a, b),
        "div_no_nan": tf.div_no_nan(a, b),
        "softplus": tf.nn.softplus(tf.constant([-1000.0, -10, 0, 10, 1000])),
        "sigmoid": tf.sigmoid(tf.constant([-1000.0, -10, 0, 10, 1000])),
        "logsumexp": tf.reduce_logsumexp(tf.constant([[-inf, -inf], [1000.0, 1000], [inf, 1]]), 1),
        "softmax": tf.nn.softmax(tf.constant([[1000.0, 0, -1000], [-inf, 0, 0]])),
        "log_softmax": tf.nn.log_softmax(tf.constant([[1000.0, 0, -1000], [-inf, 0, 0]])),
        "reduce_max": tf.reduce_max(tf.constant([[1.0, -inf], [-inf, -inf]]), 1),
        "mean_empty": tf.reduce_mean(tf.zeros([0, 3]), 0),
        "max_empty": tf.reduce_max(tf.zeros([0, 3]), 0),
        "prod_empty": tf.reduce_prod(tf.zeros([0])),
        "all_empty": tf.reduce_all(tf.zeros([0], tf.bool)),
    }
    return dict(zip(out, evaluate(tf, list(out.values()))))
