"""How accurate the elementary functions are: `python -m tests.vector_math` prints the table of docs/vector_math.md.

Arguments are float32 bit patterns a fixed stride apart, so that every binade, the denormals, infinities and NaNs of both
signs are met; `--stride 1` takes all 2 ** 32. An error of 1 ULP is the distance between the float32 numbers around the
exact result.
"""

import argparse
import math

import numpy as np

import tfmini as tf
from tfmini import _core

ISAS = ("base", "avx2", "avx512")
STRIDE = 4099

_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


# name: (function, float64 reference, greatest error in ULP)
FUNCTIONS = {
    "exp": (tf.exp, np.exp, 1.2),
    "expm1": (tf.expm1, np.expm1, 2.0),
    "log": (tf.log, np.log, 1.0),
    "log1p": (tf.log1p, np.log1p, 1.6),
    "tanh": (tf.tanh, np.tanh, 2.6),
    "sigmoid": (tf.sigmoid, _sigmoid, 2.4),
    "softplus": (tf.nn.softplus, lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), 2.0),
    "erf": (tf.erf, lambda x: _erf(x).astype(np.float64), 2.5),
    "erfc": (tf.erfc, lambda x: _erfc(x).astype(np.float64), 1.0),
    "sin": (tf.sin, np.sin, 1.0),
    "cos": (tf.cos, np.cos, 1.0),
    "tan": (tf.tan, np.tan, 1.1),
    "asin": (tf.asin, np.arcsin, 1.0),
    "acos": (tf.acos, np.arccos, 1.0),
    "atan": (tf.atan, np.arctan, 1.0),
    "sinh": (tf.sinh, np.sinh, 1.0),
    "cosh": (tf.cosh, np.cosh, 1.0),
    "sqrt": (tf.sqrt, np.sqrt, 0.5),
    "rsqrt": (tf.rsqrt, lambda x: 1 / np.sqrt(x), 1.5),
    "pow(x, 0.37)": (lambda x: tf.pow(x, 0.37), lambda x: np.power(x, float(np.float32(0.37))), 1.0),
    "pow(x, -3)": (lambda x: tf.pow(x, -3.0), lambda x: np.power(x, -3.0), 1.0),
    "pow(1.7, x)": (lambda x: tf.pow(1.7, x), lambda x: np.power(float(np.float32(1.7)), x), 1.0),
}


def arguments(stride):
    """Float32 numbers `stride` bit patterns apart, in blocks, with the special ones first."""
    special = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1.1754944e-38, 3.4028235e38, -3.4028235e38]
    yield np.array(special, np.float32)
    block = 1 << 20
    for begin in range(0, 1 << 32, stride * block):
        bits = np.arange(begin, min(begin + stride * block, 1 << 32), stride, dtype=np.int64)
        yield bits.astype(np.uint32).view(np.float32)


def errors(got, exact):
    """Distances in ULP; infinite where one is NaN, or infinite, and the other is not."""
    with np.errstate(all="ignore"):
        want = exact.astype(np.float32)
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        ulp = np.spacing(np.maximum(np.abs(np.where(np.isfinite(want), want, 1)), np.float32(1.1754944e-38)))
        distance = np.abs(got.astype(np.float64) - exact) / ulp
        broken = ~(np.isfinite(got) & np.isfinite(want))
    return np.where(same & broken, 0.0, np.where(broken, np.inf, distance))


class Measurement:
    """The functions in one graph, so that every block of arguments is one run."""

    def __init__(self, names=tuple(FUNCTIONS)):
        self.names = names
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.x = tf.placeholder(tf.float32, [None])
            self.results = [FUNCTIONS[n][0](self.x) for n in names]

    def worst(self, isa, stride=STRIDE):
        """{name: (greatest error in ULP, its argument)} with the loops of this instruction set."""
        before = _core.isa()
        worst = dict.fromkeys(self.names, (0.0, 0.0))
        try:
            assert _core.set_isa(isa), f"this processor lacks {isa}"
            with tf.Session(graph=self.graph) as sess:
                for x in arguments(stride):
                    for name, got in zip(self.names, sess.run(self.results, {self.x: x})):
                        with np.errstate(all="ignore"):
                            e = errors(got, FUNCTIONS[name][1](x.astype(np.float64)))
                        k = int(e.argmax())
                        if e[k] > worst[name][0]:
                            worst[name] = (float(e[k]), float(x[k]))
        finally:
            _core.set_isa(before)
        return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stride", type=int, default=STRIDE, help="bit patterns between arguments (1: all of them)")
    parser.add_argument("--only", default="", help="functions whose name contains this")
    args = parser.parse_args()
    names = tuple(n for n in FUNCTIONS if args.only in n)
    measurement = Measurement(names)
    now = _core.isa()
    isas = [isa for isa in ISAS if _core.set_isa(isa)]
    _core.set_isa(now)
    tables = {isa: measurement.worst(isa, args.stride) for isa in isas}
    print("| function | " + " | ".join(isas) + " | worst argument |")
    print("|---|" + "---|" * (len(isas) + 1))
    for name in names:
        columns = " | ".join(f"{tables[isa][name][0]:.2f}" for isa in isas)
        print(f"| {name} | {columns} | {tables[isas[-1]][name][1]:.9g} |")


if __name__ == "__main__":
    main()
