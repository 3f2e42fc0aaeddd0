"""CUDA kernels against CPU kernels, op by op, on whatever /gpu:0 is: hardware, or the simulator of a TFMINI_CUDA=sim build.

While `check_cuda_parity` is on, every CPU kernel that runs has its CUDA counterpart run on the same inputs; a run fails where
the two disagree. So what is run here only has to reach the kernels.
"""

import numpy as np
import pytest

import tfmini as tf
from tests.test_ops import BY_DTYPE, CASES, Built, dense, differentiable, wrt
from tfmini import _core, raw

if _core.cuda_status():
    pytest.skip(_core.cuda_status(), allow_module_level=True)
pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def parity():
    _core.check_cuda_parity(True)
    yield
    _core.check_cuda_parity(False)


def on_cpu(opt_level=0):
    """Nodes are placed on the CPU, where their kernels are checked. opt_level=-1: every op by itself, nothing folded or fused."""
    options = tf.OptimizerOptions(opt_level=opt_level)
    return tf.ConfigProto(device_count={"GPU": 0}, graph_options=tf.GraphOptions(optimizer_options=options))


@pytest.mark.parametrize("case, dtype", BY_DTYPE)
@pytest.mark.parametrize("config", [on_cpu(), on_cpu(-1)], ids=["fused", "plain"])
def test_kernels(case, dtype, config):
    if case.name == "fused_batch_norm_far_from_zero":
        pytest.skip("the last bit of its mean shows in every result")
    Built(case, dtype).run(config=config)


@pytest.mark.parametrize("case", [p for p in CASES if p.values[0].grad is not False and p.values[0].dtypes])
def test_gradient_kernels(case):
    built = Built(case, case.dtypes[0])
    ys = differentiable(built.outputs)
    with built.graph.as_default():
        xs = [built.inputs[i] for i in wrt(case)]
        # Random weights: with ones, gradients of what is normalized are 0, made of rounding errors.
        rng = np.random.default_rng(7)
        shapes = [np.shape(v) for v in built.run([tf.cast(y, tf.float32) for y in ys], config=on_cpu())]
        weights = [tf.constant(rng.standard_normal(shape), y.dtype) for shape, y in zip(shapes, ys)]
        gradients = [dense(g, x) for g, x in zip(tf.gradients(ys, xs, weights), xs)]
        gradients = [tf.cast(g, tf.float32) if g.dtype == tf.bfloat16 else g for g in gradients]
    built.run(gradients, config=on_cpu())


OPTIMIZERS = {
    "sgd": lambda: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.5, centered=True),
    "adam": lambda: tf.train.AdamOptimizer(0.1),
    "adadelta": lambda: tf.train.AdadeltaOptimizer(0.1),
    "ftrl": lambda: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
    "proximal": lambda: tf.train.ProximalAdagradOptimizer(0.1, l2_regularization_strength=0.01),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name, dtype):
    rng = np.random.default_rng(3)
    with tf.Graph().as_default(), tf.Session(config=on_cpu()) as sess:
        w = tf.Variable(rng.standard_normal((7, 13)).astype(dtype))
        step = OPTIMIZERS[name]().minimize(tf.reduce_sum(tf.square(w - 1)))
        sess.run(tf.global_variables_initializer())
        for _ in range(2):
            sess.run(step)


SPARSE = {
    **OPTIMIZERS,
    "plain rmsprop": lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.5),
    "shrinking ftrl": lambda: tf.train.FtrlOptimizer(0.1, l2_shrinkage_regularization_strength=0.01),
    "proximal descent": lambda: tf.train.ProximalGradientDescentOptimizer(0.1, l1_regularization_strength=0.01),
    "dual averaging": lambda: tf.train.AdagradDAOptimizer(0.1, tf.constant(1, tf.int64)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", SPARSE)
def test_sparse_optimizers(name, dtype):
    """Rows that are looked up once, often, and never; more of them than are sorted at once; and one number per row."""
    rng = np.random.default_rng(3)
    for rows, width, count in [(7, 13, 40), (1, 1, 3), (50, 1, 2500), (5, 8, 0)]:
        with tf.Graph().as_default(), tf.Session(config=on_cpu()) as sess:
            w = tf.Variable(rng.standard_normal((rows, width)).astype(dtype))
            ids = tf.constant(rng.integers(0, max(rows - 1, 1), count), tf.int32 if count < 100 else tf.int64)
            found = tf.nn.embedding_lookup(w, ids)
            step = SPARSE[name]().minimize(tf.reduce_mean(tf.square(found - 1)) if count else tf.reduce_sum(found))
            sess.run(tf.global_variables_initializer())
            for _ in range(2):
                sess.run(step)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "int64"])
