"""Sums of many tensors."""

import tfmini as tf
from tests.cases.table import NUMBERS, Bad, Case, rand


def _sum(*xs):
    return sum(xs[1:], xs[0])


def _products(m, n, depths, **kwargs):
    """The sum of products of tall matrices: one product in a plan."""
    count = len(depths)
    return Case(
        f"products_{m}x{n}_{'_'.join(map(str, depths))}",
        lambda *xs: tf.add_n([tf.matmul(a, b, transpose_a=True) for a, b in zip(xs[:count], xs[count:])]),
        [rand(k, m) for k in depths] + [rand(k, n) for k in depths],
        lambda *xs: sum(a.T @ b for a, b in zip(xs[:count], xs[count:])),
        ops=("_SumOfProducts",),
        tol={"float32": 1e-6 * max(sum(depths), 10), "bfloat16": 5e-2, "float16": 5e-3},
        **kwargs,
    )


CASES = [
    Case(f"add_n_{n}_of_{'x'.join(map(str, s))}", lambda *xs: tf.add_n(xs),
         [rand(*s, low=0, high=9) for _ in range(n)], _sum,
         dtypes=NUMBERS, ops=("AddN",), second=n == 3, tol={"bfloat16": 5e-2, "float16": 5e-3})
    for n, s in [(1, (5,)), (2, (33,)), (3, (4, 5)), (7, (2500,)), (4, (0, 3)), (5, ())]
]  # fmt: skip
CASES += [
    Case("add_n_same", lambda x: tf.add_n([x, x, x]), [rand(17)], lambda x: 3 * x),
    Case("accumulate_n", lambda *xs: tf.accumulate_n(xs, shape=[3]), [rand(3), rand(3)], _sum),
]
CASES += [
    _products(5, 7, [3, 3], second=True),
    _products(17, 33, [1, 4, 0, 2, 20]),
    _products(13, 65, [20] * 8),
    _products(9, 31, [600, 500, 1030, 400], grad=False),  # too deep to be joined all at once
    _products(1, 1, [5, 6, 7]),
    _products(0, 3, [2, 2]),
    _products(3, 4, [0, 0]),
]
BAD = [
    Bad("empty", lambda: tf.add_n([]), ValueError, "at least one"),
    Bad("shapes", lambda: tf.add_n([tf.zeros([2]), tf.zeros([3])]), ValueError, r"\[2\].*\[3\]"),
    Bad("dtypes", lambda: tf.add_n([tf.zeros([2]), tf.zeros([2], tf.int32)]), (TypeError, ValueError), "int32|float32"),
    Bad("accumulate_shape", lambda: tf.accumulate_n([tf.zeros([2])], shape=[3]), ValueError, "shape"),
]
