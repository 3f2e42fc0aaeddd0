"""A million random numbers. Generators differ, so there is nothing to compare but time."""

from libraries import Row

N = 1 << 20


def graph(g, function):
    call, _ = g.computes(getattr(g.tf, function)([N], seed=1))
    return call, ()


def eager(e, function):
    generate = {
        "random_normal": e.torch.randn,
        "random_uniform": e.torch.rand,
        "truncated_normal": lambda n: e.torch.nn.init.trunc_normal_(e.torch.empty(n)),
    }[function]
    call, _ = e.computes(lambda: generate(N))
    return call, ()


ROWS = [
    Row(f"{name}_1M", graph, eager, (name,), bytes=4.0 * N)
    for name in ("random_normal", "random_uniform", "truncated_normal")
]
