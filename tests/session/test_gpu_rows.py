"""What is done to rows that are named often: lists of items that are cut into pieces on the device (cuda/core/fold_rows.cu)."""

import numpy as np
import pytest

import tfmini as tf
from tfmini import raw

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.usefixtures("graph"),
    pytest.mark.skipif(not tf.test.is_gpu_available(), reason="no GPU (`tfmini devices` says why)"),
]

# Lengths of lists around those of pieces (512), which start and end anywhere.
LENGTHS = [0, 1, 511, 512, 513, 0, 300, 1024, 1025, 3, 2048, 700, 1, 1537, 512]


def lists(shuffled):
    ids = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    return np.random.default_rng(1).permutation(ids) if shuffled else ids


def on_host():
    return tf.ConfigProto(device_count={"GPU": 0})


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("width", [1, 3, 8, 300, 1100])
def test_sums_of_integers_are_exact(width, shuffled):
    ids = lists(shuffled)
    x = np.random.default_rng(2).integers(-(2**31), 2**31, (len(ids), width), dtype=np.int64).astype(np.int32)
    want = np.zeros((len(LENGTHS), width), np.int32)
    np.add.at(want, ids, x)
    data = tf.placeholder(tf.int32, x.shape)
    with tf.device("/gpu:0"):
        total = tf.unsorted_segment_sum(data, ids, len(LENGTHS))
    np.testing.assert_array_equal(tf.Session().run(total, {data: x}), want)


@pytest.mark.parametrize("how", ["Sum", "Prod", "Min", "Max"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_segments(how, dtype):
    ids = lists(True)
    x = np.random.default_rng(3).uniform(0.98, 1.02, (len(ids), 5)).astype(dtype)
    data = tf.placeholder(dtype, x.shape)
    reduced = getattr(raw, f"UnsortedSegment{how}")(data, ids, len(LENGTHS))
    mean = raw.SegmentMean(data, np.sort(ids))
    got = tf.Session().run([reduced, mean], {data: x})
    want = tf.Session(config=on_host()).run([reduced, mean], {data: x})
    for a, b in zip(got, want):
        np.testing.assert_allclose(a, b, rtol=2e-3 if dtype == np.float16 else 1e-5)
    for a, b in zip(got, tf.Session().run([reduced, mean], {data: x})):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("how", "update add sub mul div min max".split())
def test_scatters(how):
    ids = lists(True)
    rng = np.random.default_rng(4)
    start, x = rng.uniform(1, 2, (len(LENGTHS), 3)), rng.uniform(0.99, 1.01, (len(ids), 3))
    results = []
    v = tf.Variable(start, dtype=tf.float64)
    op = getattr(tf, f"scatter_{how}")(v, ids, x)
    for config in (None, on_host()):
        with tf.Session(config=config) as sess:
            sess.run(v.initializer)
            sess.run(op)
            results.append(sess.run(v))
    np.testing.assert_allclose(*results, rtol=1e-10)


@pytest.mark.parametrize(
    "optimizer",
    [lambda: tf.train.GradientDescentOptimizer(0.1), lambda: tf.train.AdamOptimizer(0.1)],
    ids=["descent", "adam"],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_optimizers(optimizer, dtype):
    ids = lists(True)
    weights = np.random.default_rng(5).uniform(1e-4, 1e-3, (len(ids), 9)).astype(dtype)
    v = tf.Variable(np.ones((len(LENGTHS), 9), dtype))
    loss = tf.reduce_sum(tf.gather(v, ids) * weights)
    train = optimizer().minimize(loss)
    results = []
    for config in (None, None, on_host()):
        with tf.Session(config=config) as sess:
            sess.run(tf.global_variables_initializer())
            sess.run(train)
            results.append(sess.run(v))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_allclose(results[0], results[2], rtol=1e-10 if dtype == np.float64 else 1e-5)
