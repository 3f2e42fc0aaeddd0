"""Pooling without padding: forward, and forward with its gradient."""

from libraries import Row, normal


def window(image, nchw):
    return [1, 1, *image] if nchw else [1, *image, 1]


def graph(g, kind, backward, nchw, shape, kernel, stride):
    x = g.normal("image", shape)
    pool = g.tf.nn.max_pool if kind == "max" else g.tf.nn.avg_pool
    y = pool(x, window((kernel,) * 2, nchw), window((stride,) * 2, nchw), "VALID", "NCHW" if nchw else "NHWC")
    return g.computes(y, *(g.tf.gradients(y, x) if backward else ()))


def eager(e, kind, backward, nchw, shape, kernel, stride):
    x = normal("image", shape)
    x = (e.value(x) if nchw else e.images(x)).requires_grad_(backward)
    pool = e.f.max_pool2d if kind == "max" else e.f.avg_pool2d
    if not backward:
        return e.computes(lambda: pool(x, kernel, stride))
    ones = e.torch.ones_like(pool(x, kernel, stride))
    return e.differentiates(lambda: pool(x, kernel, stride), [x], ones)


def rows(name, shape, kernel, stride, nchw=False):
    batch, height, width, channels = (shape[i] for i in (0, 2, 3, 1)) if nchw else shape
    sizes = [(size - kernel) // stride + 1 for size in (height, width)]
    bytes = 4.0 * batch * channels * (height * width + sizes[0] * sizes[1])
    for kind in ("max", "avg"):
        args = (nchw, shape, kernel, stride)
        lacked_by = ("tensorflow",) if nchw else ()  # on CPUs
        yield Row(f"{kind}_{name}_fwd", graph, eager, (kind, False, *args), bytes=bytes, lacked_by=lacked_by)
        # The maximum reads its input again.
        moved = (2.0 if kind == "avg" else 2.5) * bytes
        yield Row(f"{kind}_{name}_fwd_bwd", graph, eager, (kind, True, *args), bytes=moved, lacked_by=lacked_by)


ROWS = [
    *rows("50x28x28x32_2x2s2", (50, 28, 28, 32), 2, 2),
    *rows("8x112x112x64_3x3s2", (8, 112, 112, 64), 3, 2),
    *rows("8x35x35x288_3x3s1", (8, 35, 35, 288), 3, 1),
    *rows("8x64x112x112_3x3s2_nchw", (8, 64, 112, 112), 3, 2, True),
    *rows("50x1x28x28_2x2s2_nchw", (50, 1, 28, 28), 2, 2, True),
]
