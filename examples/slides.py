"""Every code slide of "TensorFlow" (2016), in order, as one script.

The code is the slides', with the names of 2016 (tf.initialize_all_variables, tf.train.SummaryWriter, tf.split(1, 4, x),
softmax_cross_entropy_with_logits(logits, labels), ...); only `print` has become a function. Where a slide shows a
fragment, the lines it leaves out stand around it. Each slide starts with an empty graph.

    python slides.py            all slides
    python slides.py 12 13      slides 12 and 13 only
    tensorboard --logdir=/tmp/tf_logs      afterwards, to look at the graphs and curves
"""

import argparse
import math
import os

import numpy as np

import tfmini as tf

SLIDES = []
FEED = np.array([[1.0, 2.0, 3.0]])
ANSWER = np.array([[0.0, 1.0, 0.0]])


def slide(title):
    def add(fn):
        SLIDES.append((title, fn))
        return fn

    return add


@slide("With TensorFlow: a ReLU layer as a matrix operation")
def with_tensorflow(args):
    x, w = [[1.0, 2.0, 3.0]], tf.zeros([3, 3])
    y = tf.matmul(x, w)
    out = tf.nn.relu(y)
    print(out)


@slide("Define tensors: Variable(<initial-value>, name=<optional-name>)")
def define_tensors(args):
    x = FEED.astype(np.float32)
    w = tf.Variable(tf.random_normal([3, 3]), name="w")
    y = tf.matmul(x, w)
    relu_out = tf.nn.relu(y)
    print(relu_out)


@slide("The code so far defines a data flow graph: each variable is a node")
def data_flow_graph(args):
    define_tensors(args)
    for op in tf.get_default_graph().get_operations():
        print(f"  {op.type:22} {op.name}")


@slide("Session and fetch: an uninitialised variable is an empty node")
def fetch(args):
    sess = tf.Session()
    x = FEED.astype(np.float32)
    w = tf.Variable(tf.random_normal([3, 3]), name="w")
    y = tf.matmul(x, w)
    relu_out = tf.nn.relu(y)
    try:
        print(sess.run(relu_out))
    except tf.errors.FailedPreconditionError as e:
        print("FailedPreconditionError:", e.message.splitlines()[0])


@slide("Initialize the variables")
def initialize(args):
    sess = tf.Session()
    x = FEED.astype(np.float32)
    w = tf.Variable(tf.random_normal([3, 3]), name="w")
    y = tf.matmul(x, w)
    relu_out = tf.nn.relu(y)
    sess.run(tf.initialize_all_variables())
    print(sess.run(relu_out))


@slide("How about x? placeholder(<data type>, shape=<optional-shape>, name=<optional-name>)")
def placeholder(args):
    sess = tf.Session()
    x = tf.placeholder("float", [1, 3])
    w = tf.Variable(tf.random_normal([3, 3]), name="w")
    y = tf.matmul(x, w)
    relu_out = tf.nn.relu(y)
    sess.run(tf.initialize_all_variables())
    try:
        print(sess.run(relu_out))
    except tf.errors.InvalidArgumentError as e:
        print("InvalidArgumentError:", e.message.splitlines()[0])


@slide("Feed: pump data into the pipe")
def feed(args):
    sess = tf.Session()
    x = tf.placeholder("float", [1, 3])
    w = tf.Variable(tf.random_normal([3, 3]), name="w")
    y = tf.matmul(x, w)
    relu_out = tf.nn.relu(y)
    sess.run(tf.initialize_all_variables())
    print(sess.run(relu_out, feed_dict={x: np.array([[1.0, 2.0, 3.0]])}))
    sess.close()


@slide("Session management: close(), with, InteractiveSession")
def session_management(args):
    with tf.Session() as sess:
        print(sess.run(tf.constant("closed at the end of the block")))
    sess = tf.InteractiveSession()
    print(tf.constant("the session that eval() uses").eval())
    sess.close()


