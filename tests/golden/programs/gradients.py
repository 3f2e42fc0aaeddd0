"""tf.gradients: its options, sparse gradients, what is None, second order."""

from tests.golden.registry import evaluate, golden, numbers

TOL = 1e-6


def kind(tf, g):
    return "None" if g is None else "IndexedSlices" if isinstance(g, tf.IndexedSlices) else "Tensor"


@golden(TOL)
def options(tf):
    x, w = tf.constant([1.0, 2.0, 3.0]), tf.constant(2.0)
    h = x * w
    y, z = tf.sin(h), h * h
    out = {
        "two_ys": tf.gradients([y, z], x)[0],
        "grad_ys": tf.gradients([y, z], x, grad_ys=[tf.constant([1.0, 0, 0]), tf.constant([0, 1.0, 0])])[0],
        "grad_ys_none": tf.gradients([y, z], x, grad_ys=[None, tf.constant([0, 1.0, 0])])[0],
        "stop": tf.gradients(z + w, [w], stop_gradients=[h])[0],
        "stop_x": tf.gradients(x * h, [x], stop_gradients=[h])[0],
        "intermediate": tf.gradients(z, h)[0],
        "self": tf.gradients(x, x)[0],
        "stop_gradient": tf.gradients(tf.stop_gradient(x) * x, x)[0],
        "zero": tf.gradients(tf.constant(1.0) * 2.0, x, unconnected_gradients="zero")[0],
        "accumulate": tf.gradients(z + y, x, aggregation_method=tf.AggregationMethod.EXPERIMENTAL_ACCUMULATE_N)[0],
        "broadcast": tf.gradients(tf.ones([4, 3]) * x, x)[0],
        "broadcast_scalar": tf.gradients(tf.ones([4, 3]) * w, w)[0],
    }
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden()
def kinds(tf):
    """What comes back: tensors, IndexedSlices or None."""
    x, table = tf.constant([1.0, 2.0]), tf.constant(numbers(4, 2))
    n = tf.constant([0, 2])
    lookup = tf.gather(table, n)
    found = [
        tf.gradients(x * 2.0, x)[0],
        tf.gradients(x * 2.0, tf.constant(1.0))[0],
        tf.gradients(lookup, table)[0],
        tf.gradients(lookup, n)[0],
        tf.gradients(lookup + tf.gather(table, [1, 1]), table)[0],
        tf.gradients(tf.reduce_sum(lookup) + tf.reduce_sum(table), table)[0],
        tf.gradients(tf.argmax(x), x)[0],
        tf.gradients(tf.to_float(tf.to_int32(x)), x)[0],
        tf.gradients(tf.stop_gradient(x), x)[0],
        tf.gradients(tf.floor(x), x)[0],
        tf.gradients(tf.shape(x), x)[0],
        tf.gradients(tf.zeros_like(x), x)[0],
    ]
    return {"kinds": [kind(tf, g) for g in found]}


@golden(TOL)
def indexed_slices(tf):
    table = tf.constant(numbers(5, 2))
    a, b = tf.gather(table, [3, 1, 3]), tf.nn.embedding_lookup(table, [[0, 3], [4, 4]])
    one = tf.gradients(a * a, table)[0]
    both = tf.gradients([a * a, b * 2.0], table)[0]
    mixed = tf.gradients([a * a, table * 3.0], table)[0]
    out = {
        "values": one.values,
        "indices": one.indices,
        "shape": one.dense_shape,
        "dense": tf.convert_to_tensor(one),
        "both": tf.convert_to_tensor(both),
        "mixed": tf.convert_to_tensor(mixed),
        "later_axis": tf.gradients(tf.gather(table, [1, 1], axis=1), table)[0],
        "through": tf.convert_to_tensor(tf.gradients(tf.gather(table * 2.0, [1]), table)[0]),
    }
    return dict(zip(out, evaluate(tf, list(out.values())))) | {"static": str(one.shape)}


