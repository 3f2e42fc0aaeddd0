"""3x3 convolutions with stride 1, and gradients of their images, large enough for Winograd's method
(csrc/conv/winograd.h); the last tiles of rows, columns and channels are incomplete."""

import numpy as np

import tfmini as tf
from tests.cases.conv2d import TOL, conv, reference
from tests.cases.table import Bad, Case, rand


def flipped(name, image, filters, nchw=False):
    """Gradients of images by 3x3 filters with stride 1: convolutions with the filter turned around."""
    n, h, w, c = image
    shape = (n, c, h, w) if nchw else image
    grad = (n, filters, h, w) if nchw else (n, h, w, filters)
    return Case(
        f"conv2d_backprop_input_{name}",
        lambda f, g: tf.nn.conv2d_backprop_input(
            list(shape), f, g, [1, 1, 1, 1], "SAME", data_format="NCHW" if nchw else "NHWC"
        ),
        [rand(3, 3, c, filters) / np.sqrt(9 * filters), rand(*grad)],
        lambda f, g: reference(g, f[::-1, ::-1].swapaxes(2, 3), (1, 1), (1, 1), "SAME", nchw),
        grad=False,
        tol=TOL,
        ops=("Conv2DBackpropInput",),
    )


CASES = [
    conv("minimal_filtering", (2, 29, 31, 13), (3, 3, 13, 19), grad=False),
    conv("minimal_filtering_valid", (3, 30, 27, 8), (3, 3, 8, 33), padding="VALID", grad=False),
    conv(
        "minimal_filtering_pads",
        (1, 60, 33, 16),
        (3, 3, 16, 16),
        padding=[[0, 0], [2, 0], [0, 5], [0, 0]],
        grad=False,
    ),
    conv("minimal_filtering_nchw", (2, 29, 31, 20), (3, 3, 20, 9), nchw=True, grad=False),
    flipped("minimal_filtering", (2, 29, 31, 13), 18),
    flipped("minimal_filtering_nchw", (1, 41, 38, 9), 33, nchw=True),
]

BAD: list[Bad] = []
