"""A million random numbers. Generators differ, so there is nothing to compare but time."""

from libraries import Row

N = 1 << 20


def graph(g, function):
    call, _ = g.computes(getattr(g.tf, function)([N], seed=1))
    return call, ()


def eager(e, function):
    generate = e.torch.randn if function == "random_normal" else e.torch.rand
    call, _ = e.computes(lambda: generate(N))
    return call, ()


ROWS = [Row(f"{name}_1M", graph, eager, (name,), bytes=4.0 * N) for name in ("random_normal", "random_uniform")]
