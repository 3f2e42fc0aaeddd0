"""Functions of every element, alone and in chains. The formulas are written once, for TensorFlow and PyTorch alike."""

from libraries import Row

N = 4 << 20


def add(f, x, y):
    return x + y


def bias_relu(f, x, y):
    return f.relu(x + y)


def tanh(f, x):
    return f.tanh(x)


def exp(f, x):
    return f.exp(x)


def chain(f, x):
    return f.tanh(x * 1.5 + 0.5) * f.sigmoid(x) - x


def graph(g, formula, shapes, backward):
    tf = g.tf
    inputs = [g.normal(f"x{i}", shape) for i, shape in enumerate(shapes)]
    y = formula(tf.nn if formula is bias_relu else tf, *inputs)
    return g.computes(y, *(tf.gradients(y, inputs) if backward else ()))


def eager(e, formula, shapes, backward):
    inputs = [e.normal(f"x{i}", shape, trainable=backward) for i, shape in enumerate(shapes)]
    if backward:
        return e.differentiates(lambda: formula(e.torch, *inputs), inputs, e.torch.ones(shapes[0]))
    return e.computes(lambda: formula(e.torch, *inputs))


def row(name, formula, *shapes, backward=False):
    sizes = [shape[0] * (shape[1] if len(shape) > 1 else 1) for shape in shapes]
    bytes = 4.0 * (sum(sizes) * (2 if backward else 1) + sizes[0])
    return Row(name, graph, eager, (formula, shapes, backward), bytes=bytes)


ROWS = [
    row("add_64K", add, (1 << 16,), (1 << 16,)),
    row("add_4M", add, (N,), (N,)),
    row("bias_relu_4096x1024", bias_relu, (4096, 1024), (1024,)),
    row("tanh_4M", tanh, (N,)),
    row("exp_4M", exp, (N,)),
    row("tanh_sigmoid_chain_4M_fwd", chain, (N,)),
    row("tanh_sigmoid_chain_4M_fwd_bwd", chain, (N,), backward=True),
]
