"""The updates of many variables as one node: the same values, in the same order with what surrounds them."""

import numpy as np
import pytest

import tfmini as tf
from tests.session.test_passes import unoptimized
from tfmini import raw

SHAPES = [(3, 5), (), (0, 4), (17,), (1,), (300, 301), (2, 3, 7), (40000,)]
OPTIMIZERS = {
    "GradientDescent": lambda: tf.train.GradientDescentOptimizer(0.1),
    "Momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "Adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "RMSProp": lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.5),
    "CenteredRMSProp": lambda: tf.train.RMSPropOptimizer(0.1, centered=True),
    "Adam": lambda: tf.train.AdamOptimizer(0.1),
    "Adadelta": lambda: tf.train.AdadeltaOptimizer(0.1),
    "Ftrl": lambda: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
    "ProximalAdagrad": lambda: tf.train.ProximalAdagradOptimizer(0.1, l2_regularization_strength=0.1),
    "AdagradDA": lambda: tf.train.AdagradDAOptimizer(0.1, tf.Variable(1, dtype=tf.int64, trainable=False)),
}


pytestmark = pytest.mark.usefixtures("graph")


def initialized(**kwargs):
    sess = tf.Session(**kwargs)
    sess.run(tf.global_variables_initializer())
    return sess


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_values(name, dtype):
    rng = np.random.default_rng(0)
    start = [rng.uniform(0.5, 2, s).astype(dtype) for s in SHAPES]
    gradients = [rng.uniform(-1, 1, s).astype(dtype) for s in SHAPES]
    variables = [tf.Variable(x) for x in start]
    step = OPTIMIZERS[name]().apply_gradients([(tf.constant(g), v) for g, v in zip(gradients, variables)])
    results = []
    for threads, config in ((1, tf.ConfigProto()), (4, tf.ConfigProto()), (1, unoptimized())):
        config.intra_op_parallelism_threads = threads
        with initialized(config=config) as sess:
            for _ in range(3):
                sess.run(step)
            results.append(sess.run(variables))
            groups = sess.describe_plan(step).count(f"_GroupedApply{name} '")
            assert groups == (0 if len(results) == 3 else 1)
    for one, four, alone in zip(*results):
        np.testing.assert_array_equal(one, four)
        np.testing.assert_allclose(one, alone, rtol=dict(float16=2e-3, float32=1e-6, float64=1e-14)[dtype])


def sgd(variables, rate=1.0, gradient=1.0):
    pairs = [(tf.fill(tf.shape(v), gradient), v) for v in variables]
    return tf.train.GradientDescentOptimizer(rate).apply_gradients(pairs)


def test_reads_around_the_group():
    a, b = tf.Variable([10.0]), tf.Variable([20.0, 20.0])
    step = sgd([a, b])
    with tf.control_dependencies([step]):
        after = [a.read_value() * 2.0, b.read_value() * 2.0]
    with initialized() as sess:
        fetches = [step, a.value(), b * 1.0, *after]
        assert "_GroupedApplyGradientDescent" in sess.describe_plan(fetches)
        got = sess.run(fetches)[1:]
        assert [x.tolist() for x in got] == [[10.0], [20.0, 20.0], [18.0], [38.0, 38.0]]


def test_update_ops_fetched_themselves():
    """What an update returns is its variable, also from within a group."""
    a, b = tf.Variable([10.0]), tf.Variable([20.0, 21.0])
    one = tf.constant(1.0)
    updates = [raw.ApplyGradientDescent(v, one, tf.ones_like(v)) for v in (a, b)]
    with initialized() as sess:
        assert [x.tolist() for x in sess.run(updates)] == [[9.0], [19.0, 20.0]]
        assert [x.tolist() for x in sess.run([u + 0.0 for u in updates])] == [[8.0], [18.0, 19.0]]


def test_updates_that_wait_for_each_other_stay_apart():
    a, b, c, d = (tf.Variable([1.0]) for _ in range(4))
    first = sgd([a, b])
    with tf.control_dependencies([first]):
        g = a.read_value() + b.read_value()  # 0 after the first updates
        second = tf.train.GradientDescentOptimizer(1.0).apply_gradients([(g + 5.0, c), (g + 7.0, d)])
    with initialized() as sess:
        assert sess.describe_plan(second).count("_GroupedApplyGradientDescent '") == 2
        sess.run(second)
        assert [x.item() for x in sess.run([a, b, c, d])] == [0.0, 0.0, -4.0, -6.0]


def test_crossed_dependencies():
    """a before d and c before b, where a, b and c, d are alike: groups of both pairs would wait for each other."""
    a, b, c, d = (tf.Variable([1.0]) for _ in range(4))

    def update(v, optimizer):
        return optimizer.apply_gradients([(tf.ones([1]), v)])

    sgd, momentum = tf.train.GradientDescentOptimizer(1.0), tf.train.MomentumOptimizer(1.0, 0.9)
    ua, uc = update(a, sgd), update(c, momentum)
    with tf.control_dependencies([ua]):
        ud = update(d, momentum)
    with tf.control_dependencies([uc]):
        ub = update(b, sgd)
    with initialized() as sess:
        sess.run([ua, ub, uc, ud])
        assert [x.item() for x in sess.run([a, b, c, d])] == [0.0] * 4


def test_one_variable_twice():
    a, b = tf.Variable([1.0]), tf.Variable([1.0])
    steps = [sgd([a, b]), sgd([a, b], gradient=10.0)]
    with initialized() as sess:
        sess.run(steps)
        assert [x.item() for x in sess.run([a, b])] == [-10.0, -10.0]


def test_different_attributes_and_types_stay_apart():
    variables = [tf.Variable(np.ones(3, t)) for t in ("float32", "float32", "float64", "float64")]
    pairs = [(tf.ones_like(v), v) for v in variables]
    plain = tf.train.MomentumOptimizer(1.0, 0.5).apply_gradients(pairs[:3])
    nesterov = tf.train.MomentumOptimizer(1.0, 0.5, use_nesterov=True).apply_gradients(pairs[3:])
    with initialized() as sess:
        ops = [line.split()[0] for line in sess.describe_plan([plain, nesterov]).splitlines()]
        assert (ops.count("_GroupedApplyMomentum"), ops.count("ApplyMomentum")) == (1, 2)
        sess.run([plain, nesterov])
        assert [x[0] for x in sess.run(variables)] == [0.0, 0.0, 0.0, -0.5]


def test_nothing_is_written_when_one_gradient_is_wrong():
    a, b = tf.Variable([1.0, 2.0]), tf.Variable([1.0, 2.0])
    g = tf.placeholder(tf.float32)
    step = tf.train.GradientDescentOptimizer(1.0).apply_gradients([(tf.ones([2]), a), (g, b)])
    with initialized() as sess:
        for bad in (np.ones(3, np.float32), np.float32(1)):
            with pytest.raises(tf.errors.InvalidArgumentError):
                sess.run(step, {g: bad})
        assert [x.tolist() for x in sess.run([a, b])] == [[1.0, 2.0]] * 2


def test_an_uninitialized_member_is_named():
    a, b = tf.Variable([1.0]), tf.Variable([1.0], name="forgotten")
    step = sgd([a, b])
    with tf.Session() as sess:
        sess.run(a.initializer)
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value forgotten"):
            sess.run(step)
        assert sess.run(a).tolist() == [1.0]
