"""Writes tests/golden/data with real TensorFlow: python -m tests.golden.write [--only TEXT] (in its environment).

Needs tensorflow (any 2.x; its compat.v1 module is used with version-2 behaviour off) and NumPy, not tfmini.
"""

import argparse
import collections
import os

import numpy as np

from tests.golden.registry import DATA, programs

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="run programs whose name contains this; others are kept")
    args = parser.parse_args()

    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    DATA.mkdir(exist_ok=True)
    files = collections.defaultdict(dict)
    for program in programs():
        if args.only not in program.name:
            with np.load(DATA / f"{program.file}.npz") as old:
                kept = {k: old[k] for k in old.files if k.split("/")[0] == program.name}
            files[program.file].update(kept)
            continue
        result = program.run(tf)
        for key, value in result.items():
            if value.dtype == object:
                raise TypeError(f"{program.name}/{key} is not an array of numbers or of strings: {value!r}")
            files[program.file][f"{program.name}/{key}"] = value
        print(f"{program.file:16} {program.name:40} {len(result):3} values")
    for file, values in files.items():
        np.savez_compressed(DATA / f"{file}.npz", **values)
    print(f"{sum(p.stat().st_size for p in DATA.glob('*.npz')) / 1024:.0f} KiB in {len(files)} files")


if __name__ == "__main__":
    main()
