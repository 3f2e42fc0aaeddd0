"""Optimizers: five steps on dense and on sparse gradients, with their slots."""

import numpy as np

from tests.golden.registry import golden, numbers

TOL = 2e-6


def train(tf, make, steps=5, dtype="float32"):
    """Trajectories of a dense, a sparse and a scalar variable, and the final slots."""
    w = tf.Variable(numbers(3, 4, dtype=dtype), name="w")
    table = tf.Variable(numbers(6, 2, step=0.61, dtype=dtype), name="table")
    scale = tf.Variable(np.asarray(1.5, dtype), name="scale")
    rows = tf.gather(table, [4, 1, 4, 0])  # row 4 twice: its gradients add up before the update
    target = tf.constant(numbers(4, 4, step=0.47, dtype=dtype))
    y = tf.matmul(rows, w[:2]) * scale + w[2]
    loss = tf.reduce_mean(tf.square(y - target))
    optimizer = make()
    step = optimizer.minimize(loss)
    variables = [w, table, scale]
    names = optimizer.get_slot_names()
    out = {}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for i in range(steps):
            sess.run(step)
            if i in (0, steps - 1):
                out.update({f"{v.op.name}_{i}": value for v, value in zip(variables, sess.run(variables))})
        for name in names:
            for v in variables:
                out[f"slot_{name}_{v.op.name}"] = sess.run(optimizer.get_slot(v, name))
    return out


@golden(TOL)
def gradient_descent(tf):
    return train(tf, lambda: tf.train.GradientDescentOptimizer(0.1))


@golden(TOL)
def momentum(tf):
    return train(tf, lambda: tf.train.MomentumOptimizer(0.05, 0.9))


@golden(TOL)
def nesterov(tf):
    return train(tf, lambda: tf.train.MomentumOptimizer(0.05, 0.9, use_nesterov=True))


@golden(TOL)
def adagrad(tf):
    return train(tf, lambda: tf.train.AdagradOptimizer(0.1, initial_accumulator_value=0.2))


@golden(TOL)
def rmsprop(tf):
    return train(tf, lambda: tf.train.RMSPropOptimizer(0.01, decay=0.8, momentum=0.7, epsilon=1e-4))


@golden(TOL)
def rmsprop_centered(tf):
    return train(tf, lambda: tf.train.RMSPropOptimizer(0.01, momentum=0.5, centered=True))


@golden(TOL)
def adam(tf):
    return train(tf, lambda: tf.train.AdamOptimizer(0.02, beta1=0.8, beta2=0.95, epsilon=1e-4))


@golden(1e-12)
def adam_float64(tf):
    return train(tf, lambda: tf.train.AdamOptimizer(0.02), dtype="float64")


@golden(1e-12)
def rmsprop_float64(tf):
    return train(tf, lambda: tf.train.RMSPropOptimizer(0.02), dtype="float64")


@golden(TOL)
def minimize_with_schedule(tf):
    """A decaying rate driven by the global step, which minimize advances."""
    step = tf.Variable(0, trainable=False, name="step")
    rate = tf.train.exponential_decay(0.1, step, decay_steps=2, decay_rate=0.5, staircase=True)
    w = tf.Variable([1.0, -2.0])
    train_op = tf.train.GradientDescentOptimizer(rate).minimize(tf.nn.l2_loss(w), global_step=step)
    out = {"rates": [], "steps": [], "w": []}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(5):
            sess.run(train_op)
            for key, value in zip(("rates", "steps", "w"), sess.run([rate, step, w])):
                out[key].append(value)
    return out


@golden(TOL)
def clipped_gradients(tf):
    """compute_gradients, clip, apply_gradients, with a sparse gradient among them."""
    w = tf.Variable([3.0, -4.0])
    table = tf.Variable(numbers(4, 2))
    loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, [1, 3, 1]) * w))
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(loss)
    clipped, norm = tf.clip_by_global_norm([g for g, _ in pairs], 2.0)
    step = optimizer.apply_gradients(zip(clipped, [v for _, v in pairs]))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        before, first = sess.run([norm, clipped[0]])
        sess.run(step)
        return {"norm": before, "clipped": first, "w": sess.run(w), "table": sess.run(table)}


@golden()
def compute_gradients_order(tf):
    """Pairs come in the order of the variables, with None where the loss does not depend on one."""
    a, b, c = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b"), tf.Variable(3.0, name="c", trainable=False)
    pairs = tf.train.GradientDescentOptimizer(0.1).compute_gradients(b * b)
    listed = tf.train.GradientDescentOptimizer(0.1).compute_gradients(a * c, var_list=[c, a])
    return {
        "all": [f"{v.name} {g is not None}" for g, v in pairs],
        "listed": [f"{v.name} {g is not None}" for g, v in listed],
    }


@golden(TOL)
def aggregated_sparse_and_dense(tf):
    """A variable used both densely and through lookups gets the sum of both gradients."""
    table = tf.Variable(numbers(5, 3))
    loss = tf.reduce_sum(tf.square(tf.gather(table, [0, 2, 2]))) + tf.reduce_sum(table * numbers(5, 3, step=0.9))
    step = tf.train.MomentumOptimizer(0.1, 0.5).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(step)
        sess.run(step)
        return {"table": sess.run(table)}
