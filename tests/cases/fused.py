"""Chains that the fuse pass turns into one kernel. tests/session/test_passes.py compares each with the
same graph run node by node."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, bools, distinct, ints, rand
from tfmini import raw


def _gelu(x):
    return 0.5 * x * (1.0 + tf.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def _gelu_ref(x):
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def _mixed(x, row, column, scalar):
    y = tf.tanh(x * scalar + row)
    z = tf.sigmoid(y - column)
    return [y * z, tf.add_n([x, y, z])]


def _mixed_ref(x, row, column, scalar):
    y = np.tanh(x * scalar + row)
    z = 1 / (1 + np.exp(-(y - column)))
    return [y * z, x + y + z]


def _long(x):
    y = x
    for _ in range(300):
        y = tf.maximum(y * 0.99, x * 0.5)
    return y


def _long_ref(x):
    y = x
    for _ in range(300):
        y = np.maximum(y * 0.99, x * 0.5)
    return y


def _huber(x, y):
    error = tf.abs(x - y)
    return tf.where(error < 1.0, 0.5 * tf.square(error), error - 0.5)


def _huber_ref(x, y):
    error = np.abs(x - y)
    return np.where(error < 1, 0.5 * error**2, error - 0.5)


def _masks(x, flag, row):
    """Booleans and integers among the registers and the results."""
    inside = tf.logical_and(x > -0.5, tf.logical_not(flag))
    count = tf.cast(inside, tf.int32) * 3 + row
    return [tf.where_v2(inside, x, -1.0) * tf.cast(count, x.dtype), inside, count]


def _masks_ref(x, flag, row):
    inside = (x > -0.5) & ~flag
    count = inside * np.int32(3) + row
    return [np.where(inside, x, -1.0) * count, inside, count]


def _limited(x):
    return tf.nn.leaky_relu(raw.ClipByValue(x * 2, -1.0, 1.5), alpha=0.25) + tf.nn.leaky_relu(x, alpha=0.5)


def _limited_ref(x):
    y = np.clip(2 * x, -1, 1.5)
    return np.where(y > 0, y, 0.25 * y) + np.where(x > 0, x, 0.5 * x)


def _many_results(x):
    values = [x]
    for i in range(40):
        values.append(values[-1] * 0.5 + float(i))
    return values[1:]


def _many_results_ref(x):
    values = [x]
    for i in range(40):
        values.append(values[-1] * 0.5 + i)
    return values[1:]


TOL = {"float32": 2e-5}
CASES = [
    Case(f"gelu_{'x'.join(map(str, s)) or 'scalar'}", _gelu, [rand(*s)], _gelu_ref, ops=("_FusedElementwise",), tol=TOL)
    for s in [(), (1,), (17,), (3, 33), (129, 65), (0, 4)]
] + [
    Case(
        f"mixed_{m}x{n}",
        _mixed,
        [rand(m, n), rand(n), rand(m, 1), rand()],
        _mixed_ref,
        ops=("_FusedElementwise",),
        tol=TOL,
    )
    for m, n in [(1, 1), (5, 7), (3, 128), (31, 257), (2, 5000)]
] + [
    Case("long_chain", _long, [rand(19)], _long_ref, ops=("_FusedElementwise",), grad=False, tol={"float32": 1e-4}),
    Case("integers", lambda x: (x + 3) * x - tf.maximum(x, 2), [np.arange(-5, 50, dtype=np.int32)],
         lambda x: (x + 3) * x - np.maximum(x, 2), ops=("_FusedElementwise",), dtypes=("float32",), grad=False),
]  # fmt: skip

SHAPES = [(), (1,), (5, 7), (3, 128), (2, 5000)]
CASES += [
    Case(f"huber_{'x'.join(map(str, s))}", _huber, [distinct(*s), distinct(*s) * 3 + 0.017], _huber_ref,
         ops=("_FusedElementwise",)) for s in SHAPES
] + [
    Case(f"masks_{'x'.join(map(str, s))}", _masks, [distinct(*s) + 0.02, bools(*s[-1:]), ints(*s)], _masks_ref,
         ops=("_FusedElementwise",)) for s in SHAPES
] + [
    Case(f"limited_{'x'.join(map(str, s))}", _limited, [distinct(*s) + 0.003], _limited_ref, ops=("_FusedElementwise",))
    for s in SHAPES
] + [
    Case("many_results", _many_results, [rand(700)], _many_results_ref, ops=("_FusedElementwise",)),
]  # fmt: skip


# --- with reductions ------------------------------------------------------------------------------


def _layer_norm(x, gamma, beta):
    mean = tf.reduce_mean(x, [-1], keepdims=True)
    variance = tf.reduce_mean(tf.square(x - mean), [-1], keepdims=True)
    return [(x - mean) * tf.rsqrt(variance + 0.1) * gamma + beta, mean, variance]


def _layer_norm_ref(x, gamma, beta):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return [(x - mean) / np.sqrt(variance + 0.1) * gamma + beta, mean, variance]


def _softmax(x):
    e = tf.exp(x - tf.reduce_max(x, -1, keepdims=True))
    return e / tf.reduce_sum(e, -1, keepdims=True)


def _softmax_ref(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _batch_norm(x, gamma, beta):
    mean, variance = tf.nn.moments(x * 1.5, [0])
    return [tf.nn.batch_normalization(x, mean, variance, beta, gamma, 0.1), mean, variance]


def _batch_norm_ref(x, gamma, beta):
    mean, variance = 1.5 * x.mean(0), 1.5**2 * x.var(0)
    return [(x - mean) / np.sqrt(variance + 0.1) * gamma + beta, mean, variance]


def _every_way(x, y):
    """All reductions of one product, and what goes on from the rows' sums without their axis."""
    z = x * y
    rows = tf.reduce_sum(z, -1)
    return [
        *(f(z, 0) for f in (tf.reduce_sum, tf.reduce_mean, tf.reduce_max, tf.reduce_min)),
        *(f(z, -1) for f in (tf.reduce_mean, tf.reduce_max, tf.reduce_min)),
        *(f(z) for f in (tf.reduce_sum, tf.reduce_mean, tf.reduce_max, tf.reduce_min)),
        tf.sqrt(rows * rows + 1.0) * 2.0,
        z - tf.reduce_max(z, -1, keepdims=True),
    ]


