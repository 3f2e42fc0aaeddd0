"""Digests of what TensorFlow's random ops draw: successive runs, many sizes and dtypes.

`python -m tests.golden.random_digests` writes data/random_digests.json with TensorFlow; tests/test_random.py
compares. Normal numbers go through the C library's logarithm, sine and cosine, whose last bits differ between
libraries: their digests are those of glibc on x86-64.
"""

import hashlib
import json
import pathlib

import numpy as np

DIGESTS = pathlib.Path(__file__).parent / "data/random_digests.json"
SIZES = (1, 3, 4, 5, 17, 1000, 100_003)
RUNS = 3
CLASSES = np.array([[1, 2], [7, 0], [3, 3]], np.int64)
LOGITS = np.log(np.array([[10.0, 20.0, 30.0], [1.0, 1.0, 100.0]]))


def specs():
    """{name: (op, inputs by name, attributes)}"""
    out = {}
    for n in SIZES:
        shape = {"shape": np.array([n], np.int32)}
        seeds = {"seed": 87654321, "seed2": n}
        for dtype in ("float32", "float64", "float16", "bfloat16"):
            for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
                out[f"{op}-{dtype}-{n}"] = op, shape, {**seeds, "dtype": dtype}
        for dtype in (np.int32, np.int64):
            info = np.iinfo(dtype)
            for low, high in ((0, 10), (-7, 1_000_003), (info.min, info.max)):
                bounds = {"minval": dtype(low), "maxval": dtype(high)}
                out[f"RandomUniformInt-{low}-{high}-{n}"] = "RandomUniformInt", {**shape, **bounds}, seeds
        out[f"RandomShuffle-{n}"] = "RandomShuffle", {"value": np.arange(n, dtype=np.float32)}, seeds
        if n <= 1000:
            rows = {"value": np.arange(3 * n).reshape(n, 3)}
            out[f"RandomShuffle-rows-{n}"] = "RandomShuffle", rows, seeds
            samples = {"logits": LOGITS, "num_samples": np.int32(n)}
            if n < 100:  # TensorFlow's own numbers depend on its threads beyond
                out[f"Multinomial-{n}"] = "Multinomial", samples, seeds
            for dtype in (np.float32, np.float64):
                alpha = {**shape, "alpha": np.array([0.3, 1, 5, 40], dtype)}
                out[f"RandomGamma-{np.dtype(dtype)}-{n}"] = "RandomGamma", alpha, seeds
                for result in ("float32", "int64"):
                    rate = {**shape, "rate": np.array([0.3, 1, 9.9, 10, 40], dtype)}
                    attrs = {**seeds, "dtype": result}
                    out[f"RandomPoissonV2-{np.dtype(dtype)}-{result}-{n}"] = "RandomPoissonV2", rate, attrs
    for unique in (True, False):
        for n in (1, 7, 50):
            attrs = {"num_true": 2, "num_sampled": n, "unique": unique, "seed": 11, "seed2": 5}
            for top in (50, 51, 100_000):
                for kind in ("Uniform", "LogUniform", "LearnedUnigram"):
                    op = f"{kind}CandidateSampler"
                    out[f"{op}-{unique}-{n}-{top}"] = op, {"true_classes": CLASSES}, {**attrs, "range_max": top}
            fixed = {"vocab_file": "", "distortion": 0.75, "num_reserved_ids": 3, "num_shards": 1, "shard": 0}
            fixed.update(range_max=103, unigrams=[float(1 + 7 * i % 100) for i in range(100)])
            op = "FixedUnigramCandidateSampler"
            out[f"{op}-{unique}-{n}"] = op, {"true_classes": CLASSES}, {**attrs, **fixed}
    return out


SPECS = specs()


def digest(runs):
    """Of the arrays of several runs."""
    h = hashlib.sha256()
    for arrays in runs:
        for a in arrays if isinstance(arrays, (list, tuple)) else [arrays]:
            h.update(np.ascontiguousarray(a).tobytes())
    return h.hexdigest()[:24]


def main():
    """Writes DIGESTS, with TensorFlow."""
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    found = {}
    for name, (op, inputs, attrs) in SPECS.items():
        with tf.Graph().as_default(), tf.Session() as sess:
            attrs = {k: tf.as_dtype(v) if k == "dtype" else v for k, v in attrs.items()}
            fetch = getattr(tf.raw_ops, op)(**{k: tf.constant(v) for k, v in inputs.items()}, **attrs)
            fetch = list(fetch) if isinstance(fetch, tuple) else fetch
            found[name] = digest(sess.run(fetch) for _ in range(RUNS))
    DIGESTS.write_text(json.dumps(found, indent=0) + "\n")


if __name__ == "__main__":
    main()
