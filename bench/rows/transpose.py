"""Transposes: a matrix, image layouts, attention heads."""

import math

from libraries import Row


def graph(g, shape, order):
    return g.computes(g.tf.transpose(g.normal("x", shape), order))


def eager(e, shape, order):
    x = e.normal("x", shape)
    return e.computes(lambda: e.transposed(x, order))


def row(name, shape, order):
    return Row(name, graph, eager, (shape, order), bytes=8.0 * math.prod(shape), arrays=True)


ROWS = [
    row("transpose_4096x4096", (4096, 4096), (1, 0)),
    row("transpose_32x56x56x64_nhwc_nchw", (32, 56, 56, 64), (0, 3, 1, 2)),
    row("transpose_16x128x12x64_0213", (16, 128, 12, 64), (0, 2, 1, 3)),
]