def _every_way_ref(x, y):
    z = x * y
    return [
        *(f(z, 0) for f in (np.sum, np.mean, np.max, np.min)),
        *(f(z, -1) for f in (np.mean, np.max, np.min)),
        *(f(z) for f in (np.sum, np.mean, np.max, np.min)),
        np.sqrt(z.sum(-1) ** 2 + 1) * 2,
        z - z.max(-1, keepdims=True),
    ]


def _products(x):
    z = 1 + 0.01 * x
    return [tf.reduce_prod(z, 0), tf.reduce_prod(z, -1, keepdims=True) * z, tf.reduce_prod(z)]


def _products_ref(x):
    z = 1 + 0.01 * x
    return [z.prod(0), z.prod(-1, keepdims=True) * z, z.prod()]


def _spread_scalars(x):
    """Reductions of what is one value for a whole row, or for all."""
    row = tf.reduce_sum(x * 2.0, -1, keepdims=True)
    return [tf.reduce_sum(tf.broadcast_to(row + 1.0, tf.shape(x)), 0), tf.broadcast_to(row, tf.shape(x))]


def _spread_scalars_ref(x):
    row = 2 * x.sum(-1, keepdims=True)
    return [np.broadcast_to(row + 1, x.shape).sum(0), np.broadcast_to(row, x.shape)]


def _batch_norm_nchw(x, gamma, beta):
    mean, variance = tf.nn.moments(x, [0, 2, 3], keep_dims=True)
    scale = tf.rsqrt(variance + 1e-2) * tf.reshape(gamma, [1, -1, 1, 1])
    return (x - mean) * scale + tf.reshape(beta, [1, -1, 1, 1])


def _batch_norm_nchw_ref(x, gamma, beta):
    normal = (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(x.var((0, 2, 3), keepdims=True) + 1e-2)
    return normal * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)


