"""Convolution and pooling: padding, strides, dilation, ties, gradients."""

from tests.golden.registry import evaluate, golden, numbers

TOL = 2e-5


def forward_and_gradients(tf, y, *inputs):
    """y and the gradients of sum(y * fixed weights)."""
    gradients = tf.gradients(y, inputs, grad_ys=tf.constant(numbers(*y.shape.as_list(), step=0.29)))
    values = evaluate(tf, [y, *gradients])
    return dict(zip(["y", "d0", "d1"], values))


def conv_table(tf, rows):
    """{tag_key: value} over rows (tag, input shape, filter shape, conv2d arguments)."""
    out = {}
    for tag, x_shape, w_shape, kwargs in rows:
        x, w = tf.constant(numbers(*x_shape)), tf.constant(numbers(*w_shape, step=0.53))
        y = tf.nn.conv2d(x, w, **kwargs)
        out.update({f"{tag}_{k}": v for k, v in forward_and_gradients(tf, y, x, w).items()})
    return out


@golden(TOL)
def conv2d_same(tf):
    """Sizes and strides where SAME pads nothing, one side only, and both sides unequally."""
    rows = []
    for size in (4, 5, 6, 7):
        for kernel in (1, 2, 3, 5):
            for stride in (1, 2, 3):
                kwargs = dict(strides=[1, stride, stride, 1], padding="SAME")
                rows.append((f"n{size}k{kernel}s{stride}", (1, size, size, 1), (kernel, kernel, 1, 2), kwargs))
    return conv_table(tf, rows)


@golden(TOL)
def conv2d_valid(tf):
    rows = []
    for size in (5, 6, 8):
        for kernel in (1, 2, 3):
            for stride in (1, 2, 3):
                kwargs = dict(strides=[1, stride, stride, 1], padding="VALID")
                rows.append((f"n{size}k{kernel}s{stride}", (1, size, size, 2), (kernel, kernel, 2, 1), kwargs))
    return conv_table(tf, rows)


@golden(TOL)
def conv2d_oblong(tf):
    """Rectangular images, kernels and strides, several channels and images."""
    return conv_table(
        tf,
        [
            ("same", (2, 7, 5, 3), (3, 2, 3, 4), dict(strides=[1, 2, 1, 1], padding="SAME")),
            ("valid", (2, 7, 9, 3), (2, 5, 3, 4), dict(strides=[1, 3, 2, 1], padding="VALID")),
            ("row", (2, 1, 9, 3), (1, 4, 3, 5), dict(strides=[1, 1, 2, 1], padding="SAME")),
            ("wide_kernel", (1, 3, 3, 2), (5, 5, 2, 2), dict(strides=[1, 1, 1, 1], padding="SAME")),
        ],
    )


@golden(TOL)
def conv2d_dilated(tf):
    """Values only: TensorFlow has no CPU gradient of dilated convolutions."""
    x, w = tf.constant(numbers(1, 9, 8, 2)), tf.constant(numbers(3, 2, 2, 3, step=0.53))
    out = {
        "same": tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME", dilations=[1, 2, 2, 1]),
        "valid": tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="VALID", dilations=[1, 3, 2, 1]),
        "atrous": tf.nn.atrous_conv2d(x, w, rate=2, padding="SAME"),
    }
    return dict(zip(out, evaluate(tf, list(out.values()))))


@golden(TOL)
def conv2d_explicit_padding(tf):
    padding = [[0, 0], [2, 1], [0, 3], [0, 0]]
    return conv_table(tf, [("pad", (1, 5, 6, 2), (3, 3, 2, 2), dict(strides=[1, 2, 2, 1], padding=padding))])


@golden(TOL)
def conv2d_transpose(tf):
    out = {}
    for padding, size in (("SAME", 8), ("VALID", 9)):
        x, w = tf.constant(numbers(1, 4, 4, 2)), tf.constant(numbers(3, 3, 3, 2, step=0.53))
        y = tf.nn.conv2d_transpose(x, w, output_shape=[1, size, size, 3], strides=[1, 2, 2, 1], padding=padding)
        out.update({f"{padding}_{k}": v for k, v in forward_and_gradients(tf, y, x, w).items()})
    return out


@golden(TOL)
def depthwise_and_separable(tf):
    out = {}
    for tag, stride, padding in (("same1", 1, "SAME"), ("same2", 2, "SAME"), ("valid2", 2, "VALID")):
        x, w = tf.constant(numbers(2, 6, 7, 3)), tf.constant(numbers(3, 3, 3, 2, step=0.53))
        y = tf.nn.depthwise_conv2d(x, w, strides=[1, stride, stride, 1], padding=padding)
        out.update({f"{tag}_{k}": v for k, v in forward_and_gradients(tf, y, x, w).items()})
    x, w, p = tf.constant(numbers(1, 5, 5, 2)), tf.constant(numbers(3, 3, 2, 2)), tf.constant(numbers(1, 1, 4, 3))
    out["separable"] = evaluate(tf, tf.nn.separable_conv2d(x, w, p, strides=[1, 1, 1, 1], padding="SAME"))
    return out


@golden(TOL)
def max_pool(tf):
    out = {}
    for size in (4, 5, 7):
        for kernel, stride in ((2, 2), (3, 2), (3, 1), (2, 3)):
            for padding in ("SAME", "VALID"):
                x = tf.constant(numbers(1, size, size, 2))
                y = tf.nn.max_pool(x, ksize=[1, kernel, kernel, 1], strides=[1, stride, stride, 1], padding=padding)
                result = forward_and_gradients(tf, y, x)
                out.update({f"n{size}k{kernel}s{stride}{padding}_{k}": v for k, v in result.items()})
    return out


@golden(TOL)
def max_pool_ties(tf):
    """Among equal maxima the first in row-major order gets the gradient."""
    x = tf.constant([[1.0, 3, 3, 0], [3, 3, 3, 3], [0, 0, 0, 0], [2, 2, 2, 2]])
    x = tf.reshape(x, [1, 4, 4, 1])
    y = tf.nn.max_pool(x, ksize=[1, 3, 3, 1], strides=[1, 1, 1, 1], padding="SAME")
    return forward_and_gradients(tf, y, x)


@golden(TOL)
def avg_pool(tf):
    """The mean is over the cells inside the image: SAME's padding does not count."""
    out = {}
    for size in (4, 5, 7):
        for kernel, stride in ((2, 2), (3, 2), (3, 1), (2, 3)):
            for padding in ("SAME", "VALID"):
                x = tf.constant(numbers(1, size, size, 2))
                y = tf.nn.avg_pool(x, ksize=[1, kernel, kernel, 1], strides=[1, stride, stride, 1], padding=padding)
                result = forward_and_gradients(tf, y, x)
                out.update({f"n{size}k{kernel}s{stride}{padding}_{k}": v for k, v in result.items()})
    return out


@golden(TOL)
def conv2d_second_order(tf):
    """The gradient of the squared norm of a gradient."""
    x, w = tf.constant(numbers(1, 5, 5, 2)), tf.constant(numbers(3, 3, 2, 2, step=0.53))
    loss = tf.reduce_sum(tf.square(tf.nn.conv2d(x, w, strides=[1, 2, 2, 1], padding="SAME")))
    dx, dw = tf.gradients(loss, [x, w])
    penalty = tf.reduce_sum(tf.square(dx)) + tf.reduce_sum(tf.square(dw))
    ddx, ddw = tf.gradients(penalty, [x, w])
    return dict(zip(["ddx", "ddw"], evaluate(tf, [ddx, ddw])))
