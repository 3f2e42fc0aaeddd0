"""Deep Q-learning on stacks of four 80x80 frames: a training step of 32 with Adam, and one decision."""

from libraries import Row, integers, normal, one_hot

ACTIONS, BATCH = 6, 32
CONVS = (("conv1", 8, 4, 4, 32), ("conv2", 4, 2, 32, 64), ("conv3", 3, 1, 64, 64))  # name, kernel, stride, in, out
DENSE = (("hidden", (6400, 512), 0.018), ("out", (512, ACTIONS), 0.044))


def filters(name, kernel, stride, inputs, outputs):
    return name, (kernel, kernel, inputs, outputs), (2.0 / (kernel * kernel * inputs)) ** 0.5


def frames(batch):
    return normal("frames", (batch, 80, 80, 4))


def batch():
    actions = one_hot(integers("actions", (BATCH,), ACTIONS), ACTIONS)
    return frames(BATCH), actions, normal("targets", (BATCH,))


def values_graph(g, x):
    tf = g.tf
    for conv in CONVS:
        stride, outputs = conv[2], conv[4]
        x = tf.nn.conv2d(x, g.normal(*filters(*conv)), [1, stride, stride, 1], "SAME")
        x = tf.nn.relu(x + g.bias(outputs, 0.01))
    (w1, b1), (w2, b2) = ((g.normal(*d), g.bias(d[1][1], 0.01)) for d in DENSE)
    h = tf.nn.relu(tf.matmul(tf.reshape(x, [-1, 6400]), w1) + b1)
    return tf.matmul(h, w2) + b2


def values_eager(e):
    convs = [(e.filters(normal(*filters(*conv)), True), e.bias(conv[4], 0.01), conv[2]) for conv in CONVS]
    (w1, b1), (w2, b2) = ((e.normal(*d, trainable=True), e.bias(d[1][1], 0.01)) for d in DENSE)

    def values(x):
        for w, b, stride in convs:  # on 80x80 frames SAME pads both sides alike
            x = e.torch.relu(e.f.conv2d(x, w, b, stride, (w.shape[2] - stride + 1) // 2))
        h = e.torch.relu(e.torch.addmm(b1, e.flat(x), w1))
        return e.torch.addmm(b2, h, w2)

    return values


def train_graph(g):
    tf = g.tf
    x = tf.placeholder(tf.float32, [None, 80, 80, 4])
    action, target = tf.placeholder(tf.float32, [None, ACTIONS]), tf.placeholder(tf.float32, [None])
    loss = tf.reduce_mean(tf.square(target - tf.reduce_sum(values_graph(g, x) * action, 1)))
    return g.trains(tf.train.AdamOptimizer(1e-4).minimize(loss), loss, dict(zip((x, action, target), batch())))


def train_eager(e):
    values = values_eager(e)
    images, actions, targets = batch()
    x, action, target = e.images(images), e.value(actions), e.value(targets)
    adam = e.torch.optim.Adam(e.parameters, 1e-4, fused=True)
    return e.trains(adam, lambda: (target - (values(x) * action).sum(1)).square().mean())


def act_graph(g):
    x = g.tf.placeholder(g.tf.float32, [None, 80, 80, 4])
    return g.infers(values_graph(g, x), {x: frames(1)})


def act_eager(e):
    return e.infers(values_eager(e), frames(1))


FORWARD = 2.0 * (400 * 256 * 32 + 100 * 512 * 64 + 100 * 576 * 64 + 6400 * 512 + 512 * ACTIONS)
ROWS = [
    Row("train_b32_adam", train_graph, train_eager, flops=3 * BATCH * FORWARD),
    Row("act_b1", act_graph, act_eager, flops=FORWARD),
]
