"""Picking out elements: the largest of every row, and the position of the largest."""

from libraries import Row


def top_graph(g, shape, k):
    values, indices = g.tf.nn.top_k(g.normal("x", shape), k)
    return g.computes(values, indices)


def top_eager(e, shape, k):
    x = e.normal("x", shape)
    _, check = e.computes(lambda: x.topk(k)[0])
    indices = float(x.topk(k)[1].double().mean())

    def call():
        with e.torch.inference_mode():
            return x.topk(k)

    return call, [*check, indices]


def arg_graph(g, shape, axis):
    return g.computes(g.tf.argmax(g.normal("x", shape), axis, output_type=g.tf.int64))


def arg_eager(e, shape, axis):
    x = e.normal("x", shape)
    return e.computes(lambda: x.argmax(axis))


def row(name, graph, eager, shape, *args):
    return Row(f"{name}_{'x'.join(map(str, shape))}", graph, eager, (shape, *args), bytes=4.0 * shape[0] * shape[1])


ROWS = [
    row("top_5", top_graph, top_eager, (128, 1000), 5),
    row("top_10", top_graph, top_eager, (128, 50000), 10),
    row("top_1000", top_graph, top_eager, (32, 50000), 1000),
    row("argmax_axis1", arg_graph, arg_eager, (4096, 1000), 1),
    row("argmax_axis0", arg_graph, arg_eager, (4096, 1000), 0),
    row("argmax_axis1", arg_graph, arg_eager, (4096, 10), 1),
]