@golden(1e-5)
def second_order(tf):
    x, w = tf.constant([0.3, -0.8, 1.2]), tf.constant(numbers(3, 3))
    functions = {
        "tanh": tf.tanh(x), "sigmoid": tf.sigmoid(x), "exp": tf.exp(x), "softplus": tf.nn.softplus(x),
        "softmax": tf.nn.softmax(x) * [1.0, 2.0, 3.0], "product": x * tf.sin(x), "division": x / (2.0 + x * x),
        "power": tf.pow(tf.abs(x), 2.5), "matmul": tf.matmul(tf.reshape(x, [1, 3]) ** 2, w),
        "norm": tf.sqrt(tf.reduce_sum(x * x)), "elu": tf.nn.elu(x), "log_softmax": tf.nn.log_softmax(x) * x,
    }  # fmt: skip
    out = {}
    for key, y in functions.items():
        first = tf.gradients(y, x)[0]
        out[key] = tf.gradients(first * [1.0, -2.0, 0.5], x)[0]
    third = x**4
    for _ in range(3):
        third = tf.gradients(third, x)[0]
    out["third"] = third
    out["hessian"] = tf.hessians(tf.reduce_prod(x), x)[0]
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden(TOL)
def kinks_and_ties(tf):
    """Conventions at points where the derivative does not exist."""
    x = tf.constant([-1.0, 0.0, 1.0, 6.0])
    z = tf.zeros([4])
    tied = tf.constant([[2.0, 5.0, 5.0], [1.0, 1.0, 1.0]])
    out = {
        "relu": tf.gradients(tf.nn.relu(x), x)[0],
        "relu6": tf.gradients(tf.nn.relu6(x), x)[0],
        "leaky": tf.gradients(tf.nn.leaky_relu(x, 0.2), x)[0],
        "abs": tf.gradients(tf.abs(x), x)[0],
        "sign": tf.gradients(tf.sign(x) * x, x)[0],
        "maximum_x": tf.gradients(tf.maximum(x, z), x)[0],
        "maximum_z": tf.gradients(tf.maximum(x, z), z)[0],
        "minimum_x": tf.gradients(tf.minimum(x, z), x)[0],
        "clip": tf.gradients(tf.clip_by_value(x, 0.0, 6.0), x)[0],
        "reduce_max": tf.gradients(tf.reduce_max(tied, 1), tied)[0],
        "reduce_min": tf.gradients(tf.reduce_min(tied, 1), tied)[0],
        "top_k": tf.gradients(tf.nn.top_k(tied, 2)[0], tied)[0],
        "prod_zero": tf.gradients(tf.reduce_prod(x), x)[0],
        "prod_zeros": tf.gradients(tf.reduce_prod(x * [1.0, 0, 0, 1]), x)[0],
        "pow_zero": tf.gradients(tf.pow(tf.constant([0.0, 2.0]), 2.0), x, unconnected_gradients="zero")[0],
        "where": tf.gradients(tf.where(x > 0.0, tf.sqrt(tf.abs(x) + 1e-3), z), x)[0],
    }
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden(TOL)
def clipping(tf):
    x, y = tf.constant([3.0, -4.0]), tf.constant([[12.0]])
    (cx, cy), norm = tf.clip_by_global_norm([x, y], 6.5)
    out = {
        "by_norm": tf.clip_by_norm(x, 2.5),
        "by_norm_axes": tf.clip_by_norm(tf.constant([[3.0, 4.0], [0.3, 0.4]]), 1.0, axes=[1]),
        "by_norm_small": tf.clip_by_norm(x, 100.0),
        "by_norm_zero": tf.clip_by_norm(tf.zeros([2]), 1.0),
        "gradient": tf.gradients(tf.clip_by_norm(x, 2.5), x)[0],
        "global_x": cx,
        "global_y": cy,
        "norm": norm,
        "average": tf.clip_by_average_norm(x, 1.0),
        "global_norm": tf.global_norm([x, None, y]),
    }
    return dict(zip(out, evaluate(tf, list(out.values()))))
