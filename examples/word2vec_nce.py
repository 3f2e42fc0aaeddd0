"""Word vectors by skip-grams and noise-contrastive estimation, as on the slide, from Python's help texts.

For each word the network learns to tell the words near it from words drawn at random. Words used alike end up with
vectors that point alike; the program prints the nearest neighbours of some words at the end.
"""

import argparse
import math
import time

import numpy as np
from text import words
from tqdm import tqdm

import tfmini as tf

ASK = ["list", "string", "function", "method", "class", "import", "integer", "true", "first", "is"]


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabulary", type=int, default=3000, help="how many words get a vector (default 3000)")
    parser.add_argument("--size", type=int, default=32, help="numbers per vector (default 32)")
    parser.add_argument("--window", type=int, default=4, help="how far a neighbour may be away (default 4)")
    parser.add_argument("--sampled", type=int, default=32, help="random words per step, the noise (default 32)")
    parser.add_argument("--batch", type=int, default=128, help="word pairs per step (default 128)")
    parser.add_argument("--steps", type=int, default=60000, help="training steps (default 60000)")
    parser.add_argument(
        "--rate", type=float, default=6.0, help="falls to zero; high, as it applies to a batch mean (default 6)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default 1)")
    parser.add_argument("--quick", action="store_true", help="500 steps")
    args = parser.parse_args()
    if args.quick:
        args.steps = 500
    return args


def skip_grams(ids, batch, window, seed):
    """(words, a neighbour of each) without end. Very common words are skipped more often than not."""
    random = np.random.RandomState(seed)
    share = np.bincount(ids)[ids] / len(ids)
    ids = ids[random.uniform(size=len(ids)) < np.sqrt(1e-3 / share)]
    while True:
        at = random.randint(window, len(ids) - window, batch)
        offset = random.randint(1, window + 1, batch) * random.choice([-1, 1], batch)
        yield ids[at], ids[at + offset][:, None]


def main():
    args = parse_args()
    ids, names = words(args.vocabulary)

    tf.set_random_seed(args.seed)
    train_inputs = tf.placeholder(tf.int32, [args.batch], name="words")
    train_labels = tf.placeholder(tf.int32, [args.batch, 1], name="neighbours")
    rate = tf.placeholder(tf.float32, [], name="rate")
    # Look up embeddings for inputs.
    embeddings = tf.Variable(tf.random_uniform([args.vocabulary, args.size], -1.0, 1.0), name="embeddings")
    embed = tf.nn.embedding_lookup(embeddings, train_inputs)
    # Construct the variables for the NCE loss.
    start = tf.truncated_normal([args.vocabulary, args.size], stddev=1.0 / math.sqrt(args.size))
    nce_weights = tf.Variable(start, name="nce_weights")
    nce_biases = tf.Variable(tf.zeros([args.vocabulary]), name="nce_biases")
    # Each evaluation draws new noise.
    losses = tf.nn.nce_loss(
        weights=nce_weights, biases=nce_biases, labels=train_labels, inputs=embed,
        num_sampled=args.sampled, num_classes=args.vocabulary,
    )  # fmt: skip
    loss = tf.reduce_mean(losses)
    train_op = tf.train.GradientDescentOptimizer(rate).minimize(loss)
    unit = tf.nn.l2_normalize(embeddings, 1)

    started, smooth = time.time(), None
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        source = skip_grams(ids, args.batch, args.window, args.seed)
        bar = tqdm(range(args.steps), unit="step")
        for step in bar:
            inputs, labels = next(source)
            feed = {train_inputs: inputs, train_labels: labels, rate: args.rate * (1 - step / args.steps)}
            value, _ = sess.run([loss, train_op], feed)
            smooth = value if smooth is None else smooth + 0.01 * (value - smooth)
            if step % 500 == 0:
                bar.set_postfix(loss=f"{smooth:.3f}")
        vectors = sess.run(unit)
    print(f"loss {smooth:.3f} after {args.steps} steps in {time.time() - started:.1f} s")
    for word in ASK:
        near = np.argsort(-(vectors @ vectors[names.index(word)]))[1:6]
        print(f"{word:>10}: {', '.join(names[i] for i in near)}")


if __name__ == "__main__":
    main()