@slide("Prediction: softmax makes predictions that sum to 1; difference from the answer")
def prediction(args):
    with tf.Session() as sess:
        x = tf.placeholder("float", [1, 3])
        w = tf.Variable(tf.random_normal([3, 3]), name="w")
        relu_out = tf.nn.relu(tf.matmul(x, w))
        softmax = tf.nn.softmax(relu_out)
        sess.run(tf.initialize_all_variables())
        answer = np.array([[0.0, 1.0, 0.0]])
        print(answer - sess.run(softmax, feed_dict={x: np.array([[1.0, 2.0, 3.0]])}))


@slide("Learn parameters: loss, optimization, iterative update")
def learn(args):
    with tf.Session() as sess:
        x = tf.placeholder("float", [1, 3])
        w = tf.Variable(tf.random_normal([3, 3]), name="w")
        relu_out = tf.nn.relu(tf.matmul(x, w))
        labels = tf.placeholder("float", [1, 3])
        cross_entropy = tf.nn.softmax_cross_entropy_with_logits(relu_out, labels, name="xentropy")
        optimizer = tf.train.GradientDescentOptimizer(0.1)
        train_op = optimizer.minimize(cross_entropy)
        sess.run(tf.initialize_all_variables())
        for step in range(10):
            loss, _ = sess.run([cross_entropy, train_op], feed_dict={x: FEED, labels: ANSWER})
            print(f"  step {step}: loss {loss[0]:.4f}")


def train(sess, loss, x, labels, steps=10, extra=()):
    """The training loop of the later slides; returns the last values of `extra`."""
    train_op = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    sess.run(tf.initialize_all_variables())
    for _ in range(steps):
        results = sess.run([train_op, loss, *extra], feed_dict={x: FEED, labels: ANSWER})
    print(f"  loss after {steps} steps: {float(np.mean(results[1])):.4f}")
    return results[2:]


@slide("Add parameters for softmax: do not want to use only non-negative input")
def softmax_layer(args):
    with tf.Session() as sess:
        x, labels = tf.placeholder("float", [1, 3]), tf.placeholder("float", [1, 3])
        w = tf.Variable(tf.random_normal([3, 3]))
        relu_out = tf.nn.relu(tf.matmul(x, w))
        softmax_w = tf.Variable(tf.random_normal([3, 3]))
        logit = tf.matmul(relu_out, softmax_w)
        softmax = tf.nn.softmax(logit)
        cross_entropy = tf.nn.softmax_cross_entropy_with_logits(logit, labels, name="xentropy")
        print(train(sess, cross_entropy, x, labels, extra=[softmax]))


@slide("Add biases, initialized to zeros")
def biases(args):
    with tf.Session() as sess:
        x, labels = tf.placeholder("float", [1, 3]), tf.placeholder("float", [1, 3])
        w = tf.Variable(tf.random_normal([3, 3]))
        b = tf.Variable(tf.zeros([1, 3]))
        relu_out = tf.nn.relu(tf.matmul(x, w) + b)
        softmax_w = tf.Variable(tf.random_normal([3, 3]))
        softmax_b = tf.Variable(tf.zeros([1, 3]))
        logit = tf.matmul(relu_out, softmax_w) + softmax_b
        cross_entropy = tf.nn.softmax_cross_entropy_with_logits(logit, labels, name="xentropy")
        train(sess, cross_entropy, x, labels)


@slide("Make it deep: add layers")
def deep(args):
    with tf.Session() as sess:
        x, labels = tf.placeholder("float", [1, 3]), tf.placeholder("float", [1, 3])
        relu_out = x
        num_layers = 2
        for layer in range(num_layers):
            w = tf.Variable(tf.random_normal([3, 3]))
            b = tf.Variable(tf.zeros([1, 3]))
            relu_out = tf.nn.relu(tf.matmul(relu_out, w) + b)
        cross_entropy = tf.nn.softmax_cross_entropy_with_logits(relu_out, labels, name="xentropy")
        train(sess, cross_entropy, x, labels)


