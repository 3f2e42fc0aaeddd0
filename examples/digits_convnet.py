"""A convolutional network on scikit-learn's handwritten digits (1797 images of 8x8 pixels).

Two 3x3 convolutions, one max pool, one hidden layer with dropout, Adam. The images are split once, by --seed,
into 1437 for training and 360 for testing.
"""

import argparse
import time

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import tfmini as tf


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=60, help="passes over the training images (default 60)")
    parser.add_argument("--batch", type=int, default=50, help="images per step; smaller is noisier (default 50)")
    parser.add_argument("--rate", type=float, default=1e-3, help="Adam's learning rate (default 0.001)")
    parser.add_argument("--keep", type=float, default=0.5, help="share of hidden units dropout keeps (default 0.5)")
    parser.add_argument("--seed", type=int, default=1, help="of the split, the start values and dropout (default 1)")
    parser.add_argument("--quick", action="store_true", help="three epochs, to see that everything works")
    args = parser.parse_args()
    if args.quick:
        args.epochs = 3
    return args


def load_data(seed):
    """((train images, train labels), (test images, test labels)); pixels in [0, 1]."""
    digits = load_digits()
    order = np.random.RandomState(seed).permutation(len(digits.target))
    images = (digits.images[order, :, :, None] / 16.0).astype(np.float32)
    labels = digits.target[order].astype(np.int32)
    return (images[:1437], labels[:1437]), (images[1437:], labels[1437:])


def weights(shape, name):
    """Normal start values scaled so that activations keep their size through relu layers."""
    return tf.Variable(tf.truncated_normal(shape, stddev=np.sqrt(2.0 / np.prod(shape[:-1]))), name=name)


def conv_layer(x, channels, name):
    with tf.name_scope(name):
        w = weights([3, 3, int(x.shape[-1]), channels], "w")
        b = tf.Variable(tf.zeros([channels]), name="b")
        return tf.nn.relu(tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME") + b)


def network(images, keep_prob):
    """Logits of the ten digits for images of shape [batch, 8, 8, 1]."""
    x = conv_layer(images, 32, "conv1")
    x = conv_layer(x, 64, "conv2")
    x = tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    with tf.name_scope("hidden"):
        x = tf.reshape(x, [-1, 4 * 4 * 64])
        x = tf.nn.relu(tf.matmul(x, weights([4 * 4 * 64, 128], "w")) + tf.Variable(tf.zeros([128]), name="b"))
        x = tf.nn.dropout(x, keep_prob=keep_prob)
    with tf.name_scope("logits"):
        return tf.matmul(x, weights([128, 10], "w")) + tf.Variable(tf.zeros([10]), name="b")


def main():
    args = parse_args()
    (train_x, train_y), (test_x, test_y) = load_data(args.seed)

    tf.set_random_seed(args.seed)
    images = tf.placeholder(tf.float32, [None, 8, 8, 1], name="images")
    labels = tf.placeholder(tf.int32, [None], name="labels")
    keep_prob = tf.placeholder_with_default(1.0, [], name="keep_prob")
    logits = network(images, keep_prob)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    accuracy = tf.reduce_mean(tf.to_float(tf.equal(tf.cast(tf.argmax(logits, 1), tf.int32), labels)))
    train_op = tf.train.AdamOptimizer(args.rate).minimize(loss)

    shuffle = np.random.RandomState(args.seed)
    started = time.time()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        bar = tqdm(range(args.epochs), unit="epoch")
        for _ in bar:
            order = shuffle.permutation(len(train_y))
            for at in range(0, len(order), args.batch):
                rows = order[at : at + args.batch]
                feed = {images: train_x[rows], labels: train_y[rows], keep_prob: args.keep}
                value, _ = sess.run([loss, train_op], feed)
            bar.set_postfix(loss=f"{value:.4f}")
        result = sess.run(accuracy, {images: test_x, labels: test_y})
    print(f"test accuracy {100 * result:.2f} % after {args.epochs} epochs in {time.time() - started:.1f} s")


if __name__ == "__main__":
    main()
