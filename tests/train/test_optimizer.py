"""Optimizers: what goes wrong, and what must stay as it was. Values: tests/golden/programs."""

import os

import numpy as np
import pytest

import tfmini as tf
from tfmini import _core, raw
from tfmini.train.optimizer import Optimizer

ISAS = ("base", "avx2", "avx512")
START = np.arange(12, dtype=np.float32).reshape(4, 3)


pytestmark = pytest.mark.usefixtures("graph")


def initialized(*fetches):
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    return sess


def test_no_variables():
    with pytest.raises(ValueError, match="No variables to optimize"):
        tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0))
    with pytest.raises(ValueError, match="No variables provided"):
        tf.train.GradientDescentOptimizer(0.1).apply_gradients([])


def test_no_gradients():
    tf.Variable(1.0)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.minimize(tf.constant(1.0))
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.apply_gradients([(None, tf.trainable_variables()[0])])


def test_wrong_arguments():
    v = tf.Variable([1.0])
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    with pytest.raises(ValueError, match="gate_gradients must be one of"):
        optimizer.compute_gradients(v.value(), gate_gradients=7)
    with pytest.raises(TypeError, match="not a tf.Variable"):
        optimizer.compute_gradients(v.value(), var_list=["v"])
    with pytest.raises(NotImplementedError, match="not a variable"):
        optimizer.apply_gradients([(tf.constant([1.0]), v.value())])
    with pytest.raises(ValueError, match="Invalid type int32"):
        optimizer.compute_gradients(tf.constant(1))
    with pytest.raises(RuntimeError, match="should be a Tensor"):
        optimizer.compute_gradients(lambda: v)
    with pytest.raises(ValueError, match="must be positive"):
        tf.train.AdagradOptimizer(0.1, initial_accumulator_value=0.0)
    with pytest.raises(ValueError, match="name"):
        tf.train.GradientDescentOptimizer(0.1, name="")


def test_gradient_of_wrong_shape():
    v = tf.Variable(START)
    with pytest.raises(ValueError, match=r"\[4,3\]"):
        tf.train.GradientDescentOptimizer(0.1).apply_gradients([(tf.constant(START[:2]), v)])


def test_gradients_of_all_variables_at_once():
    """GATE_GRAPH, nested lists of variables, grad_loss, and gradients of plain tensors."""
    a, b = tf.Variable([1.0, 2.0]), tf.Variable([3.0])
    t = tf.constant([5.0])
    loss = tf.concat([a, b, t], 0)
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    pairs = optimizer.compute_gradients(
        loss, [a, [b, t]], gate_gradients=Optimizer.GATE_GRAPH, grad_loss=tf.constant([1.0, 2.0, 3.0, 4.0])
    )
    assert [v for _, v in pairs] == [a, b, t]
    with initialized() as sess:
        assert [g.tolist() for g in sess.run([g for g, _ in pairs])] == [[1.0, 2.0], [3.0], [4.0]]


def test_learning_rate_may_be_a_tensor_or_a_function():
    for rate in (tf.placeholder_with_default(0.5, []), lambda: 0.5):
        v = tf.Variable([1.0])
        step = tf.train.GradientDescentOptimizer(rate).apply_gradients([(tf.constant([2.0]), v)])
        with initialized() as sess:
            sess.run(step)
            assert sess.run(v).tolist() == [0.0]


def test_uninitialized_variable():
    v = tf.Variable([1.0])
    step = tf.train.MomentumOptimizer(0.1, 0.9).apply_gradients([(tf.constant([2.0]), v)])
    with tf.Session() as sess:
        sess.run(v.initializer)
        with pytest.raises(tf.errors.FailedPreconditionError, match="Momentum"):
            sess.run(step)
        assert sess.run(v).tolist() == [1.0]


def test_constraint():
    v = tf.Variable([1.0, -1.0], constraint=lambda x: raw.Identity(x) if False else tf.reshape(x, [2]))
    step = tf.train.GradientDescentOptimizer(1.0).apply_gradients([(tf.constant([3.0, 3.0]), v)])
    with initialized() as sess:
        sess.run(step)
        assert sess.run(v).tolist() == [-2.0, -4.0]
    sparse = tf.IndexedSlices(tf.constant([1.0]), tf.constant([0]), tf.constant([2]))
    with pytest.raises(RuntimeError, match="constraint function on a sparse variable"):
        tf.train.GradientDescentOptimizer(1.0).apply_gradients([(sparse, v)])