def scoped_layers(x, num_layers=2):
    """Hidden layers and the softmax layer, each in a name scope (the slide "Improve naming")."""
    relu_out = x
    for layer in range(num_layers):
        with tf.name_scope("relu"):
            w = tf.Variable(tf.random_normal([3, 3]))
            b = tf.Variable(tf.zeros([1, 3]))
            relu_out = tf.nn.relu(tf.matmul(relu_out, w) + b)
    with tf.name_scope("softmax"):
        softmax_w = tf.Variable(tf.random_normal([3, 3]))
        softmax_b = tf.Variable(tf.zeros([1, 3]))
        return tf.matmul(relu_out, softmax_w) + softmax_b, softmax_w


@slide("TensorBoard: visualize the graph; improve naming, improve visualization")
def tensorboard(args):
    with tf.Session() as sess:
        x, labels = tf.placeholder("float", [1, 3]), tf.placeholder("float", [1, 3])
        logit, _ = scoped_layers(x)
        print("  " + " ".join(v.name for v in tf.all_variables()))
        train(sess, tf.nn.softmax_cross_entropy_with_logits(logit, labels, name="xentropy"), x, labels)
        writer = tf.train.SummaryWriter(args.logs, sess.graph_def)
        writer.close()


@slide("Add regularization to the loss, e.g. L2 on the softmax layer's parameters")
def regularization(args):
    with tf.Session() as sess:
        x, labels = tf.placeholder("float", [1, 3]), tf.placeholder("float", [1, 3])
        logit, softmax_w = scoped_layers(x)
        cross_entropy = tf.nn.softmax_cross_entropy_with_logits(logit, labels, name="xentropy")
        l2reg = tf.reduce_sum(tf.square(softmax_w))
        loss = cross_entropy + l2reg
        train(sess, loss, x, labels)
        print(sess.run(l2reg))


@slide("Add a parallel path; use an activation as bias: everything is a tensor")
def parallel_path(args):
    with tf.Session() as sess:
        x, labels = tf.placeholder("float", [1, 3]), tf.placeholder("float", [1, 3])
        w = tf.Variable(tf.random_normal([3, 3]))
        b = tf.Variable(tf.zeros([1, 3]))
        relu_1 = tf.nn.relu(tf.matmul(x, w) + b)
        w_2 = tf.Variable(tf.random_normal([3, 3]))
        relu_2 = tf.nn.relu(tf.matmul(relu_1, w_2) + x)  # x itself is the bias: residual learning
        train(sess, tf.nn.softmax_cross_entropy_with_logits(relu_2, labels, name="xentropy"), x, labels)


@slide("Visualize states: scalar_summary, histogram_summary, merge_all_summaries")
def summaries(args):
    with tf.Session() as sess:
        x, labels = tf.placeholder("float", [1, 3]), tf.placeholder("float", [1, 3])
        logit, softmax_w = scoped_layers(x)
        cross_entropy = tf.nn.softmax_cross_entropy_with_logits(logit, labels, name="xentropy")
        loss = tf.reduce_mean(cross_entropy)
        tf.scalar_summary("loss", loss)
        tf.histogram_summary("softmax_w", softmax_w)
        merged_summaries = tf.merge_all_summaries()
        train_op = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        sess.run(tf.initialize_all_variables())
        writer = tf.train.SummaryWriter(args.logs, sess.graph_def)
        for step in range(10):
            results = sess.run([train_op, merged_summaries], feed_dict={x: FEED, labels: ANSWER})
            writer.add_summary(results[1], step)
        writer.close()
        print(f"  event files in {args.logs}")


@slide("Save and load the model: restore replaces initialization")
def save_and_load(args):
    w = tf.Variable(tf.random_normal([3, 3]), name="w")
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(tf.initialize_all_variables())
        before = sess.run(w)
        path = saver.save(sess, os.path.join(args.logs, "model.ckpt"), global_step=10)
    with tf.Session() as sess:
        saver.restore(sess, path)
        print("  restored from", path, np.array_equal(before, sess.run(w)))


