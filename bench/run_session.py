"""What a run costs around its kernels: tiny networks, chains, loops, new sessions, building graphs.

python bench/run_session.py                      all rows, tfmini alone
python bench/run_session.py --peer tensorflow=PYTHON --peer torch=PYTHON --json bench/results/MACHINE.json
"""

import os
import subprocess
import sys
import time

import numpy as np
from compare import compare, parser
from libraries import load
from timing import Suite, seconds

X = np.ones((1, 3), np.float32)
TARGET = np.array([[0, 1, 0]], np.float32)
WEIGHTS = np.linspace(-1, 1, 9, dtype=np.float32).reshape(3, 3)


class GraphCases:
    """The rows for tfmini and TensorFlow. Each method returns a callable, or (callable, operations per call)."""

    def __init__(self, tf):
        self.tf = tf

    def session(self):
        sess = self.tf.Session()
        sess.run(self.tf.global_variables_initializer())
        return sess

    def slide_net(self):
        x = self.tf.placeholder(self.tf.float32, [1, 3])
        return x, self.tf.nn.relu(self.tf.matmul(x, self.tf.Variable(WEIGHTS)))

    def no_op(self):
        op = self.tf.no_op()
        sess = self.session()
        return lambda: sess.run(op)

    def slide_net_run(self):
        x, y = self.slide_net()
        sess = self.session()
        return lambda: sess.run(y, feed_dict={x: X})

    def slide_net_run_list_feed(self):
        x, y = self.slide_net()
        sess = self.session()
        return lambda: sess.run(y, feed_dict={x: [[1.0, 2.0, 3.0]]})

    def slide_net_callable(self):
        x, y = self.slide_net()
        call = self.session().make_callable(y, [x])
        return lambda: call(X)

    def slide_net_train(self):
        tf = self.tf
        x, t = tf.placeholder(tf.float32, [1, 3]), tf.placeholder(tf.float32, [1, 3])
        logits = tf.nn.relu(tf.matmul(x, tf.Variable(WEIGHTS)) + tf.Variable(tf.zeros([3])))
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=t, logits=logits))
        step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        sess = self.session()
        return lambda: sess.run([step, loss], feed_dict={x: X, t: TARGET})

    def scalar_chain(self):
        """Alternating products and maxima, which no rewriter can merge; per op."""
        tf = self.tf
        v, w = tf.Variable(np.float32(0.5)), tf.Variable(np.float32(0.9))
        y = v
        for _ in range(500):
            y = tf.maximum(y * w, v)
        sess = self.session()
        return (lambda: sess.run(y.op)), 1000

    def while_loop(self):
        """Per iteration."""
        tf = self.tf
        one = tf.Variable(np.float32(1))
        end = tf.while_loop(lambda i, a: i < 1000, lambda i, a: [i + 1, a + one], [tf.constant(0), tf.constant(0.0)])
        sess = self.session()
        return (lambda: sess.run(end[1].op)), 1000

    def new_session(self):
        x, y = self.slide_net()
        init = self.tf.global_variables_initializer()

        def first_run():
            with self.tf.Session() as sess:
                sess.run(init)
                sess.run(y, feed_dict={x: X})

        return first_run

    def build_50_layers(self):
        """Python's part: fifty dense layers and their gradients."""
        tf = self.tf

        def build():
            with tf.Graph().as_default():
                h = tf.placeholder(tf.float32, [8, 16])
                for _ in range(50):
                    h = tf.nn.relu(tf.matmul(h, tf.Variable(tf.zeros([16, 16]))) + tf.Variable(tf.zeros([16])))
                tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(h))

        return build

    ROWS = (
        no_op, slide_net_run, slide_net_run_list_feed, slide_net_callable, slide_net_train, scalar_chain, while_loop,
        new_session, build_50_layers,
    )  # fmt: skip

    def rows(self):
        for method in self.ROWS:
            with self.tf.Graph().as_default():
                yield f"session/{method.__name__}", lambda method=method: method(self)


class TorchCases:
    """The same work in PyTorch's eager mode, where it has a counterpart."""

    def __init__(self, torch):
        self.torch = torch
        self.x, self.w = torch.from_numpy(X), torch.from_numpy(WEIGHTS.copy())

    def slide_net_run(self):
        torch = self.torch

        def run():
            with torch.inference_mode():
                return torch.relu(torch.from_numpy(X) @ self.w).numpy()

        return run

    def slide_net_train(self):
        torch = self.torch
        w, b = self.w.clone().requires_grad_(), torch.zeros(3, requires_grad=True)
        optimizer = torch.optim.SGD([w, b], lr=0.1)

        def step():
            optimizer.zero_grad()
            logits = torch.relu(torch.from_numpy(X) @ w + b)
            loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(TARGET))
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    def scalar_chain(self):
        torch = self.torch
        v, w = torch.tensor(0.5), torch.tensor(0.9)

        def chain():
            y = v
            with torch.inference_mode():
                for _ in range(500):
                    y = torch.maximum(y * w, v)
            return y

        return chain, 1000

    def while_loop(self):
        torch = self.torch
        one = torch.tensor(1.0)

        def loop():
            with torch.inference_mode():
                i, a = torch.tensor(0), torch.tensor(0.0)
                while i < 1000:
                    i, a = i + 1, a + one
            return a

        return loop, 1000

    def rows(self):
        for method in (self.slide_net_run, self.slide_net_train, self.scalar_chain, self.while_loop):
            yield f"session/{method.__name__}", method


def time_import(suite, lib):
    """Seconds from starting Python to having the library, less Python's own; and what it adds to memory."""
    statement = {
        "tfmini": "import tfmini as tf; tf.Session",
        "tensorflow": "import tensorflow.compat.v1 as tf; tf.disable_v2_behavior(); tf.Session",
        "torch": "import torch",
    }[lib.removesuffix("-compile")]

    def run(code):
        start = time.perf_counter()
        code += "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
        return time.perf_counter() - start, int(out.stdout.split()[-1]) * 1024

    bare = min(run("pass") for _ in range(3))
    full = min(run(statement) for _ in range(3))
    suite.rows["session/import"] = dict(median=full[0] - bare[0], check=[])
    print(f"{'session/import':40} {seconds(full[0] - bare[0]):>10}  (RSS {full[1] / 2**20:.0f} MiB)", flush=True)


def main():
    args = parser(__doc__).parse_args()
    if args.peer:
        sys.exit(0 if compare(__file__, args) else 1)
    suite = Suite(args.budget, args.only)
    library = load(args.lib)
    cases = TorchCases(library) if args.lib.startswith("torch") else GraphCases(library)
    if suite.wants("session/import"):
        time_import(suite, args.lib)
    for name, make in cases.rows():
        if not suite.wants(name):
            continue
        try:
            made = make()
            fn, per = made if isinstance(made, tuple) else (made, 1)
            suite.time(name, fn, per)
        except Exception as e:
            suite.failed(name, e)
    suite.end(args.json, getattr(library, "__version__", "?"))


if __name__ == "__main__":
    main()