OPTIMIZERS = {
    "gradient_descent": lambda: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.1),
    "centered": lambda: tf.train.RMSPropOptimizer(0.1, centered=True),
    "adadelta": lambda: tf.train.AdadeltaOptimizer(0.1),
    "ftrl": lambda: tf.train.FtrlOptimizer(0.1),
    "adam": lambda: tf.train.AdamOptimizer(0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.cpu
def test_index_out_of_range_changes_nothing(name):
    v = tf.Variable(START)
    ids = tf.placeholder(tf.int32, [3])
    grad = tf.IndexedSlices(tf.constant(START[:3]), ids, tf.constant([4, 3]))
    optimizer = OPTIMIZERS[name]()
    step = optimizer.apply_gradients([(grad, v)])
    slots = [optimizer.get_slot(v, s) for s in optimizer.get_slot_names()]
    with initialized() as sess:
        before = sess.run([v, *slots])
        for bad in ([0, 1, 4], [0, -1, 2]):
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"is not in \[0, 4\)"):
                sess.run(step, {ids: bad})
        for old, new in zip(before, sess.run([v, *slots])):
            np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_large_updates_do_not_depend_on_threads(name):
    """Large enough to be shared out, with rows that occur many times."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 300, 5000)
    values = rng.standard_normal((5000, 64)).astype(np.float32)
    start = rng.standard_normal((300, 64)).astype(np.float32)
    grad = tf.IndexedSlices(tf.constant(values), tf.constant(ids), tf.constant([300, 64]))
    results = []
    for dense in (False, True):
        for threads in (1, 4):
            v = tf.Variable(start)
            g = tf.constant(np.resize(values, start.shape)) if dense else grad
            step = OPTIMIZERS[name]().apply_gradients([(g, v)])
            config = tf.ConfigProto(intra_op_parallelism_threads=threads)
            with tf.Session(config=config) as sess:
                sess.run(tf.global_variables_initializer())
                for _ in range(2):
                    sess.run(step)
                results.append(sess.run(v))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[2], results[3])


def test_every_length():
    """Vector bodies and tails, in every dtype."""
    for dtype, tol in (("float32", 1e-6), ("float64", 1e-8), ("float16", 2e-3)):
        for n in (0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 65):
            w = np.linspace(-1, 1, n).astype(dtype)
            g = np.linspace(2, 3, n).astype(dtype)
            v = tf.Variable(w)
            step = tf.train.AdamOptimizer(0.1).apply_gradients([(tf.constant(g), v)])
            with initialized() as sess:
                sess.run(step)
                want = w.astype(np.float64) - 0.1 * np.sqrt(1 - 0.999) / (1 - 0.9) * 0.1 * g / (
                    np.sqrt(0.001 * g.astype(np.float64) ** 2) + 1e-8
                )
                np.testing.assert_allclose(
                    sess.run(v), want, rtol=max(tol, 3e-5 if dtype == "float32" else tol), atol=tol
                )


@pytest.fixture
def use_isa():
    yield _core.set_isa
    usable = [name for name in ISAS if _core.set_isa(name)]
    _core.set_isa(os.environ.get("TFMINI_CPU_ISA") or usable[-1])


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype, tol", [("float32", 2e-5), ("float64", 1e-12), ("float16", 4e-3)])
def test_sparse_adam_is_adam_by_a_gradient_that_is_mostly_zero(dtype, tol, isa, use_isa):
    """Repeated rows, rows without gradient, no rows at all; widths around vectors and the kernel's tiles."""
    if not use_isa(isa):
        pytest.skip(f"this processor lacks {isa}")
    rng = np.random.default_rng(0)
    for shape, count in (((7, 3), 4), ((1, 5), 3), ((50,), 20), ((9, 2, 4), 0), ((0, 4), 0), ((5, 0), 2),
                         ((300, 17), 31), ((4, 257), 9), ((3, 1000), 2), ((2000, 1), 64)):  # fmt: skip
        start = rng.standard_normal(shape).astype(dtype)
        ids = rng.integers(0, max(shape[0], 1), count)
        values = rng.standard_normal((count, *shape[1:])).astype(dtype)
        dense = np.zeros(shape)
        np.add.at(dense, ids, values.astype(np.float64))
        by_rows, whole = tf.Variable(start), tf.Variable(start)
        rows, optimizer = (
            tf.IndexedSlices(tf.constant(values), tf.constant(ids)),
            tf.train.AdamOptimizer(0.1, epsilon=1e-3),
        )
        step = optimizer.apply_gradients([(rows, by_rows), (tf.constant(dense.astype(dtype)), whole)])
        slots = [[optimizer.get_slot(v, name) for name in ("m", "v")] for v in (by_rows, whole)]
        with initialized() as sess:
            for _ in range(3):
                sess.run(step)
            got, want = sess.run([[by_rows, *slots[0]], [whole, *slots[1]]])
            assert all(np.isfinite(x).all() for x in got)
            for x, y in zip(got, want):
                np.testing.assert_allclose(x, y, rtol=tol, atol=tol)


def test_a_snapshot_is_not_written():
    v = tf.Variable(np.zeros(100, np.float32))
    step = tf.train.GradientDescentOptimizer(1.0).apply_gradients([(tf.constant(np.ones(100, np.float32)), v)])
    with initialized() as sess:
        held = sess.run(v)
        sess.run(step)
        assert held.sum() == 0 and sess.run(v).sum() == -100
        value, _ = sess.run([v, step])
        assert value.sum() in (-100, -200)


