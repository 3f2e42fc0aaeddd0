"""cond and while_loop: values and gradients."""

import numpy as np

from tests.golden.registry import golden, numbers

TOL = 1e-6


def runs(tf, fetches, feeds):
    """{key_i: value} over feed dictionaries."""
    out = {}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for i, feed in enumerate(feeds):
            for key, value in sess.run(fetches, feed).items():
                out[f"{key}_{i}"] = value
    return out


@golden(TOL)
def cond_values_and_gradients(tf):
    x, p = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.bool, [])
    w = tf.constant([1.0, 2.0, 3.0])
    y = tf.cond(p, lambda: tf.reduce_sum(x * x * w), lambda: tf.reduce_sum(tf.sin(x)))
    dx, dw = tf.gradients(y, [x, w])
    ddx = tf.gradients(dx, x)[0]
    values = numbers(3)
    return runs(tf, dict(y=y, dx=dx, dw=dw, ddx=ddx), [{x: values, p: True}, {x: values, p: False}])


@golden(TOL)
def cond_with_structures(tf):
    p = tf.placeholder(tf.bool, [])
    a, b = tf.constant(1.0), tf.constant([1, 2])
    first, second = tf.cond(p, lambda: (a + 1.0, b), lambda: (a, b * 10))
    nested = tf.cond(p, lambda: {"k": [a, b]}, lambda: {"k": [a * 5, b]})
    return runs(tf, dict(first=first, second=second, k0=nested["k"][0]), [{p: True}, {p: False}])


@golden(TOL)
def cond_runs_one_branch(tf):
    """Only the branch taken touches its variable."""
    p = tf.placeholder(tf.bool, [])
    a, b = tf.Variable(0.0), tf.Variable(0.0)
    y = tf.cond(p, lambda: tf.assign_add(a, 1.0), lambda: tf.assign_add(b, 10.0))
    out = {}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for i, choice in enumerate((True, False, False)):
            out[f"y{i}"] = sess.run(y, {p: choice})
            out[f"a{i}"], out[f"b{i}"] = sess.run([a, b])
    return out


@golden(TOL)
def nested_cond(tf):
    p, q = tf.placeholder(tf.bool, []), tf.placeholder(tf.bool, [])
    x = tf.placeholder(tf.float32, [])
    y = tf.cond(p, lambda: tf.cond(q, lambda: x * x, lambda: 3.0 * x), lambda: tf.exp(x))
    dx = tf.gradients(y, x)[0]
    feeds = [{x: 1.5, p: a, q: b} for a in (True, False) for b in (True, False)]
    return runs(tf, dict(y=y, dx=dx), feeds)


@golden(TOL)
def case_and_switch(tf):
    x = tf.placeholder(tf.float32, [])
    y = tf.case([(x < 1.0, lambda: x * 10.0), (x < 2.0, lambda: x * 100.0)], default=lambda: -x)
    return runs(tf, dict(y=y, dx=tf.gradients(y, x)[0]), [{x: v} for v in (0.5, 1.5, 2.5)])


@golden()
def while_counts(tf):
    n = tf.placeholder(tf.int32, [])
    i, total = tf.while_loop(lambda i, t: i < n, lambda i, t: (i + 1, t + i), [tf.constant(0), tf.constant(0)])
    single = tf.while_loop(lambda i: i < n, lambda i: i + 3, [0])
    return runs(tf, dict(i=i, total=total, single=single), [{n: 0}, {n: 5}, {n: 100}])


@golden(TOL)
def while_gradients(tf):
    """With respect to a loop variable, to a tensor captured by the body, and through both to second order."""
    x, w = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [2])
    _, y = tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, tf.sin(y) * w + y), [0, x])
    dx, dw = tf.gradients(tf.reduce_sum(y), [x, w])
    return runs(tf, dict(y=y, dx=dx, dw=dw), [{x: [0.3, -0.7], w: [1.1, 0.4]}])


@golden(TOL)
def while_gradient_of_data_dependent_length(tf):
    """Doubling until a bound is passed: the number of steps differs from run to run."""
    x = tf.placeholder(tf.float32, [])
    n, y = tf.while_loop(lambda n, y: y < 100.0, lambda n, y: (n + 1, y * y + 1.0), [0, x])
    return runs(tf, dict(n=n, y=y, dx=tf.gradients(y, x)[0]), [{x: v} for v in (0.5, 1.0, 3.0, 200.0)])


