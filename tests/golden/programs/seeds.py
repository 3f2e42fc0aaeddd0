"""Random numbers: the same seeds give TensorFlow's own bits, run after run."""

import hashlib

import numpy as np

from tests.golden.registry import golden


def sequence(tf, tensors, runs=3):
    """{i_run: value} of several runs in one session, then the first run of a new session."""
    out = {}
    for session in range(2):
        with tf.Session() as sess:
            for run in range(runs if session == 0 else 1):
                for i, value in enumerate(sess.run(tensors)):
                    out[f"t{i}s{session}r{run}"] = value
    return out


@golden()
def uniform_op_seed(tf):
    return sequence(tf, [tf.random_uniform([n], seed=7) for n in (1, 3, 4, 5, 17)])


@golden()
def uniform_dtypes(tf):
    kinds = [(tf.float64, -2, 3), (tf.float16, 0, 1), (tf.int32, -5, 100), (tf.int64, 0, 10**12)]
    return sequence(tf, [tf.random_uniform([2, 5], low, high, dtype=d, seed=3) for d, low, high in kinds], runs=2)


@golden()
def normal_op_seed(tf):
    return sequence(tf, [tf.random_normal([n], seed=7) for n in (1, 2, 5, 16)])


@golden()
def normal_dtypes(tf):
    return sequence(tf, [tf.random_normal([9], 1.0, 2.0, dtype=d, seed=11) for d in (tf.float64, tf.float16)], runs=2)


@golden()
def truncated_normal_op_seed(tf):
    """Long enough for rejections to happen."""
    return sequence(tf, [tf.truncated_normal([n], mean=1.0, stddev=0.5, seed=9) for n in (3, 200)])


@golden()
def truncated_normal_float64(tf):
    return sequence(tf, [tf.truncated_normal([50], dtype=tf.float64, seed=9)], runs=2)


@golden()
def graph_seed_and_op_seed(tf):
    tf.set_random_seed(42)
    return sequence(tf, [tf.random_uniform([4], seed=s) for s in (0, 1, 2**31 - 1)] + [tf.random_normal([4], seed=5)])


@golden()
def graph_seed_alone(tf):
    """The op's seed is then the number of nodes made before it: the same program gives the same numbers."""
    tf.set_random_seed(1234)
    a = tf.random_uniform([4])
    b = tf.random_uniform([4])
    c = tf.random_normal([2, 2])
    d = tf.truncated_normal([4])
    tf.constant(1.0)
    e = tf.random_uniform([3], maxval=10, dtype=tf.int32)
    return sequence(tf, [a, b, c, d, e])


@golden()
def initialisers_under_a_graph_seed(tf):
    """Start values of variables, as programs make them after tf.set_random_seed."""
    tf.set_random_seed(1)
    tf.placeholder("float", [1, 3])
    variables = [tf.Variable(tf.random_normal([3, 3]), name="w")]
    variables.append(tf.get_variable("uniform", [2, 3], initializer=tf.random_uniform_initializer(-1, 1, seed=2)))
    variables.append(tf.get_variable("normal", [2, 3], initializer=tf.random_normal_initializer(seed=3)))
    truncated = tf.truncated_normal_initializer(stddev=2, seed=4)
    variables.append(tf.get_variable("truncated", [2, 3], initializer=truncated))
    variables.append(tf.get_variable("unscaled", [4, 3]))  # the default is Glorot's uniform
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return {v.op.name: value for v, value in zip(variables, sess.run(variables))}


@golden()
def both_seeds_zero(tf):
    tf.set_random_seed(0)
    return sequence(tf, [tf.random_uniform([4], seed=0)])


@golden()
def shuffle(tf):
    x = tf.constant(np.arange(20))
    return sequence(tf, [tf.random_shuffle(x, seed=5), tf.random_shuffle(tf.reshape(x, [5, 4]), seed=5)])


@golden()
def multinomial(tf):
    logits = tf.log([[10.0, 20.0, 30.0], [1.0, 1.0, 100.0]])
    return sequence(tf, [tf.multinomial(logits, 12, seed=8), tf.multinomial(logits, 1, seed=1)])


@golden()
def random_crop(tf):
    return sequence(tf, [tf.random_crop(np.arange(60).reshape(6, 10), [3, 4], seed=6)])


@golden()
def dropout(tf):
    x = tf.ones([4, 6])
    kept = [tf.nn.dropout(x, keep_prob=0.6, seed=3), tf.nn.dropout(x, keep_prob=0.5, noise_shape=[4, 1], seed=4)]
    kept += [tf.nn.dropout(x, rate=0.9, seed=5), tf.gradients(kept[0], x)[0]]
    return sequence(tf, kept)


@golden()
def one_draw_per_run(tf):
    """Two readers of one op see one draw; two ops with one seed draw alike."""
    a, b = tf.random_uniform([3], seed=1), tf.random_uniform([3], seed=1)
    return sequence(tf, [a - b, a - a, a + 0.0])


@golden()
def long_streams(tf):
    """Digests of streams long enough to be made in parallel pieces."""
    out = {}
    with tf.Session() as sess:
        for name, make in (("uniform", tf.random_uniform), ("integers", ints_of(tf))):
            values = sess.run(make([100_003], seed=17))
            out[name] = hashlib.sha256(values.tobytes()).hexdigest()
            out[name + "_tail"] = values[-8:]
    return out


def ints_of(tf):
    return lambda shape, seed: tf.random_uniform(shape, 0, 1 << 20, dtype=tf.int32, seed=seed)


@golden(1e-6)
def long_normal_streams(tf):
    """Samples across long streams; the tails of the distribution go through another logarithm."""
    out = {}
    with tf.Session() as sess:
        for name, make in (("normal", tf.random_normal), ("truncated", tf.truncated_normal)):
            values = sess.run(make([100_003], seed=17))
            out.update({name: values[::997], name + "_extremes": np.sort(values)[[0, 1, -2, -1]]})
    return out
