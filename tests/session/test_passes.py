"""Passes change what a run costs, never what it means."""

import numpy as np
import pytest

import tfmini as tf
from tests.cases import fused


def unoptimized() -> tf.ConfigProto:
    config = tf.ConfigProto()
    config.graph_options.optimizer_options.opt_level = tf.OptimizerOptions.L0
    return config


@pytest.mark.parametrize("case", fused.CASES, ids=lambda c: c.name)
def test_fusion_is_exact(case):
    feeds = [np.asarray(x, np.float32) if np.asarray(x).dtype == np.float64 else x for x in case.inputs]
    placeholders = [tf.placeholder(f.dtype, f.shape) for f in feeds]
    out = case.fn(*placeholders)
    feed_dict = dict(zip(placeholders, feeds))
    fetches = out if isinstance(out, list) else [out]
    fused_values = tf.Session().run(fetches, feed_dict)
    plain_values = tf.Session(config=unoptimized()).run(fetches, feed_dict)
    for a, b in zip(fused_values, plain_values):
        np.testing.assert_array_equal(a, b)
    assert "_FusedElementwise" in tf.Session().describe_plan(fetches, feed_dict)


def test_shape_arithmetic_is_folded():
    x = tf.placeholder(tf.float32, [None, 4])
    y = tf.reshape(x, tf.stack([tf.shape(x)[0] * 2, 2]))
    plan = tf.Session().describe_plan(tf.identity(y) + 1.0, {x: np.zeros([3, 4], np.float32)})
    assert "Shape" not in plan and "Pack" not in plan and "[6,2]" in plan


def test_equal_nodes_run_once():
    x = tf.placeholder(tf.float32, [8, 8])
    y = tf.matmul(x, x) - tf.matmul(x, x)
    assert tf.Session().describe_plan(y, {x: np.zeros([8, 8], np.float32)}).count("MatMul '") == 1


def test_random_nodes_are_not_merged():
    a, b = tf.random_uniform([4]), tf.random_uniform([4])
    x, y = tf.Session().run([a, b])
    assert not np.array_equal(x, y)


def test_memory_is_reused():
    x = tf.placeholder(tf.float32, [256, 256])
    y = x
    for _ in range(10):
        y = tf.matmul(y, x)
    plan = tf.Session().describe_plan(tf.reduce_sum(y), {x: np.zeros([256, 256], np.float32)})
    arena = int(plan.rpartition("arena: ")[2].split()[0])
    assert arena <= 2 * 256 * 256 * 4 + 1024


def test_fetched_intermediates_survive_in_place_kernels():
    x = tf.placeholder(tf.float32, [1000])
    a = tf.exp(x)
    b = tf.tanh(a)
    c = tf.nn.softmax(b)
    v = np.linspace(-1, 1, 1000, dtype=np.float32)
    got = tf.Session().run([a, b, c], {x: v})
    one = [tf.Session().run(t, {x: v}) for t in (a, b, c)]
    for p, q in zip(got, one):
        np.testing.assert_array_equal(p, q)
    np.testing.assert_array_equal(v, np.linspace(-1, 1, 1000, dtype=np.float32))
