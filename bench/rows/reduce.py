"""Sums of a 4096x1024 matrix: over its rows, over its columns, over all."""

from libraries import Row

SHAPE = (4096, 1024)


def graph(g, axis):
    return g.computes(g.tf.reduce_sum(g.normal("x", SHAPE), axis=axis))


def eager(e, axis):
    x = e.normal("x", SHAPE)
    return e.computes(x.sum if axis is None else lambda: x.sum(axis))


def row(name, axis):
    return Row(f"reduce_sum_4096x1024_{name}", graph, eager, (axis,), bytes=4.0 * SHAPE[0] * SHAPE[1], arrays=True)


ROWS = [row("axis0", 0), row("axis1", 1), row("all", None)]
