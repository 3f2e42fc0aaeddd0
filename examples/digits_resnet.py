"""A deep residual network on handwritten digits: the "parallel path" of the slides.

Each block adds what its two convolutions compute to what came in, relu(x + f(x)), so that the signal and its
gradient have a short way through however many blocks there are. `--plain` takes the parallel path away and leaves
everything else: with 20 layers the difference is small, with 56 (--blocks 9) it is not.
"""

import argparse
import time

import numpy as np
from digits_convnet import load_data
from tqdm import tqdm

import tfmini as tf


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=3, help="residual blocks per stage; 6n+2 layers (default 3)")
    parser.add_argument("--plain", action="store_true", help="the same network without the parallel path")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training images (default 20)")
    parser.add_argument("--batch", type=int, default=50, help="images per step (default 50)")
    parser.add_argument("--rate", type=float, default=0.05, help="learning rate, divided by 10 at 60 %% and 85 %%")
    parser.add_argument("--seed", type=int, default=1, help="of the split, the start values and the order (default 1)")
    parser.add_argument("--quick", action="store_true", help="one block per stage and two epochs")
    args = parser.parse_args()
    if args.quick:
        args.blocks, args.epochs = 1, 2
    return args


class Network:
    """Builds the logits; `updates` move the averages that stand in for batch statistics at test time."""

    def __init__(self, training, plain):
        self.training = training
        self.plain = plain
        self.updates = []

    def conv(self, x, channels, stride, name):
        """3x3 convolution and batch normalisation."""
        with tf.variable_scope(name):
            fan_in = 9 * int(x.shape[-1])
            start = tf.truncated_normal_initializer(stddev=np.sqrt(2.0 / fan_in))
            w = tf.get_variable("w", [3, 3, int(x.shape[-1]), channels], initializer=start)
            x = tf.nn.conv2d(x, w, strides=[1, stride, stride, 1], padding="SAME")
            return self.batch_norm(x, channels)

    def batch_norm(self, x, channels, decay=0.9):
        scale = tf.get_variable("scale", [channels], initializer=tf.ones_initializer())
        offset = tf.get_variable("offset", [channels], initializer=tf.zeros_initializer())
        average = tf.get_variable("mean", [channels], initializer=tf.zeros_initializer(), trainable=False)
        spread = tf.get_variable("variance", [channels], initializer=tf.ones_initializer(), trainable=False)
        mean, variance = tf.nn.moments(x, [0, 1, 2])
        self.updates.append(average.assign_sub((average - mean) * (1 - decay)))
        self.updates.append(spread.assign_sub((spread - variance) * (1 - decay)))
        mean, variance = tf.cond(self.training, lambda: (mean, variance), lambda: (average + 0.0, spread + 0.0))
        return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-3)

    def block(self, x, channels, stride, name):
        with tf.variable_scope(name):
            y = tf.nn.relu(self.conv(x, channels, stride, "a"))
            y = self.conv(y, channels, 1, "b")
            if self.plain:
                return tf.nn.relu(y)
            if stride > 1:  # the parallel path shrinks the image and fills the new channels with zeros
                x = tf.nn.avg_pool(x, ksize=[1, stride, stride, 1], strides=[1, stride, stride, 1], padding="SAME")
                x = tf.pad(x, [[0, 0], [0, 0], [0, 0], [0, channels - int(x.shape[-1])]])
            return tf.nn.relu(x + y)

    def logits(self, images, blocks):
        x = tf.nn.relu(self.conv(images, 16, 1, "first"))
        for stage, channels in enumerate((16, 32, 64)):
            for i in range(blocks):
                x = self.block(x, channels, 2 if stage > 0 and i == 0 else 1, f"stage{stage}_block{i}")
        x = tf.reduce_mean(x, [1, 2])
        start = tf.truncated_normal_initializer(stddev=0.1)
        w = tf.get_variable("w", [64, 10], initializer=start)
        return tf.nn.xw_plus_b(x, w, tf.get_variable("b", [10], initializer=tf.zeros_initializer()))


def main():
    args = parse_args()
    (train_x, train_y), (test_x, test_y) = load_data(args.seed)
    steps = args.epochs * -(-len(train_y) // args.batch)

    tf.set_random_seed(args.seed)
    images = tf.placeholder(tf.float32, [None, 8, 8, 1], name="images")
    labels = tf.placeholder(tf.int32, [None], name="labels")
    training = tf.placeholder_with_default(False, [], name="training")
    net = Network(training, args.plain)
    logits = net.logits(images, args.blocks)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    loss += 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables() if v.op.name.endswith("/w")])
    accuracy = tf.reduce_mean(tf.to_float(tf.equal(tf.cast(tf.argmax(logits, 1), tf.int32), labels)))
    step = tf.train.get_or_create_global_step()
    bounds = [int(0.6 * steps), int(0.85 * steps)]
    rate = tf.train.piecewise_constant(step, bounds, [args.rate, args.rate / 10, args.rate / 100])
    train_op = tf.train.MomentumOptimizer(rate, 0.9).minimize(loss, global_step=step)

    shuffle = np.random.RandomState(args.seed)
    started = time.time()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        bar = tqdm(range(args.epochs), unit="epoch", desc=f"{6 * args.blocks + 2} layers")
        for _ in bar:
            order = shuffle.permutation(len(train_y))
            for at in range(0, len(order), args.batch):
                rows = order[at : at + args.batch]
                feed = {images: train_x[rows], labels: train_y[rows], training: True}
                value = sess.run([loss, train_op, net.updates], feed)[0]
            bar.set_postfix(loss=f"{value:.4f}")
        result = sess.run(accuracy, {images: test_x, labels: test_y})
    kind = "plain" if args.plain else "residual"
    print(f"{kind}, {6 * args.blocks + 2} layers: test accuracy {100 * result:.2f} % in {time.time() - started:.1f} s")


if __name__ == "__main__":
    main()