FUSED = ("_FusedElementwise",)
REDUCING = [
    Case(f"layer_norm_{'x'.join(map(str, s))}", _layer_norm, [rand(*s), rand(s[-1]), rand(s[-1])], _layer_norm_ref,
         ops=FUSED, tol=TOL, second=s == (3, 4, 7)) for s in [(2, 2), (5, 5), (33, 7), (3, 4, 7), (2, 600), (70, 129)]
] + [
    Case(f"softmax_{'x'.join(map(str, s))}", _softmax, [rand(*s)], _softmax_ref, ops=FUSED, tol=TOL)
    for s in [(2, 3), (7, 7), (3, 513), (2, 2, 65), (1, 5)]
] + [
    Case(f"softmax_{n}", _softmax, [rand(3, n)], _softmax_ref, ops=FUSED, grad=False, tol=TOL) for n in (8192, 65536, 65537)
] + [
    Case(f"batch_norm_{'x'.join(map(str, s))}", _batch_norm, [rand(*s), rand(s[-1]), rand(s[-1])], _batch_norm_ref,
         ops=FUSED, tol=1e-4) for s in [(4, 1), (5, 5), (67, 3), (3, 700)]
] + [
    Case(f"every_way_{m}x{n}", _every_way, [distinct(m, n), rand(1, n) + 3], _every_way_ref, ops=FUSED, tol=1e-4,
         grad=(1,)) for m, n in [(2, 2), (9, 9), (100, 3), (3, 100), (41, 65), (2, 1500)]
] + [
    Case("every_way_wide", _every_way, [distinct(2, 9001), rand(9001) + 3], _every_way_ref, ops=FUSED, tol=1e-4,
         grad=False),
    Case("products", _products, [rand(13, 11)], _products_ref, ops=FUSED, tol=TOL),
    Case("spread_scalars", _spread_scalars, [rand(6, 10)], _spread_scalars_ref, ops=FUSED, tol=TOL),
    Case("spread_scalars_wide", _spread_scalars, [rand(5, 700)], _spread_scalars_ref, ops=FUSED, tol=TOL),
    Case("moments_of_images", lambda x: list(tf.nn.moments(tf.tanh(x), [0, 1, 2])), [rand(2, 3, 3, 17)],
         lambda x: [np.tanh(x).mean((0, 1, 2)), np.tanh(x).var((0, 1, 2))], ops=FUSED, tol=1e-5),
    *[Case(f"batch_norm_nchw_{'x'.join(map(str, s))}", _batch_norm_nchw, [rand(*s), rand(s[1]), rand(s[1])],
           _batch_norm_nchw_ref, ops=FUSED, tol=1e-4) for s in [(2, 3, 4, 5), (3, 1, 2, 2), (2, 7, 1, 33), (5, 2, 9, 70)]],
    Case("both_sides", lambda x: [tf.reduce_max(tf.tanh(x), [0, 2]), tf.reduce_sum(x * x, [-1, 0], keepdims=True)],
         [distinct(3, 5, 7)], lambda x: [np.tanh(x).max((0, 2)), (x * x).sum((0, 2), keepdims=True)], ops=FUSED,
         tol=1e-4, grad=False),
    Case("l2_normalize_rows", lambda x: tf.nn.l2_normalize(x, [1, 2]), [rand(6, 5, 4)],
         lambda x: x / np.sqrt((x * x).sum((1, 2), keepdims=True)), ops=FUSED),
    Case("mean_squared_error", lambda x, y: tf.reduce_mean(tf.square(x - y)), [rand(300, 17), rand(17)],
         lambda x, y: ((x - y) ** 2).mean(), ops=FUSED, tol=TOL),
    Case("sum_all_large", lambda x: tf.reduce_sum(x * x + 1.0), [rand(400, 1000)], lambda x: (x * x + 1).sum(),
         ops=FUSED, grad=False, tol=1e-5),
    Case("column_sums_large", lambda x: tf.reduce_sum(tf.nn.relu(x), 0), [rand(3000, 40)],
         lambda x: np.maximum(x, 0).sum(0), ops=FUSED, grad=False, tol=1e-5),
    Case("nan_row", lambda x: tf.reduce_max(x * 1.0, 1, keepdims=True) + x, [np.array([[1.0, np.nan], [2.0, 3.0]])],
         lambda x: np.array([[np.nan, np.nan], [5.0, 6.0]]), ops=FUSED, grad=False),
]  # fmt: skip
CASES += REDUCING

BAD: list[Bad] = []
