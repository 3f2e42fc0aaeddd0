"""Random ops against TensorFlow: successive runs, all sizes, bit for bit."""

import json
import platform

import numpy as np
import pytest

import tfmini as tf
from tests.golden.random_digests import DIGESTS, RUNS, SPECS, digest
from tfmini import raw


def needs_libm(name):
    return any(part in name for part in ("Normal", "Gamma", "Log"))


@pytest.mark.parametrize("name", SPECS)
def test_bits(name):
    if needs_libm(name) and (platform.libc_ver()[0], platform.machine()) != ("glibc", "x86_64"):
        pytest.skip("the digests of normal numbers are those of glibc on x86-64")
    op, inputs, attrs = SPECS[name]
    with tf.Graph().as_default():
        fetch = getattr(raw, op)(*inputs.values(), **attrs)
        narrow = attrs.get("dtype") == "bfloat16"
        fetch = raw.Cast(fetch, DstT="float32") if narrow else fetch
        with tf.Session() as sess:
            runs = [sess.run(fetch) for _ in range(RUNS)]
        # NumPy has no bfloat16: it is the upper half of a float32.
        got = digest([(r.view(np.uint32) >> 16).astype(np.uint16) for r in runs] if narrow else runs)
    assert got == json.loads(DIGESTS.read_text())[name]


def test_seeds_follow_the_graph_seed():
    """TensorFlow's table of (graph seed, op seed) -> (seed, seed2)."""
    top = 2**31 - 1
    for graph_seed, op_seed, want in (
        (None, None, (None, None)),
        (None, 7, (87654321, 7)),
        (5, 7, (5, 7)),
        (0, 0, (0, top)),
        (top, top, (0, top)),
        (2**31, -1, (1, top - 1)),
    ):
        with tf.Graph().as_default():
            tf.set_random_seed(graph_seed)
            assert tf.get_seed(op_seed) == want
    with tf.Graph().as_default():
        tf.set_random_seed(5)
        assert [tf.get_seed(None) for _ in range(3)] == [(5, 0), (5, 1), (5, 2)]


def test_unseeded_ops_differ():
    with tf.Graph().as_default():
        fetches = [tf.random_uniform([4]), tf.random_uniform([4])]
        with tf.Session() as one, tf.Session() as two:
            draws = [*one.run(fetches), *one.run(fetches), *two.run(fetches)]
    assert len({d.tobytes() for d in draws}) == len(draws)


def test_sessions_start_anew():
    with tf.Graph().as_default():
        x = tf.random_uniform([4], seed=3)
        with tf.Session() as one, tf.Session() as two:
            first, second = one.run(x), one.run(x)
            assert not np.array_equal(first, second)
            np.testing.assert_array_equal(two.run(x), first)
