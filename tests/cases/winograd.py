"""Convolutions of 3x3, 5x5 and 3 or 7 taps in a row with stride 1, and gradients of their images, large enough for Winograd's method
(csrc/conv/winograd.h); the last tiles of rows, columns and channels are incomplete."""

import numpy as np

import tfmini as tf
from tests.cases.conv2d import TOL, conv, reference
from tests.cases.table import Bad, Case, rand


def flipped(name, image, filters, kernel=(3, 3), nchw=False):
    """Gradients of images by filters with stride 1: convolutions with the filter turned around."""
    n, h, w, c = image
    shape = (n, c, h, w) if nchw else image
    grad = (n, filters, h, w) if nchw else (n, h, w, filters)
    return Case(
        f"conv2d_backprop_input_{name}",
        lambda f, g: tf.nn.conv2d_backprop_input(
            list(shape), f, g, [1, 1, 1, 1], "SAME", data_format="NCHW" if nchw else "NHWC"
        ),
        [rand(*kernel, c, filters) / np.sqrt(kernel[0] * kernel[1] * filters), rand(*grad)],
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
    conv("minimal_filtering_5x5", (2, 29, 31, 13), (5, 5, 13, 19), grad=False),
    conv("minimal_filtering_5x5_valid_nchw", (1, 30, 27, 8), (5, 5, 8, 33), padding="VALID", nchw=True, grad=False),
    conv("minimal_filtering_3_across", (2, 31, 29, 17), (1, 3, 17, 24), grad=False),
    conv("minimal_filtering_3_down", (2, 31, 29, 16), (3, 1, 16, 23), padding="VALID", grad=False),
    conv("minimal_filtering_7_across", (2, 31, 29, 24), (1, 7, 24, 35), grad=False),
    conv("minimal_filtering_7_across_valid", (1, 40, 42, 33), (1, 7, 33, 32), padding="VALID", grad=False),
    conv("minimal_filtering_7_down", (2, 29, 31, 24), (7, 1, 24, 35), grad=False),
    conv("minimal_filtering_7_down_nchw", (2, 29, 30, 35), (7, 1, 35, 24), nchw=True, grad=False),
    flipped("minimal_filtering_5x5", (2, 29, 31, 13), 18, (5, 5)),
    flipped("minimal_filtering_7_across", (2, 31, 29, 24), 35, (1, 7)),
    flipped("minimal_filtering_nchw", (1, 41, 38, 9), 33, nchw=True),
]

BAD: list[Bad] = []
