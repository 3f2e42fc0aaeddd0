"""Matrix products C[m, n] = A[m, k] B[k, n], either side transposed in memory (N or T)."""

from libraries import Row


def sides(lib, m, k, n, ta, tb):
    return lib.normal("a", (k, m) if ta else (m, k)), lib.normal("b", (n, k) if tb else (k, n))


def graph(g, m, k, n, ta, tb):
    a, b = sides(g, m, k, n, ta, tb)
    return g.computes(g.tf.matmul(a, b, transpose_a=ta, transpose_b=tb))


def eager(e, m, k, n, ta, tb):
    a, b = sides(e, m, k, n, ta, tb)
    return e.computes(lambda: (a.T if ta else a) @ (b.T if tb else b))


def row(m, k, n, sides="NN"):
    transposed = tuple(side == "T" for side in sides)
    bytes = 4.0 * (m * k + k * n + m * n)
    flops = 2.0 * m * k * n
    return Row(f"{m}x{k}x{n}_{sides}", graph, eager, (m, k, n, *transposed), flops=flops, bytes=bytes, arrays=True)


ROWS = [
    *(row(n, n, n) for n in (256, 512, 1024, 2048, 4096)),
    *(row(1024, 1024, 1024, sides) for sides in ("NT", "TN", "TT")),
    *(row(64, 1024, 1024, sides) for sides in ("NN", "NT", "TN")),
    *(row(32, 784, 512, sides) for sides in ("NN", "NT", "TN")),
    *(row(1, 4096, 4096, sides) for sides in ("NN", "NT")),
]