@golden(TOL)
def while_matrix_power(tf):
    """A recurrence with a shared weight matrix: the gradient adds up over the iterations."""
    w = tf.constant(numbers(3, 3, step=0.31))
    h0 = tf.constant(numbers(2, 3))
    _, h = tf.while_loop(lambda t, h: t < 5, lambda t, h: (t + 1, tf.tanh(tf.matmul(h, w))), [0, h0])
    dw, dh = tf.gradients(h, [w, h0])
    return runs(tf, dict(h=h, dw=dw, dh=dh), [{}])


@golden(TOL)
def nested_while(tf):
    x = tf.placeholder(tf.float32, [])

    def outer(i, y):
        _, inner = tf.while_loop(lambda j, z: j < i + 1, lambda j, z: (j + 1, z * x + 1.0), [0, y])
        return i + 1, inner

    _, y = tf.while_loop(lambda i, y: i < 3, outer, [0, x])
    return runs(tf, dict(y=y, dx=tf.gradients(y, x)[0]), [{x: 0.9}, {x: 2.0}])


@golden(TOL)
def cond_in_while(tf):
    x = tf.placeholder(tf.float32, [])

    def body(i, y):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: y * x, lambda: y + x)

    _, y = tf.while_loop(lambda i, y: i < 5, body, [0, 1.0])
    return runs(tf, dict(y=y, dx=tf.gradients(y, x)[0]), [{x: 1.3}])


@golden(TOL)
def while_with_growing_shape(tf):
    shape = tf.TensorShape([None])
    _, xs = tf.while_loop(
        lambda i, xs: i < 4,
        lambda i, xs: (i + 1, tf.concat([xs, tf.to_float([i]) * 2.0], 0)),
        [tf.constant(0), tf.constant([9.0])],
        shape_invariants=[tf.TensorShape([]), shape],
    )
    return runs(tf, dict(xs=xs), [{}])


@golden(TOL)
def while_maximum_iterations(tf):
    x = tf.placeholder(tf.float32, [])
    y = tf.while_loop(lambda y: y < 1e6, lambda y: y * 2.0, [x], maximum_iterations=3)
    y = y[0] if isinstance(y, (list, tuple)) else y
    return runs(tf, dict(y=y), [{x: 1.0}, {x: 1e6}])


@golden(TOL)
def while_maximum_iterations_of_a_tensor(tf):
    x, lengths = tf.placeholder(tf.float32, []), tf.placeholder(tf.int64, [None])
    y, n = tf.while_loop(
        lambda y, n: y < 100.0,
        lambda y, n: [y * 2.0, n + 1],
        [x, tf.constant(0)],
        maximum_iterations=tf.reduce_max(lengths),
    )
    gradient = tf.gradients(y, x)[0]
    return runs(
        tf, dict(y=y, n=n, dx=gradient), [{x: 1.0, lengths: [1, 3, 2]}, {x: 3.0, lengths: [50]}, {x: 3.0, lengths: [0]}]
    )


@golden(TOL)
def while_with_structures(tf):
    start = {"count": tf.constant(0), "pair": (tf.constant(1.0), tf.constant([1.0, 2.0]))}
    end = tf.while_loop(
        lambda s: s["count"] < 3,
        lambda s: [{"count": s["count"] + 1, "pair": (s["pair"][0] * 2.0, s["pair"][1] + s["pair"][0])}],
        [start],
    )
    end = end[0] if isinstance(end, (list, tuple)) else end
    return runs(tf, dict(count=end["count"], a=end["pair"][0], b=end["pair"][1]), [{}])


@golden(TOL)
def variables_in_while(tf):
    """A variable read by the body, and trained through it."""
    w = tf.Variable([[0.5, -0.3], [0.2, 0.8]])
    _, h = tf.while_loop(lambda t, h: t < 3, lambda t, h: (t + 1, tf.matmul(h, w)), [0, tf.ones([1, 2])])
    loss = tf.reduce_sum(tf.square(h))
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    out = {}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for i in range(3):
            out[f"loss{i}"] = sess.run(loss)
            sess.run(step)
        out["w"] = sess.run(w)
    return out


@golden(TOL)
def scan_map_fold(tf):
    x = tf.constant(numbers(4, 3))
    mapped = tf.map_fn(lambda row: tf.reduce_sum(row) * row, x)
    summed = tf.scan(lambda a, row: a * 0.5 + row, x)
    left = tf.foldl(lambda a, row: a * 2.0 + row, x)
    right = tf.foldr(lambda a, row: a * 2.0 + row, x)
    gradient = tf.gradients(tf.reduce_sum(tf.square(summed)) + tf.reduce_sum(mapped), x)[0]
    indices = tf.map_fn(lambda i: (i * i, tf.to_float(i)), tf.range(3), dtype=(tf.int32, tf.float32))
    fetches = dict(mapped=mapped, summed=summed, left=left, right=right, gradient=gradient)
    return runs(tf, dict(fetches, squares=indices[0], floats=indices[1]), [{}])


