"""Sums of many tensors."""

import tfmini as tf
from tests.cases.table import NUMBERS, Bad, Case, rand


def _sum(*xs):
    return sum(xs[1:], xs[0])


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
BAD = [
    Bad("empty", lambda: tf.add_n([]), ValueError, "at least one"),
    Bad("shapes", lambda: tf.add_n([tf.zeros([2]), tf.zeros([3])]), ValueError, r"\[2\].*\[3\]"),
    Bad("dtypes", lambda: tf.add_n([tf.zeros([2]), tf.zeros([2], tf.int32)]), (TypeError, ValueError), "int32|float32"),
    Bad("accumulate_shape", lambda: tf.accumulate_n([tf.zeros([2])], shape=[3]), ValueError, "shape"),
]
