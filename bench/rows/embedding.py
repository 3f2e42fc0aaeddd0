"""Rows of a table looked up by 4096 random ids, and their updates."""

from libraries import Row, integers

VOCABULARY, SIZE, COUNT = 100000, 128, 4096


def ids():
    return integers("ids", (COUNT,), VOCABULARY)


def gather_graph(g):
    table = g.normal("table", (VOCABULARY, SIZE))
    return g.computes(g.tf.nn.embedding_lookup(table, g.value(ids(), trainable=False)))


def gather_eager(e):
    table, i = e.normal("table", (VOCABULARY, SIZE)), e.ids(ids())
    return e.computes(lambda: e.rows_of(table, i))


def update_graph(g, optimizer):
    tf = g.tf
    table, i = g.normal("table", (VOCABULARY, SIZE)), g.value(ids(), trainable=False)
    optimizers = dict(
        sgd=tf.train.GradientDescentOptimizer, adagrad=tf.train.AdagradOptimizer, adam=tf.train.AdamOptimizer
    )
    (grad,) = tf.gradients(tf.nn.embedding_lookup(table, i), table, grad_ys=g.normal("grad", (COUNT, SIZE)))
    return g.computes(optimizers[optimizer](0.01).apply_gradients([(grad, table)]))


def update_eager(e, optimizer):
    table, i, grad = (
        e.normal("table", (VOCABULARY, SIZE), trainable=True),
        e.ids(ids()),
        e.normal("grad", (COUNT, SIZE)),
    )
    optimizer = dict(sgd=e.torch.optim.SGD, adagrad=e.torch.optim.Adagrad)[optimizer]([table], 0.01)

    def call():
        optimizer.zero_grad(set_to_none=True)
        e.f.embedding(i, table, sparse=True).backward(grad)
        optimizer.step()

    return call, ()


MOVED = 4.0 * COUNT * SIZE
# Adam's moments decay, and move the table, in every row; PyTorch's sparse Adam leaves most rows alone.
ALL_ADAM = 6 * 4.0 * VOCABULARY * SIZE
ROWS = [
    Row("gather_4096_of_100000x128", gather_graph, gather_eager, bytes=2 * MOVED, arrays=True),
    Row("sparse_sgd_4096", update_graph, update_eager, ("sgd",), bytes=3 * MOVED),
    Row("sparse_adagrad_4096", update_graph, update_eager, ("adagrad",), bytes=5 * MOVED),
    Row("sparse_adam_4096", update_graph, None, ("adam",), bytes=ALL_ADAM + MOVED),
]
