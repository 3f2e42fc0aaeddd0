"""cond, case and while_loop with their gradients; map_fn, scan and folds; TensorArray."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, rand, randn


def _power_loop(x, n):
    return tf.while_loop(lambda i, a: i < n, lambda i, a: [i + 1, a * x], [0, tf.ones_like(x)])[1]


def _rnn(x, w, h0):
    """A plain recurrent net over the rows of x, written with TensorArrays."""
    n = tf.shape(x)[0]
    xs = tf.TensorArray(x.dtype, size=n).unstack(x)
    ys = tf.TensorArray(x.dtype, size=n, element_shape=h0.shape)

    def step(i, h, out):
        h = tf.tanh(tf.matmul(h, w) + xs.read(i))
        return i + 1, h, out.write(i, h)

    _, h, out = tf.while_loop(lambda i, *_: i < n, step, [0, h0, ys])
    return [out.stack(), h]


def _rnn_ref(x, w, h):
    out = []
    for row in x:
        h = np.tanh(h @ w + row)
        out.append(h)
    return [np.stack(out), h]


def _nested(x):
    def outer(i, a):
        inner = tf.while_loop(lambda j, b: j < i, lambda j, b: [j + 1, b * x], [0, a])[1]
        return [i + 1, inner + x]

    return tf.while_loop(lambda i, a: i < 4, outer, [0, tf.ones_like(x)])[1]


def _nested_ref(x):
    a = np.ones_like(x)
    for i in range(4):
        for _ in range(i):
            a = a * x
        a = a + x
    return a


def _cond_in_loop(x):
    def body(i, a):
        return [i + 1, tf.cond(tf.equal(i % 2, 0), lambda: a * x, lambda: a + tf.sin(x))]

    return tf.while_loop(lambda i, a: i < 5, body, [0, x])[1]


def _cond_in_loop_ref(x):
    a = x
    for i in range(5):
        a = a * x if i % 2 == 0 else a + np.sin(x)
    return a


def _growing(x):
    x = tf.reshape(x, [-1, 3])
    shape = tf.TensorShape([None, 3])
    return tf.while_loop(
        lambda i, a: i < 3, lambda i, a: [i + 1, tf.concat([a, x * 2.0], 0)], [0, x], [tf.TensorShape([]), shape]
    )[1]


def _handing_round(x):
    """Small and large variables that take each other's places, one kept on a list, one that never changes."""
    small, fixed = x[0, :2], x * 2.0

    def body(i, a, b, c, d, kept, fixed):
        return i + 1, b, a + b, d, c + fixed, kept.write(i, a), fixed

    kept = tf.TensorArray(x.dtype, size=5, element_shape=[2])
    out = tf.while_loop(lambda i, *_: i < 5, body, [0, small, small + 1.0, x, x + 1.0, kept, fixed])
    return [out[1], out[2], out[3], out[4], out[5].stack(), out[6]]


def _handing_round_ref(x):
    a, b, c, d, kept = x[0, :2], x[0, :2] + 1, x, x + 1, []
    for _ in range(5):
        kept.append(a)
        a, b, c, d = b, a + b, d, c + 2 * x
    return [a, b, c, d, np.stack(kept), 2 * x]


def _flag(x):
    """The condition is a variable itself, and so are values of other types and sizes."""

    def body(go, n, a, empty):
        return n < 3, n + 1, tf.concat([a[1:], a[:1]], 0), empty

    start = [tf.constant(True), tf.constant(0, tf.int64), x, tf.zeros([0], x.dtype)]
    return tf.while_loop(lambda go, *_: go, body, start)[1:]