def test_global_step():
    assert tf.train.get_global_step() is None
    step = tf.train.get_or_create_global_step()
    assert tf.train.get_or_create_global_step() is step and step.dtype.base_dtype == tf.int64
    with pytest.raises(ValueError, match="already exists"):
        tf.train.create_global_step()
    with pytest.raises(TypeError, match="integer type"):
        tf.train.assert_global_step(tf.constant(1.0))
    with pytest.raises(TypeError, match="not scalar"):
        tf.train.assert_global_step(tf.constant([1]))
    with initialized() as sess:
        assert tf.train.global_step(sess, step) == 0


def test_learning_rate_errors():
    with pytest.raises(ValueError, match="global_step is required"):
        tf.train.exponential_decay(0.1, None, 10, 0.9)
    with pytest.raises(ValueError, match="1 less than the length of values"):
        tf.train.piecewise_constant(tf.constant(1), [1], [1.0])
    with pytest.raises(ValueError, match="same dtype"):
        tf.train.piecewise_constant(tf.constant(1), [1.5], [1.0, 2.0])


def run_update(op, slots, scalars, **attrs):
    """One raw update of variables [1, 2, -3] with the gradient [0.5, -1, 2]."""
    w, g = np.array([1, 2, -3], np.float64), np.array([0.5, -1.0, 2.0])
    variables = [tf.Variable(w)] + [tf.Variable(np.full(3, s)) for s in slots]
    step = getattr(raw, op)(*variables, *(tf.constant(s, tf.float64) for s in scalars), g, **attrs)
    with initialized() as sess:
        sess.run(step.op)
        return w, g, sess.run(variables)


def test_updates_without_an_optimizer():
    """Ops that TensorFlow has and tf.train does not use, against their formulas."""
    w, g, (var, m, v) = run_update("ApplyAdaMax", [0.1, 0.7], [0.9, 0.01, 0.9, 0.99, 1e-8])
    np.testing.assert_allclose(m, 0.1 + (g - 0.1) * 0.1)
    np.testing.assert_allclose(v, np.maximum(0.99 * 0.7, np.abs(g)))
    np.testing.assert_allclose(var, w - 0.01 / (1 - 0.9) * m / (v + 1e-8))

    w, g, (var, m) = run_update("ApplyPowerSign", [0.1], [0.01, 1.5, 0.5, 0.9])
    np.testing.assert_allclose(m, 0.1 * 0.9 + g * 0.1)
    np.testing.assert_allclose(var, w - 0.01 * np.exp(1.5 * 0.5 * np.sign(g) * np.sign(m)) * g)

    w, g, (var, m) = run_update("ApplyAddSign", [0.1], [0.01, 1.5, 0.5, 0.9])
    np.testing.assert_allclose(var, w - 0.01 * (1.5 + 0.5 * np.sign(g) * np.sign(m)) * g)

    w, g, (var, accum) = run_update("ApplyAdagradV2", [0.1], [0.01, 1e-3])
    np.testing.assert_allclose(accum, 0.1 + g * g)
    np.testing.assert_allclose(var, w - 0.01 * g / (np.sqrt(accum) + 1e-3))

    w, g, (var, accum) = run_update("ApplyAdagradV2", [0.1], [0.01, 1e-3], update_slots=False)
    np.testing.assert_allclose(accum, np.full(3, 0.1))

    betas = [0.9, 0.99, 0.01, 0.9, 0.99, 1e-8]
    w, g, (var, m, v) = run_update("ApplyAdam", [0.1, 0.2], betas, use_nesterov=True)
    rate = 0.01 * np.sqrt(1 - 0.99) / (1 - 0.9)
    np.testing.assert_allclose(var, w - rate * (g * 0.1 + 0.9 * m) / (np.sqrt(v) + 1e-8))


def test_ftrl_with_the_linear_slot_scaled():
    """multiply_linear_by_lr changes what the slot holds, not the variable."""
    w, g = np.array([1.0, 2.0, -3.0]), np.array([0.5, -1.0, 2.0])
    found = []
    for scaled in (False, True):
        v, accum, linear = tf.Variable(w), tf.Variable(np.full(3, 0.1)), tf.Variable(np.zeros(3))
        scalars = [tf.constant(s, tf.float64) for s in (0.1, 0.01, 0.02, -0.5)]
        step = raw.ApplyFtrl(v, accum, linear, g, *scalars, multiply_linear_by_lr=scaled)
        with initialized() as sess:
            sess.run(step.op)
            found.append(sess.run([v, linear]))
    np.testing.assert_allclose(found[0][0], found[1][0])
    np.testing.assert_allclose(found[0][1] * 0.1, found[1][1])


def test_aggregation_methods():
    with tf.Graph().as_default():
        v = tf.Variable(1.0)
        optimizer = tf.train.GradientDescentOptimizer(1.0)
        for method in (None, tf.AggregationMethod.EXPERIMENTAL_TREE):
            assert optimizer.compute_gradients(v * v, aggregation_method=method)[0][0] is not None
        with pytest.raises(ValueError, match="Invalid aggregation_method 99"):
            optimizer.minimize(v * v, aggregation_method=99)
