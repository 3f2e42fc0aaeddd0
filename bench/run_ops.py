"""Kernels one by one: the rows of tests/cases that state their work, against NumPy's reference and the clock.

A row runs with its inputs in variables and its output not fetched, so nothing but the kernel moves data. The ratio
is NumPy's time for the row's reference over tfmini's (references compute in float64 and are no tuned competitors).
"""

import importlib
import pathlib
import sys

import numpy as np
import timing

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def cases(stems):
    folder = ROOT / "tests/cases"
    for path in sorted(folder.glob("*.py")):
        if path.stem in ("__init__", "table") or (stems and path.stem not in stems):
            continue
        for case in importlib.import_module(f"tests.cases.{path.stem}").CASES:
            if case.work:
                yield f"{path.stem}/{case.name}", case


def main():
    import tfmini as tf

    parser = timing.parser(__doc__, libraries=("tfmini",))
    parser.add_argument("families", nargs="*", help="case files, e.g. softmax conv2d (default: all)")
    parser.add_argument("--dtype", default="float32", help="dtype of the floating inputs (default float32)")
    args = parser.parse_args()
    suite = timing.Suite(args.budget, args.only)
    for name, case in cases(args.families):
        if not suite.wants(name):
            continue
        feeds = [np.asarray(a).astype(args.dtype) if np.asarray(a).dtype == np.float64 else a for a in case.inputs]
        with tf.Graph().as_default(), tf.Session() as sess:
            start = [tf.placeholder(tf.as_dtype(np.asarray(a).dtype), np.shape(a)) for a in feeds]
            variables = [tf.Variable(p) for p in start]
            out = case.fn(*[v.value() for v in variables])
            ops = [t.op for t in (out if isinstance(out, (list, tuple)) else [out])]
            sess.run([v.initializer for v in variables], dict(zip(start, feeds)))
            flops, moved = case.work
            suite.time(name, lambda sess=sess, ops=ops: sess.run(ops), flops=flops, bytes=moved)
        reference = timing.measure(lambda case=case, feeds=feeds: case.ref(*feeds), min(args.budget, 0.2))
        suite.rows[name]["numpy_over_tfmini"] = reference["median"] / suite.rows[name]["median"]
        print(f"{'':40} NumPy / tfmini {suite.rows[name]['numpy_over_tfmini']:.2f}")
    if args.json:
        suite.save(args.json, lib="tfmini", version=tf.__version__, dtype=args.dtype)


if __name__ == "__main__":
    main()
