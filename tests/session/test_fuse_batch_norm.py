"""Batch normalization in training with the relu that follows it."""

import numpy as np
import pytest

import tfmini as tf
from tests.session.test_passes import unoptimized
from tfmini import raw

SHAPE = [3, 8, 9, 20]


def layer(name="x"):
    """(image, scale, offset, batch normalization of the image)"""
    x = tf.placeholder(tf.float32, SHAPE, name)
    scale, offset = tf.Variable(tf.ones(SHAPE[-1])), tf.Variable(tf.fill([SHAPE[-1]], 0.1))
    return x, scale, offset, tf.nn.fused_batch_norm(x, scale, offset)[0]


def image(seed):
    return np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)


def run(fetches, feed):
    """(plan, results, results of the same graph run node by node)"""
    sessions = tf.Session(), tf.Session(config=unoptimized())
    for sess in sessions:
        sess.run(tf.global_variables_initializer())
    fused, plain = (sess.run(fetches, feed) for sess in sessions)
    return sessions[0].describe_plan(fetches, feed), fused, plain


def same(fused, plain):
    for a, b in zip(fused, plain):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_relu_and_its_gradient_cost_no_pass():
    x, scale, offset, y = layer()
    z, dz = tf.nn.relu(y), tf.placeholder(tf.float32, SHAPE)
    fetches = [z, *tf.gradients(z, [x, scale, offset], dz)]
    plan, fused, plain = run(fetches, {x: image(0), dz: image(1)})
    assert "_BatchNormRelu " in plan and "_BatchNormReluGrad " in plan
    assert not any(op in plan for op in ("\nRelu", "\nReluGrad", "\nFusedBatchNorm"))
    same(fused, plain)


@pytest.mark.parametrize("swapped", [False, True])
def test_residual_blocks(swapped):
    x, scale, offset, y = layer()
    other, _, _, shortcut = layer("other")
    z = tf.nn.relu(shortcut + y if swapped else y + shortcut)
    fetches = [z, *tf.gradients(z, [x, other, scale, offset], z * z)]
    plan, fused, plain = run(fetches, {x: image(0), other: image(1)})
    assert plan.count("_BatchNormRelu ") == 1 and plan.count("FusedBatchNormV3 ") == 1
    same(fused, plain)


def follow(how, x, y):
    """Something that needs a relu of its own, or more than the relu."""
    if how == "fetched":
        return [tf.nn.relu(y), y]
    if how == "used twice":
        return [tf.nn.relu(y), tf.nn.elu(y)]
    if how == "added to itself":
        return [tf.nn.relu(y + y)]
    if how == "another shape":
        return [tf.nn.relu(y + tf.ones([9, 20]))]
    if how == "inference":
        ones = tf.ones([SHAPE[-1]])
        return [tf.nn.relu(tf.nn.fused_batch_norm(x, ones, ones, ones, ones, is_training=False)[0])]
    with tf.control_dependencies([tf.nn.relu(y)]):
        return [tf.identity(x)]


@pytest.mark.parametrize(
    "how", ["fetched", "used twice", "added to itself", "another shape", "inference", "waited for"]
)
def test_what_is_left_alone(how):
    x, _, _, y = layer()
    plan, fused, plain = run(follow(how, x, y), {x: image(0)})
    assert "_BatchNormRelu" not in plan
    same(fused, plain)


def test_the_gradient_of_another_relu_stays():
    x, scale, _, y = layer()
    z = tf.nn.relu(y)
    mask = tf.placeholder(tf.float32, SHAPE)
    dx = tf.gradients(y, [x, scale], raw.ReluGrad(z, mask))
    plan, fused, plain = run([z, *dx], {x: image(0), mask: image(1)})
    assert "_BatchNormReluGrad" not in plan
    same(fused, plain)


def test_constants():
    x = tf.constant(image(2))
    one = tf.ones([SHAPE[-1]])
    y, mean, variance = tf.nn.fused_batch_norm(x, one, one)
    z = tf.nn.relu(y)
    _, fused, plain = run([z, mean, *tf.gradients(z, [x, one], z)], {})
    same(fused, plain)
