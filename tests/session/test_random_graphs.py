"""Random graphs: the passes do not change what is computed, whatever they find."""

import numpy as np
import pytest

import tfmini as tf
from tests.session.test_passes import unoptimized

SIZE = 264  # [SIZE, SIZE] float32 values are large enough to be computed again
UNARY = (tf.tanh, tf.sigmoid, tf.nn.relu, tf.square, tf.abs, tf.negative, tf.cos, tf.nn.softplus, tf.nn.leaky_relu,
         lambda x: x * 0.5, lambda x: x + 1.0, tf.stop_gradient, lambda x: tf.clip_by_value(x, -1.0, 1.0))  # fmt: skip
BINARY = (tf.add, tf.subtract, tf.multiply, tf.maximum, lambda a, b: tf.add_n([a, b]), tf.squared_difference)


def random_graph(rng: np.random.Generator) -> tuple[list[tf.Tensor], dict[tf.Tensor, np.ndarray]]:
    """(tensors to fetch, feeds)"""
    feeds: dict[tf.Tensor, np.ndarray] = {}
    unknown = rng.random() < 0.4

    def placeholder(*shape: int) -> tf.Tensor:
        x = tf.placeholder(
            tf.float64, [None if unknown and i == 0 and len(shape) == 2 else n for i, n in enumerate(shape)]
        )
        feeds[x] = rng.standard_normal(shape)
        return x

    def choose(things):
        return things[rng.integers(len(things))]

    whole = [placeholder(SIZE, SIZE), placeholder(SIZE, SIZE)]
    parts = [placeholder(SIZE), placeholder(1, SIZE), placeholder(SIZE, 1)]
    start = [*whole, *parts]
    made: list[tf.Tensor] = []
    for _ in range(rng.integers(6, 24)):
        kind, x = rng.random(), choose(whole[-4:])
        if kind < 0.3:
            y = choose(UNARY)(x)
        elif kind < 0.5:
            y = choose(BINARY)(x, choose(whole))
        elif kind < 0.65:
            y = choose((tf.add, tf.multiply, tf.subtract))(x, choose(parts))
        elif kind < 0.75:
            reduce = choose((tf.reduce_mean, tf.reduce_max))
            parts.append(reduce(x, choose((0, 1)), keepdims=True))
            made.append(parts[-1])
            continue
        elif kind < 0.85:
            y = tf.matmul(x, choose(whole)) / SIZE
        elif kind < 0.93:
            y = tf.nn.bias_add(tf.reshape(tf.matmul(x, choose(whole)) / SIZE, [-1, 8, SIZE]), parts[0])
            y = tf.reshape(tf.nn.relu(y), [-1, SIZE])
        else:
            image = tf.reshape(x, [-1, 3, 11, SIZE // 11 // 3 * 33])
            ones = tf.ones([image.shape[-1]], tf.float64)
            y = tf.reshape(tf.nn.relu(tf.nn.fused_batch_norm(image, ones, ones)[0]), [-1, SIZE])
        whole.append(y)
        made.append(y)
    fetches = [t for t in made if rng.random() < 0.2] + made[-1:]
    fetches += [g for g in tf.gradients(tf.reduce_mean(tf.tanh(made[-1])), start) if g is not None]
    return fetches, feeds


@pytest.mark.cpu
@pytest.mark.parametrize("seed", range(60))
def test_random_graph(seed):
    fetches, feeds = random_graph(np.random.default_rng(seed))
    with tf.Session() as fused, tf.Session(config=unoptimized()) as plain:
        for got, want in zip(fused.run(fetches, feeds), plain.run(fetches, feeds)):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * (1 + np.abs(want).max()))
