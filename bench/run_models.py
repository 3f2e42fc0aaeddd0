"""Whole training steps: python bench/run_models.py [--peer tensorflow=PYTHON] [--peer torch=PYTHON]."""

import pathlib
import sys

import timing

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from models import eager, graphs


def main():
    args = timing.parser(__doc__).parse_args()
    if args.peer:
        return timing.compare(__file__, args)
    suite = timing.Suite(args.budget, args.only)
    library = timing.load(args.lib)
    for model in (eager if args.lib == "torch" else graphs).MODELS:
        name = model.__name__
        if not suite.wants(name):
            continue
        try:
            if args.lib == "torch":
                suite.time(name, model(library))
                continue
            with library.Graph().as_default():
                sess, fetches, feed = model(library)
                suite.time(name, lambda sess=sess, fetches=fetches, feed=feed: sess.run(fetches, feed_dict=feed))
                sess.close()
        except (AttributeError, NotImplementedError) as e:  # a library without some part: say so, go on
            suite.failed(name, e)
    if args.json:
        suite.save(args.json, lib=args.lib, version=getattr(library, "__version__", "?"))


if __name__ == "__main__":
    main()