CASES = [
    Case(
        "cond_true",
        lambda p, x: tf.cond(p, lambda: x * x * 3.0, lambda: -tf.exp(x)),
        [np.array(True), rand(3, 5)],
        lambda p, x: x * x * 3,
        ops=("If",),
        second=True,
    ),
    Case(
        "cond_false",
        lambda p, x: tf.cond(p, lambda: x * x * 3.0, lambda: -tf.exp(x) * x),
        [np.array(False), rand(17)],
        lambda p, x: -np.exp(x) * x,
        ops=("If",),
    ),
    Case(
        "cond_structure",
        lambda p, x, y: (
            list(tf.cond(p, lambda: (x + y, {"a": x}), lambda: (x - y, {"a": y}))[:1])
            + [tf.cond(p, lambda: (x, {"a": x}), lambda: (x, {"a": y}))[1]["a"]]
        ),
        [np.array(False), rand(4), rand(4)],
        lambda p, x, y: [x - y, y],
        ops=("If",),
    ),
    Case(
        "cond_nested",
        lambda p, q, x: tf.cond(p, lambda: tf.cond(q, lambda: x * 2.0, lambda: x * x), lambda: x),
        [np.array(True), np.array(False), rand(5)],
        lambda p, q, x: x * x,
        ops=("If",),
    ),
    Case(
        "case",
        lambda x: tf.case([(tf.constant(False), lambda: x), (tf.constant(True), lambda: x * x)], default=lambda: -x),
        [rand(3)],
        lambda x: x * x,
        ops=("If",),
    ),
    Case("while_power", lambda x: _power_loop(x, 5), [rand(3, 4)], lambda x: x**5, ops=("While",)),
    Case("while_none", lambda x: _power_loop(x, 0), [rand(3)], np.ones_like, ops=("While",), grad=False),
    Case("while_nested", _nested, [rand(7)], _nested_ref, ops=("While",), tol={"float32": 1e-4}),
    Case("cond_in_loop", _cond_in_loop, [rand(6)], _cond_in_loop_ref, ops=("While", "If"), tol={"float32": 1e-4}),
    Case(
        "while_handing_round",
        _handing_round,
        [rand(3, 17)],
        _handing_round_ref,
        ops=("While",),
        tol={"float32": 1e-4},
    ),
    Case(
        "while_flag",
        _flag,
        [rand(5)],
        lambda x: [np.int64(4), np.roll(x, -4), np.zeros(0, x.dtype)],
        ops=("While",),
        grad=False,
    ),
    Case(
        "while_growing",
        _growing,
        [rand(2, 3)],
        lambda x: np.concatenate([x, 2 * x, 2 * x, 2 * x]),
        ops=("While",),
        grad=False,
    ),
    Case(
        "while_maximum",
        lambda x: tf.while_loop(lambda a: tf.constant(True), lambda a: [a + 1.0], [x], maximum_iterations=4),
        [rand(3)],
        lambda x: x + 4,
        ops=("While",),
    ),
    Case(
        "rnn",
        _rnn,
        [randn(5, 2, 3), randn(3, 3), randn(2, 3)],
        _rnn_ref,
        ops=("While", "TensorListFromTensor", "TensorListGetItem", "TensorListSetItem", "TensorListStack"),
        tol={"float32": 1e-4},
    ),
    Case(
        "map_fn",
        lambda x: tf.map_fn(lambda r: tf.reduce_sum(r * r), x),
        [rand(4, 3)],
        lambda x: (x * x).sum(1),
        ops=("While",),
    ),
    Case(
        "map_fn_empty",
        lambda x: tf.map_fn(lambda r: tf.reshape(r, [3]) * 2.0, x),
        [rand(0, 3)],
        lambda x: x,
        ops=("While",),
        grad=False,
    ),
    Case(
        "map_fn_tuple",
        lambda x, y: tf.map_fn(lambda p: p[0] * p[1], (x, y), dtype=x.dtype),
        [rand(4), rand(4)],
        lambda x, y: x * y,
        ops=("While",),
    ),
    Case("scan", lambda x: tf.scan(lambda a, e: a * 0.5 + e, x), [rand(6, 2)], lambda x: _scan_ref(x), ops=("While",)),
    Case(
        "foldl", lambda x: tf.foldl(lambda a, e: a * 0.5 + e, x), [rand(6)], lambda x: _scan_ref(x)[-1], ops=("While",)
    ),
    Case(
        "foldr",
        lambda x: tf.foldr(lambda a, e: a * 0.5 + e, x),
        [rand(6)],
        lambda x: _scan_ref(x[::-1])[-1],
        ops=("While",),
    ),
]


def _scan_ref(x):
    out = [x[0]]
    for e in x[1:]:
        out.append(out[-1] * 0.5 + e)
    return np.stack(out)


def _run(t):
    return tf.Session().run(t)


BAD = [
    Bad("cond_python_bool", lambda: tf.cond(True, lambda: 1, lambda: 2), TypeError, "Python bool"),
    Bad("cond_not_callable", lambda: tf.cond(tf.constant(True), 1, 2), TypeError, "callable"),
    Bad("cond_dtypes", lambda: tf.cond(tf.constant(True), lambda: 1, lambda: 2.0), ValueError, "same type"),
    Bad(
        "cond_structures_differ",
        lambda: tf.cond(tf.constant(True), lambda: [1, 2], lambda: [1]),
        (ValueError, TypeError),
        "structure|number|elements",
    ),
    Bad("cond_vector", lambda: tf.cond(tf.constant([True, False]), lambda: 1, lambda: 2), ValueError, "scalar"),
    Bad(
        "while_dtype",
        lambda: tf.while_loop(lambda i: i < 3, lambda i: tf.cast(i, tf.float32), [0]),
        TypeError,
        "enters the loop with type int32",
    ),
    Bad(
        "while_shape",
        lambda: tf.while_loop(lambda x: True, lambda x: tf.concat([x, x], 0), [tf.ones([2])]),
        ValueError,
        "shape_invariants",
    ),
    Bad("while_count", lambda: tf.while_loop(lambda a, b: True, lambda a, b: a, [1, 2]), ValueError, "structure|body"),
    Bad("while_no_vars", lambda: tf.while_loop(lambda: True, list, []), ValueError, "No loop variables"),
    Bad(
        "while_branch_tensor",
        lambda: _leak(),
        ValueError,
        "another branch or loop body",
    ),
    Bad(
        "float_predicate",
        lambda: tf.cond(tf.constant(1.0), lambda: tf.constant(1.0), lambda: tf.constant(2.0)),
        TypeError,
        "pred must be a bool tensor",
    ),
    Bad("float_condition", lambda: tf.while_loop(lambda i: i, lambda i: i, [1.0]), TypeError, "must be a bool tensor"),
    Bad("no_result", lambda: tf.cond(tf.constant(True), lambda: None, lambda: None), ValueError, "have a return value"),
    Bad(
        "array_index",
        lambda: _run(tf.TensorArray(tf.float32, size=2, element_shape=[]).write(2, 1.0).stack()),
        tf.errors.InvalidArgumentError,
        "index 2 is out of range for a list of 2",
    ),
    Bad(
        "array_shape",
        lambda: tf.TensorArray(tf.float32, 2, element_shape=[3]).write(0, [1.0]),
        ValueError,
        "Inconsistent",
    ),
]


def _leak():
    kept = []
    tf.cond(
        tf.constant(True),
        lambda: kept.append(tf.constant([1.0] * 2000) * 2.0) or tf.constant(1.0),
        lambda: tf.constant(2.0),
    )
    return tf.cond(tf.constant(True), lambda: kept[0] + 1.0, lambda: kept[0])