@golden()
def variables_behind_assignments(tf):
    """A variable used where an assignment has been waited for is the variable after it."""
    x, y = tf.Variable(0.0), tf.Variable(3.0)
    step = tf.assign_add(x, 1.0)
    with tf.control_dependencies([step]):
        same, more, product = tf.identity(x), x + 10.0, x * y
        slope = tf.gradients(product * x, x)[0]
    with tf.control_dependencies([tf.assign(y, more)]):
        both = x + y
        again = tf.assign_add(x, y)
    with tf.control_dependencies([again]):
        last = x * 1.0
    trained = tf.train.GradientDescentOptimizer(0.25).minimize(x * x)
    average = tf.train.ExponentialMovingAverage(0.5)
    with tf.control_dependencies([trained]):
        tracked = average.apply([x])
    out = {}
    fetches = dict(same=same, more=more, product=product, slope=slope, both=both, last=last)
    init = tf.global_variables_initializer()
    for key, fetch in dict(fetches, tracked=tracked).items():
        with tf.Session() as sess:
            sess.run(init)
            out[key] = [v for _ in range(3) if (v := sess.run(fetch)) is not None]
            out[key + "_then"] = sess.run([x, y, average.average(x)])
    return out


@golden()
def control_dependencies(tf):
    """Order that edges impose, and reads that follow or precede assignments by them."""
    v = tf.Variable(1.0)
    with tf.control_dependencies([tf.assign(v, 5.0)]):
        after = v.read_value()
        constant = tf.constant(7.0)
    before = v.read_value()
    with tf.control_dependencies([before]):
        bump = tf.assign_add(v, 10.0)
    with tf.control_dependencies([bump]):
        with tf.control_dependencies(None):
            free = tf.constant(2.0)
        last = v.read_value()
    out = {}
    with tf.Session() as sess:
        init = tf.global_variables_initializer()
        for key, fetch in dict(after=after, constant=constant, free=free, last=last).items():
            sess.run(init)
            out[key] = sess.run(fetch)
            out[key + "_v"] = sess.run(v)
    out["inputs"] = [op.name for op in constant.op.control_inputs] + [str(len(free.op.control_inputs))]
    return out


@golden()
def groups_and_tuples(tf):
    a, b = tf.Variable(1.0), tf.Variable(10.0)
    both = tf.group(tf.assign_add(a, 1.0), tf.assign_add(b, 1.0))
    gated = tf.tuple([tf.constant(3.0), tf.constant(4.0)], control_inputs=[tf.assign_add(a, 100.0)])
    out = {}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        out["none"] = str(sess.run(both))
        out["after_group"] = sess.run([a, b])
        out["tuple"] = sess.run(gated)
        out["after_tuple"] = sess.run([a, b])
    return out


@golden()
def variable_operations(tf):
    """Assignments of all kinds and the values they return."""
    v = tf.Variable(np.arange(6, dtype=np.float32).reshape(3, 2))
    ops = {
        "assign": lambda: v.assign([[1.0, 2], [3, 4], [5, 6]]),
        "add": lambda: v.assign_add(tf.ones([3, 2])),
        "sub": lambda: tf.assign_sub(v, tf.ones([3, 2]) * 0.5),
        "scatter_update": lambda: tf.scatter_update(v, [2, 0], [[9.0, 9], [8, 8]]),
        "scatter_add": lambda: tf.scatter_add(v, [1, 1, 0], [[1.0, 1], [2, 2], [3, 3]]),
        "scatter_sub": lambda: tf.scatter_sub(v, [1], [[0.5, 0.5]]),
        "scatter_mul": lambda: tf.scatter_mul(v, 2, [2.0, 3.0]),
        "initialized": lambda: tf.is_variable_initialized(v),
    }
    out = {}
    fetches = {key: make() for key, make in ops.items()}
    with tf.Session() as sess:
        out["before"] = sess.run(fetches["initialized"])
        sess.run(v.initializer)
        for key, fetch in fetches.items():
            out[key] = sess.run(fetch)
            out[key + "_after"] = sess.run(v)
    return out


@golden()
def initial_values_from_variables(tf):
    a = tf.Variable(3.0, name="a")
    b = tf.Variable(a.initialized_value() * 2.0, name="b")
    out = {}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        out["values"] = sess.run([a, b])
        a.load(11.0, sess)
        out["loaded"] = sess.run(a)
        out["missing"] = sess.run(tf.report_uninitialized_variables()).tolist() + [""]
    with tf.Session() as sess:
        out["reported"] = sess.run(tf.report_uninitialized_variables())
        out["reported"] = [name.decode() for name in out["reported"]]
    return out
