"""Rarer optimizers, learning rates, moving averages, scatter assignments."""

import numpy as np

from tests.golden.programs.optimizers import train
from tests.golden.registry import golden, numbers

TOL = 2e-6


@golden(TOL)
def adadelta(tf):
    return train(tf, lambda: tf.train.AdadeltaOptimizer(1.0, rho=0.9, epsilon=1e-4))


@golden(TOL)
def ftrl(tf):
    return train(
        tf,
        lambda: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.02),
    )


@golden(TOL)
def ftrl_power_and_shrinkage(tf):
    return train(
        tf,
        lambda: tf.train.FtrlOptimizer(0.1, learning_rate_power=-0.3, l2_shrinkage_regularization_strength=0.1),
    )


@golden(TOL)
def proximal_gradient_descent(tf):
    return train(tf, lambda: tf.train.ProximalGradientDescentOptimizer(0.1, 0.02, 0.03))


@golden(TOL)
def proximal_adagrad(tf):
    return train(tf, lambda: tf.train.ProximalAdagradOptimizer(0.1, 0.2, 0.02, 0.03))


@golden(TOL)
def adagrad_da(tf):
    def make():
        step = tf.Variable(3, dtype=tf.int64, trainable=False)
        return tf.train.AdagradDAOptimizer(0.1, step, 0.2, 0.01, 0.02)

    return train(tf, make)


@golden(TOL)
def momentum_float16(tf):
    """Half precision."""
    w = tf.Variable(np.linspace(-1, 1, 8, dtype=np.float16))
    optimizer = tf.train.MomentumOptimizer(0.5, 0.5)
    step = optimizer.apply_gradients([(tf.constant(np.full(8, 0.25, np.float16)), w)])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(step)
        return {"w": sess.run(w)}


@golden()
def optimizer_variable_names(tf):
    """Slots and other variables of optimizers, as checkpoints know them."""
    out = {}
    optimizers = {
        "Momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
        "Adam": lambda: tf.train.AdamOptimizer(),
        "RMSProp": lambda: tf.train.RMSPropOptimizer(0.1),
        "centered": lambda: tf.train.RMSPropOptimizer(0.1, centered=True),
        "Adadelta": lambda: tf.train.AdadeltaOptimizer(),
        "Ftrl": lambda: tf.train.FtrlOptimizer(0.1, accum_name="acc", linear_name="lin"),
    }
    for name, make in optimizers.items():
        with tf.Graph().as_default():
            with tf.variable_scope("layer"), tf.name_scope("inner"):
                w = tf.get_variable("w", [2])
                b = tf.Variable([1.0], name="b")
            with tf.name_scope("train"):
                optimizer = make()
                step = optimizer.minimize(tf.reduce_sum(w) * b[0], tf.train.get_or_create_global_step())
            second = make().minimize(tf.reduce_sum(w * w))
            out[name] = [v.name for v in tf.global_variables()] + [step.name, second.name]
            out[name] += [v.name for v in optimizer.variables()] + optimizer.get_slot_names()
    return out


@golden(TOL)
def learning_rates(tf):
    step = tf.placeholder(tf.int64, [])
    rates = {
        "exponential": tf.train.exponential_decay(0.1, step, 10, 0.9),
        "staircase": tf.train.exponential_decay(0.1, step, 10, 0.9, staircase=True),
        "natural": tf.train.natural_exp_decay(0.1, step, 10, 0.5),
        "inverse": tf.train.inverse_time_decay(0.1, step, 10, 0.5),
        "inverse_staircase": tf.train.inverse_time_decay(0.1, step, 10, 0.5, staircase=True),
        "polynomial": tf.train.polynomial_decay(0.1, step, 10, 0.01, 2.0),
        "polynomial_cycle": tf.train.polynomial_decay(0.1, step, 10, 0.01, 0.5, cycle=True),
        "piecewise": tf.train.piecewise_constant(step, [5, 12], [1.0, 0.5, 0.1]),
        "cosine": tf.train.cosine_decay(0.1, step, 10, alpha=0.1),
        "restarts": tf.train.cosine_decay_restarts(0.1, step, 5),
        "restarts_even": tf.train.cosine_decay_restarts(0.1, step, 5, t_mul=1.0, m_mul=0.5, alpha=0.1),
        "linear_cosine": tf.train.linear_cosine_decay(0.1, step, 10),
    }
    with tf.Session() as sess:
        runs = [sess.run(list(rates.values()), {step: s}) for s in (0, 1, 5, 6, 10, 12, 13, 25)]
    return {name: np.array([r[i] for r in runs]) for i, name in enumerate(rates)}


@golden(TOL)
def exponential_moving_average(tf):
    v = tf.Variable(2.0, name="v")
    doubled = tf.multiply(v, 2.0, name="doubled")
    steps = tf.Variable(0)
    average = tf.train.ExponentialMovingAverage(0.9, num_updates=steps)
    plain = tf.train.ExponentialMovingAverage(0.5, zero_debias=True, name="plain")
    track = tf.group(average.apply([v, doubled]), plain.apply([doubled]))
    with tf.control_dependencies([track]):
        advance = tf.group(v.assign_add(1.0), steps.assign_add(1))
    fetches = [average.average(v), average.average(doubled), plain.average(doubled)]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        values = [sess.run(fetches)]
        for _ in range(4):
            sess.run(advance)
            values.append(sess.run(fetches))
    return {
        "values": np.array(values),
        "names": [average.average_name(v), average.average_name(doubled), plain.average_name(v)],
        "restore": sorted(average.variables_to_restore()),
        "collection": [x.name for x in tf.moving_average_variables()],
    }


@golden(TOL)
def scatter_assignments(tf):
    out = {}
    kinds = ["update", "add", "sub", "mul", "div", "min", "max"]
    indices = [4, 0, 4]  # 4 twice: in order
    with tf.Session() as sess:
        for kind in kinds:
            v = tf.Variable(numbers(6, 2))
            op = getattr(tf, f"scatter_{kind}")(v, indices, numbers(3, 2, step=0.7))
            scalar = getattr(tf, f"scatter_{kind}")(v, [1], 0.5)
            sess.run(v.initializer)
            out[kind], out[kind + "_scalar"] = sess.run(op), sess.run(scalar)
        for kind in ("update", "add", "sub"):
            v = tf.Variable(numbers(3, 2, 2))
            op = getattr(tf, f"scatter_nd_{kind}")(v, [[2, 1], [0, 0], [2, 1]], numbers(3, 2, step=0.7))
            sess.run(v.initializer)
            out["nd_" + kind] = sess.run(op)
    return out
