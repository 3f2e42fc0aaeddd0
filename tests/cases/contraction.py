"""tensordot and einsum, against NumPy's."""

import numpy as np

import tfmini as tf
from tests.cases.table import Bad, Case, rand


def ellipsis(name, equation, *inputs):
    """Axes behind "..." are counted when the graph is built: tensors of unknown rank will not do."""

    def fn(*tensors):
        for t, a in zip(tensors, inputs):
            t.set_shape([None] * a.ndim)
        return tf.einsum(equation, *tensors)

    return Case(f"einsum_{name}", fn, inputs, lambda *x: np.einsum(equation, *x), tol={"float32": 2e-5})


def tensordot(name, a, b, axes):
    return Case(
        f"tensordot_{name}", lambda a, b: tf.tensordot(a, b, axes), [a, b], lambda a, b: np.tensordot(a, b, axes)
    )


def einsum(name, equation, *inputs, **kwargs):
    return Case(
        f"einsum_{name}",
        lambda *x: tf.einsum(equation, *x),
        inputs,
        lambda *x: np.einsum(equation, *x),
        tol={"float32": 2e-5},
        **kwargs,
    )


CASES = [
    tensordot("matrices", rand(3, 4), rand(4, 5), 1),
    tensordot("outer", rand(3), rand(2, 2), 0),
    tensordot("full", rand(2, 3, 4), rand(3, 4, 5), 2),
    tensordot("axes", rand(2, 3, 4, 5), rand(5, 3, 6), [[3, 1], [0, 1]]),
    tensordot("axis_pair", rand(2, 3), rand(4, 3), (1, 1)),
    tensordot("negative_axes", rand(2, 3), rand(4, 3), [[-1], [-1]]),
    tensordot("to_scalar", rand(2, 3), rand(2, 3), 2),
    einsum("matmul", "ij,jk->ik", rand(3, 4), rand(4, 5), second=True),
    einsum("implicit", "ij,jk", rand(3, 4), rand(4, 5)),
    einsum("transposed", "ji,kj->ki", rand(3, 4), rand(5, 3)),
    einsum("batch", "bij,bjk->bik", rand(2, 3, 4), rand(2, 4, 5)),
    einsum("batch_last", "ijb,jkb->bik", rand(3, 4, 2), rand(4, 5, 2)),
    einsum("attention", "bqhd,bkhd->bhqk", rand(2, 3, 2, 4), rand(2, 5, 2, 4)),
    einsum("outer", "i,j->ij", rand(3), rand(4)),
    einsum("dot", "i,i->", rand(5), rand(5)),
    einsum("elementwise", "ij,ij->ij", rand(3, 4), rand(3, 4)),
    einsum("sum_first", "ijk,jl->il", rand(2, 3, 4), rand(3, 5)),
    einsum("transpose", "ijk->kij", rand(2, 3, 4)),
    einsum("sum", "ijk->j", rand(2, 3, 4)),
    einsum("three", "ij,jk,kl->il", rand(2, 3), rand(3, 4), rand(4, 5)),
    einsum("three_shared", "ij,ik,i->jk", rand(6, 3), rand(6, 4), rand(6)),
    ellipsis("ellipsis", "...ij,...jk->...ik", rand(2, 3, 4), rand(2, 4, 5)),
    ellipsis("ellipsis_implicit", "...ij", rand(2, 3, 4)),
]

BAD = [
    Bad("tensordot_sizes", lambda: tf.tensordot(rand(2, 3), rand(2, 3), 1), ValueError, "Dimensions must be equal"),
    Bad("tensordot_range", lambda: tf.tensordot(rand(2, 3), rand(2, 3), [[2], [0]]), ValueError, "out of range"),
    Bad("tensordot_pairs", lambda: tf.tensordot(rand(2, 3), rand(2, 3), [[0, 1], [0]]), ValueError, "Different number"),
    Bad("tensordot_many", lambda: tf.tensordot(rand(2, 3), rand(2, 3), 3), ValueError, "axes"),
    Bad("einsum_output", lambda: tf.einsum("ij,jk->iz", rand(2, 3), rand(3, 2)), ValueError, "label z not present"),
    Bad("einsum_sizes", lambda: tf.einsum("ij,jk->ik", rand(2, 3), rand(2, 3)), ValueError, "Dimensions must be equal"),
    Bad("einsum_rank", lambda: tf.einsum("ij,jk->ik", rand(2), rand(2, 3)), ValueError, "axes"),
    Bad("einsum_count", lambda: tf.einsum("ij,jk->ik", rand(2, 2)), ValueError, "names 2 inputs"),
    Bad("einsum_repeated", lambda: tf.einsum("ii->i", rand(2, 2)), ValueError, "not supported"),
    Bad("einsum_format", lambda: tf.einsum("i1->i", rand(2, 2)), ValueError, "incorrect format"),
    Bad("einsum_argument", lambda: tf.einsum("i->i", rand(2), colour=1), TypeError, "colour"),
]