@slide("Convolution: conv2d(input, filter, strides, padding)")
def convolution(args):
    with tf.Session() as sess:
        image = tf.random_uniform([1, 28, 28, 1])
        weights = tf.Variable(tf.truncated_normal([5, 5, 1, 32], stddev=0.1))
        relu = tf.nn.relu(tf.nn.conv2d(image, weights, strides=[1, 1, 1, 1], padding="SAME"))
        pool = tf.nn.max_pool(relu, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
        sess.run(tf.initialize_all_variables())
        print(" ", sess.run(pool).shape)


@slide("LSTM: BasicLSTMCell, in its own words and as the library has it")
def lstm(args):
    def linear(inputs, output_size):
        matrix = tf.get_variable("matrix", [sum(int(x.get_shape()[1]) for x in inputs), output_size])
        return tf.matmul(tf.concat(1, inputs), matrix) + tf.get_variable("bias", [output_size])

    num_units, forget_bias = 4, 1.0
    inputs, state = tf.random_normal([2, 3]), tf.random_normal([2, 8])
    sigmoid, tanh = tf.sigmoid, tf.tanh
    # Parameters of gates are concatenated into one multiply for efficiency.
    c, h = tf.split(1, 2, state)
    concat = linear([inputs, h], 4 * num_units)
    # i = input_gate, j = new_input, f = forget_gate, o = output_gate
    i, j, f, o = tf.split(1, 4, concat)
    new_c = c * sigmoid(f + forget_bias) + sigmoid(i) * tanh(j)
    new_h = tanh(new_c) * sigmoid(o)

    cell = tf.nn.rnn_cell.BasicLSTMCell(num_units, forget_bias=1.0, state_is_tuple=False)
    output, new_state = cell(inputs, state)
    with tf.Session() as sess:
        sess.run(tf.initialize_all_variables())
        print(" ", *[value.shape for value in sess.run([new_c, new_h, output, new_state])])


@slide("Word2Vec with TensorFlow: embedding lookup and NCE loss")
def word2vec(args):
    vocabulary_size, embedding_size, batch_size, num_sampled = 50, 8, 16, 4
    train_inputs = tf.placeholder(tf.int32, shape=[batch_size])
    train_labels = tf.placeholder(tf.int32, shape=[batch_size, 1])
    # Look up embeddings for inputs.
    embeddings = tf.Variable(tf.random_uniform([vocabulary_size, embedding_size], -1.0, 1.0))
    embed = tf.nn.embedding_lookup(embeddings, train_inputs)
    # Construct the variables for the NCE loss
    nce_weights = tf.Variable(
        tf.truncated_normal([vocabulary_size, embedding_size], stddev=1.0 / math.sqrt(embedding_size))
    )
    nce_biases = tf.Variable(tf.zeros([vocabulary_size]))
    # Compute the average NCE loss for the batch. tf.nce_loss automatically draws a new sample of the
    # negative labels each time we evaluate the loss.
    loss = tf.reduce_mean(tf.nn.nce_loss(nce_weights, nce_biases, embed, train_labels, num_sampled, vocabulary_size))
    train_op = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    words = np.arange(batch_size)
    with tf.Session() as sess:
        sess.run(tf.initialize_all_variables())
        for step in range(101):
            value, _ = sess.run([loss, train_op], {train_inputs: words, train_labels: words[:, None] + 1})
            if step % 50 == 0:
                print(f"  step {step}: loss {value:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slides", type=int, nargs="*", help="numbers of the slides to run (default: all)")
    parser.add_argument("--logs", default="/tmp/tf_logs", help="where event files and checkpoints go")
    parser.add_argument("--seed", type=int, default=1, help="the graph-level seed, the same for each slide (default 1)")
    parser.add_argument("--quick", action="store_true", help="accepted for symmetry: this script takes no time")
    args = parser.parse_args()
    for number, (title, run) in enumerate(SLIDES, 1):
        if args.slides and number not in args.slides:
            continue
        print(f"\n{number}. {title}")
        tf.ops.reset_default_graph()
        tf.set_random_seed(args.seed)
        run(args)


if __name__ == "__main__":
    main()
