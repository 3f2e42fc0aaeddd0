"""A character-level language model: an LSTM reads Python's help texts and learns to continue them.

The text is cut into --batch parallel streams, read --length characters at a time; the LSTM's state is carried from
one piece to the next. The last tenth of the text is held out, and the loss there is given in bits per character (a
model that knows only how frequent each character is reaches about 4.6). At the end the model writes some text itself.
"""

import argparse
import time

import numpy as np
from text import characters
from tqdm import tqdm

import tfmini as tf


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=128, help="size of the LSTM's state (default 128)")
    parser.add_argument("--batch", type=int, default=32, help="streams read in parallel (default 32)")
    parser.add_argument("--length", type=int, default=40, help="characters per training step (default 40)")
    parser.add_argument("--steps", type=int, default=1500, help="training steps (default 1500)")
    parser.add_argument("--rate", type=float, default=4e-3, help="Adam's learning rate (default 0.004)")
    parser.add_argument("--write", type=int, default=300, help="characters to write at the end (default 300)")
    parser.add_argument("--seed", type=int, default=1, help="of the start values and the writing (default 1)")
    parser.add_argument("--quick", action="store_true", help="30 steps of a small model")
    args = parser.parse_args()
    if args.quick:
        args.units, args.steps, args.write = 32, 30, 60
    return args


class Model:
    """inputs, targets: [batch, time] character ids. logits, loss, and the state before and after."""

    def __init__(self, alphabet, units):
        self.inputs = tf.placeholder(tf.int32, [None, None], name="inputs")
        self.targets = tf.placeholder(tf.int32, [None, None], name="targets")
        cell = tf.nn.rnn_cell.BasicLSTMCell(units, forget_bias=1.0)
        self.start = cell.zero_state(tf.shape(self.inputs)[0], tf.float32)
        embeddings = tf.get_variable("embeddings", [alphabet, units // 2])
        embedded = tf.nn.embedding_lookup(embeddings, self.inputs)
        outputs, self.end = tf.nn.dynamic_rnn(cell, embedded, initial_state=self.start)
        w = tf.get_variable("w", [units, alphabet])
        b = tf.get_variable("b", [alphabet], initializer=tf.zeros_initializer())
        self.logits = tf.matmul(tf.reshape(outputs, [-1, units]), w) + b
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.reshape(self.targets, [-1]), logits=self.logits
        )
        self.loss = tf.reduce_mean(losses)


def streams(ids, batch):
    """The text as [batch, length]: row i goes on where it left off in the next piece."""
    length = len(ids) // batch
    return ids[: batch * length].reshape(batch, length)


def pieces(table, length):
    """(inputs, targets) of successive pieces, for ever; `first` tells when the text starts anew."""
    while True:
        for at in range(0, table.shape[1] - length, length):
            yield at == 0, table[:, at : at + length], table[:, at + 1 : at + length + 1]


def write(sess, model, names, count, seed):
    """Draws one character after the other from the model's distribution."""
    random = np.random.RandomState(seed)
    state, last, out = None, names.index("\n"), []
    for _ in range(count):
        feed = {model.inputs: [[last]]}
        if state is not None:
            feed[model.start] = state
        logits, state = sess.run([model.logits, model.end], feed)
        p = np.exp(logits[0] - logits[0].max())
        last = random.choice(len(names), p=p / p.sum())
        out.append(names[last])
    return "".join(out)


def main():
    args = parse_args()
    text = characters()
    names = sorted(set(text))
    index = {c: i for i, c in enumerate(names)}
    ids = np.array([index[c] for c in text], np.int32)
    cut = len(ids) * 9 // 10

    tf.set_random_seed(args.seed)
    model = Model(len(names), args.units)
    optimizer = tf.train.AdamOptimizer(args.rate)
    gradients, variables = zip(*optimizer.compute_gradients(model.loss))
    gradients, _ = tf.clip_by_global_norm(gradients, 5.0)
    train_op = optimizer.apply_gradients(zip(gradients, variables))

    started = time.time()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        source = pieces(streams(ids[:cut], args.batch), args.length)
        bar = tqdm(range(args.steps), unit="step")
        state, smooth = None, np.log(len(names))
        for _ in bar:
            first, inputs, targets = next(source)
            feed = {model.inputs: inputs, model.targets: targets}
            if not first:
                feed[model.start] = state
            loss, state, _ = sess.run([model.loss, model.end, train_op], feed)
            smooth += 0.05 * (loss - smooth)
            bar.set_postfix(bits=f"{smooth / np.log(2):.3f}")
        held_out = streams(ids[cut:], 8)
        loss = sess.run(model.loss, {model.inputs: held_out[:, :-1], model.targets: held_out[:, 1:]})
        print(write(sess, model, names, args.write, args.seed))
    print(f"held-out text: {loss / np.log(2):.3f} bits per character after {time.time() - started:.1f} s")


if __name__ == "__main__":
    main()
