"""reverse and reverse_sequence, against NumPy's flip."""

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, Bad, Case, rand

MOVED = (*ALL_FLOATS, "int32", "int64", "uint8", "bool")
LENGTHS = np.array([0, 1, 4, 3])


def reverse(name, x, axis, **kwargs):
    return Case(
        f"reverse_{name}",
        lambda t: tf.reverse(t, axis),
        [x],
        lambda a: np.flip(a, tuple(axis)),
        ops=("ReverseV2",),
        **kwargs,
    )


def reversed_sequences(x, seq, batch):
    a = np.moveaxis(np.array(x), (batch, seq), (0, 1))
    for row, n in zip(a, LENGTHS):
        row[:n] = row[:n][::-1].copy()
    return np.moveaxis(a, (0, 1), (batch, seq))


def sequence(name, x, seq, batch, **kwargs):
    return Case(
        f"reverse_sequence_{name}",
        lambda t: tf.reverse_sequence(t, LENGTHS, seq, batch),
        [x],
        lambda a: reversed_sequences(a, seq, batch),
        ops=("ReverseSequence",),
        **kwargs,
    )


CASES = [
    reverse("rows", rand(3, 5), [0], dtypes=MOVED, second=True),
    reverse("columns", rand(3, 17), [-1], dtypes=MOVED),
    reverse("both", rand(3, 5), [0, 1]),
    reverse("middle", rand(2, 3, 4), [1]),
    reverse("empty", rand(0, 3), [0, 1]),
    Case("reverse_none", lambda t: tf.reverse(t, np.zeros(0, np.int32)), [rand(3)], lambda a: a),
    Case("reverse_fed", tf.reverse, [rand(3, 5), np.int64([-2])], lambda a, axis: a[::-1]),
    Case(
        "reverse_flags",
        lambda t: tf.reverse(t, [True, False]),
        [rand(3, 5)],
        lambda a: a[::-1],
        ops=("Reverse",),
    ),
    Case("reverse_strings", lambda t: tf.reverse(t, [0]), [np.array([b"a", b"b"], object)], np.flip, (), False),
    sequence("batch_major", rand(4, 5, 2), 1, 0, dtypes=MOVED, second=True),
    sequence("time_major", rand(5, 4), 0, 1),
    sequence("apart", rand(4, 3, 5), 2, 0),
    sequence("inside", rand(2, 5, 3, 4), 1, 3),
    Case(
        "reverse_sequence_old",
        lambda t, n: tf.reverse_sequence(t, n, seq_dim=1, batch_dim=0),
        [rand(4, 5), LENGTHS.astype(np.int32)],
        lambda a, n: reversed_sequences(a, 1, 0),
    ),
]


def _run(lengths):
    with tf.Session() as sess:
        n = tf.placeholder(tf.int64, [None])
        sess.run(tf.reverse_sequence(tf.zeros([2, 3]), n, 1), {n: lengths})


def _run_axis(axis):
    with tf.Session() as sess:
        p = tf.placeholder(tf.int32, [None])
        sess.run(tf.reverse(tf.zeros([2, 3]), p), {p: axis})


BAD = [
    Bad("axis", lambda: tf.reverse(tf.zeros([2]), [1]), ValueError, "out of range"),
    Bad("twice", lambda: tf.reverse(tf.zeros([2, 3]), [0, -2]), ValueError, "twice"),
    Bad("scalar_axis", lambda: tf.reverse(tf.zeros([2]), 0), ValueError, "rank 1"),
    Bad("flags", lambda: tf.reverse(tf.zeros([2]), [True, False]), ValueError, "one element per dimension"),
    Bad("run_axis", lambda: _run_axis([2]), tf.errors.InvalidArgumentError, "out of range"),
    Bad("run_twice", lambda: _run_axis([0, 0]), tf.errors.InvalidArgumentError, "twice"),
    Bad("no_seq", lambda: tf.reverse_sequence(tf.zeros([2, 3]), [1, 1]), ValueError, "seq_axis"),
    Bad("same_dims", lambda: tf.reverse_sequence(tf.zeros([2, 3]), [1, 1], 0, 0), ValueError, "must differ"),
    Bad("batch", lambda: tf.reverse_sequence(tf.zeros([2, 3]), [1, 1, 1], 1), ValueError, "must agree"),
    Bad("run_length", lambda: _run([1, 4]), tf.errors.InvalidArgumentError, r"seq_lengths\[1\] = 4"),
    Bad("run_negative", lambda: _run([-1, 0]), tf.errors.InvalidArgumentError, r"seq_lengths\[0\] = -1"),
]
