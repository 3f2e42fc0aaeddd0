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


def sigmoid(f, x):
    return f.sigmoid(x)


def log(f, x):
    return f.log(x * x + 1.0)


def gelu(f, x):
    return x * 0.5 * (1.0 + f.erf(x * 0.70710678))


def sin(f, x):
    return f.sin(x)


def scale_shift(f, x, scale, shift):
    return x * scale + shift


def graph(g, formula, shapes, backward):
    tf = g.tf
    inputs = [g.normal(f"x{i}", shape) for i, shape in enumerate(shapes)]
    y = formula(tf.nn if formula is bias_relu else tf, *inputs)
    return g.computes(y, *(tf.gradients(y, inputs) if backward else ()))


def eager(e, formula, shapes, backward):
    inputs = [e.normal(f"x{i}", shape, trainable=backward) for i, shape in enumerate(shapes)]
    if backward:
        return e.differentiates(lambda: formula(e.functions, *inputs), inputs, e.torch.ones(shapes[0]))
    return e.computes(lambda: formula(e.functions, *inputs))


def row(name, formula, *shapes, backward=False):
    sizes = [shape[0] * (shape[1] if len(shape) > 1 else 1) for shape in shapes]
    bytes = 4.0 * (sum(sizes) * (2 if backward else 1) + sizes[0])
    arrays = not backward and formula is not gelu  # there is no erf among NumPy's functions
    return Row(name, graph, eager, (formula, shapes, backward), bytes=bytes, arrays=arrays)


ROWS = [
    row("add_64K", add, (1 << 16,), (1 << 16,)),
    row("add_4M", add, (N,), (N,)),
    row("bias_relu_4096x1024", bias_relu, (4096, 1024), (1024,)),
    row("tanh_4M", tanh, (N,)),
    row("exp_4M", exp, (N,)),
    row("sigmoid_4M", sigmoid, (N,)),
    row("log_4M", log, (N,)),
    row("sin_4M", sin, (N,)),
    row("gelu_4M_fwd", gelu, (N,)),
    row("gelu_4M_fwd_bwd", gelu, (N,), backward=True),
    row("add_1Mx4_row", add, (1 << 20, 4), (4,)),
    row("add_1Mx4_column", add, (1 << 20, 4), (1 << 20, 1)),
    row("add_100Kx33_row", add, (100_000, 33), (33,)),
    row("scale_shift_64Kx64", scale_shift, (1 << 16, 64), (64,), (64,)),
    row("scale_shift_64Kx64_columns", scale_shift, (1 << 16, 64), (1 << 16, 1), (1 << 16, 1)),
    row("tanh_sigmoid_chain_4M_fwd", chain, (N,)),
    row("tanh_sigmoid_chain_4M_fwd_bwd", chain, (N,), backward=True),
]
