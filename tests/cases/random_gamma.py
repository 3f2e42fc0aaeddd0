"""Gamma and Poisson numbers for given seeds."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case
from tfmini import raw

SEEDS = {"seed": 3, "seed2": 4}
GAMMA = [
    [0.030098978607101822, 1.4409040920653111, 1.7353096468824127],
    [0.358395496536684, 0.4698859473298968, 2.4988507549818553],
    [0.15078957071898044, 0.1677800986538215, 3.920118165545469],
]
POISSON = np.array([[0.0, 1.0, 42.0], [1.0, 1.0, 39.0], [1.0, 0.0, 45.0]])


def poisson(op, dtypes, **attrs):
    return Case(
        f"{op}_{len(dtypes)}",
        lambda rate: getattr(raw, op)([3], rate, **SEEDS, **attrs),
        [np.array([0.5, 1.0, 40.0])],
        lambda rate: POISSON,
        dtypes=dtypes,
        grad=False,
        ops=(op,),
    )


CASES = [
    Case(
        "gamma",
        lambda alpha: raw.RandomGamma([3], alpha, **SEEDS),
        [np.array([0.5, 1.0, 4.0])],
        lambda alpha: np.array(GAMMA),
        dtypes=("float32", "float64", "float16"),
        grad=False,
        tol={"float32": 1e-6, "float64": 1e-12},
        ops=("RandomGamma",),
    ),
    poisson("RandomPoissonV2", ("float64", "float32"), dtype="float32"),
    poisson("RandomPoissonV2", ("float64",), dtype="int64"),
    poisson("RandomPoisson", ("float64", "float32", "float16")),
    Case(
        "gamma_broadcast",
        lambda a, b: tf.random_gamma([5], a, b, dtype=a.dtype) * 0,
        [np.ones((3, 1)), np.ones(2)],
        lambda a, b: np.zeros((5, 3, 2)),
        grad=False,
    ),
    Case(
        "gamma_none",
        lambda a: tf.random_gamma([0], a, dtype=a.dtype),
        [np.ones(3)],
        lambda a: np.zeros((0, 3)),
        grad=False,
    ),
    Case("poisson_zero", lambda r: tf.random_poisson(r, [4]), [np.zeros(2)], lambda r: np.zeros((4, 2)), grad=False),
]

BAD = [
    Bad("gamma_shape_rank", lambda: tf.random_gamma([[3]], [1.0]), (TypeError, ValueError), "Dimension value"),
    Bad("gamma_dtype", lambda: tf.random_gamma([3], [1], dtype=tf.int32), (TypeError, ValueError), "int32"),
]