@pytest.mark.parametrize("how", "update add sub mul div min max".split())
def test_scatters(how, dtype):
    rng = np.random.default_rng(3)

    def numbers(*shape):
        return rng.choice([-2, -1, 1, 2], shape).astype(dtype)

    with tf.Graph().as_default(), tf.Session(config=on_cpu()) as sess:
        v, flat = tf.Variable(numbers(6, 5)), tf.Variable(numbers(30))
        rows, few = [4, 0, 4, 4, 1], rng.integers(0, 30, 11)
        ops = [
            getattr(tf, f"scatter_{how}")(v, rows, numbers(5, 5)),
            getattr(tf, f"scatter_{how}")(flat, few.astype(np.int64), numbers(11)),
        ]
        if how not in ("mul", "div"):
            ops += [
                getattr(raw, f"ScatterNd{how.title()}")(v._ref(), [[r] for r in rows], numbers(5, 5)),
                getattr(raw, f"ScatterNd{how.title()}")(v._ref(), np.stack([few // 5, few % 5], 1), numbers(11)),
            ]
        if how != "update":
            ops.append(getattr(tf, f"scatter_{how}")(v, rows, numbers()))
        sess.run(tf.global_variables_initializer())
        for op in ops:
            sess.run(op)
        sess.run([tf.assign_add(v, numbers(6, 5)), tf.assign_sub(flat, numbers(30))])


def test_long_lists_of_items():
    """More than fit one tile of the sort, with rows out of range among them, which name nothing."""
    rng = np.random.default_rng(4)
    for n in (1, 2, 1023, 1024, 1025, 5000):
        ids = rng.integers(-1, 37, n)
        with tf.Graph().as_default(), tf.Session(config=on_cpu()) as sess:
            data = tf.placeholder(tf.float32, [n, 3])
            x = rng.standard_normal((n, 3)).astype(np.float32)
            sess.run(tf.unsorted_segment_sum(data, ids, 37), {data: x})


def test_fused_programs_of_many_shapes():
    """Rows and columns around the sizes of packs, warps, tiles and blocks."""
    rng = np.random.default_rng(5)
    for shape in [(1, 1), (3, 5), (33, 31), (7, 256), (130, 4), (2, 1023), (5, 1025), (3, 4099), (1030, 3)]:
        x = rng.standard_normal(shape).astype(np.float32)
        with tf.Graph().as_default(), tf.Session(config=on_cpu()) as sess:
            t = tf.placeholder(tf.float32, shape)
            mean, var = tf.nn.moments(t, [1], keep_dims=True)
            norm = (t - mean) * tf.rsqrt(var + 1e-3)
            scaled = tf.tanh(norm * t[:1] + 0.5)
            sess.run([scaled, tf.reduce_sum(scaled, 0), tf.reduce_mean(scaled * t), tf.gradients(scaled, t)], {t: x})


def test_what_was_checked():
    """The tests above reach the kernels (alone, this test reaches a few of its own)."""
    with tf.Graph().as_default(), tf.Session(config=on_cpu(-1)) as sess:
        x = tf.placeholder(tf.float32, [2, 3])
        sess.run(tf.nn.softmax(x) + tf.transpose(tf.ones([3, 2])), {x: np.zeros((2, 3))})
    counts = _core.cuda_parity_counts()
    assert {"Softmax", "Transpose"} <= set(counts) <= set(_core.cuda_kernels())
