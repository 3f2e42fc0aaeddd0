"""Inception-v3 inference, parameters in variables or frozen to constants."""

from libraries import Row

from models.network import eager, graph

FLOPS = 11.4e9  # of one 299x299 image


def chain(b, x, *layers):
    """Convolutions (outputs, kernel height, kernel width) one after the other."""
    for outputs, height, width in layers:
        x = b.conv(x, outputs, (height, width))
    return x


def shrink(b, x, outputs):
    return b.conv(x, outputs, (3, 3), 2, "VALID")


def stem(b, x):
    x = b.conv(shrink(b, x, 32), 32, (3, 3), 1, "VALID")
    x = b.max_pool(b.conv(x, 64, (3, 3)), "VALID")
    x = b.conv(b.conv(x, 80, (1, 1), 1, "VALID"), 192, (3, 3), 1, "VALID")
    return b.max_pool(x, "VALID")


def block35(b, x, pool):
    return b.concat([
        chain(b, x, (64, 1, 1)),
        chain(b, x, (48, 1, 1), (64, 5, 5)),
        chain(b, x, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
        chain(b, b.avg_pool(x), (pool, 1, 1)),
    ])  # fmt: skip


def block17(b, x, w):
    return b.concat([
        chain(b, x, (192, 1, 1)),
        chain(b, x, (w, 1, 1), (w, 1, 7), (192, 7, 1)),
        chain(b, x, (w, 1, 1), (w, 7, 1), (w, 1, 7), (w, 7, 1), (192, 1, 7)),
        chain(b, b.avg_pool(x), (192, 1, 1)),
    ])  # fmt: skip


def block8(b, x):
    narrow, deep = chain(b, x, (384, 1, 1)), chain(b, x, (448, 1, 1), (384, 3, 3))
    return b.concat([
        chain(b, x, (320, 1, 1)),
        b.concat([chain(b, narrow, (384, 1, 3)), chain(b, narrow, (384, 3, 1))]),
        b.concat([chain(b, deep, (384, 1, 3)), chain(b, deep, (384, 3, 1))]),
        chain(b, b.avg_pool(x), (192, 1, 1)),
    ])  # fmt: skip


def network(b, x):
    x = stem(b, x)
    for pool in (32, 64, 64):
        x = block35(b, x, pool)
    deep = shrink(b, chain(b, x, (64, 1, 1), (96, 3, 3)), 96)
    x = b.concat([shrink(b, x, 384), deep, b.max_pool(x, "VALID")])
    for width in (128, 160, 160, 192):
        x = block17(b, x, width)
    left = shrink(b, chain(b, x, (192, 1, 1)), 320)
    right = shrink(b, chain(b, x, (192, 1, 1), (192, 1, 7), (192, 7, 1)), 192)
    x = b.concat([left, right, b.max_pool(x, "VALID")])
    for _ in range(2):
        x = block8(b, x)
    return b.classify(x)


ROWS = [
    Row(f"{kind}_b1", graph, eager, (network, 1, 299, kind == "frozen"), flops=FLOPS)
    for kind in ("frozen", "variables")
]
