"""Convolutions of 3x3, 5x5 and 3 or 7 taps in a row with stride 1, and gradients of their images and filters,
large enough for Winograd's method (csrc/conv/winograd.h); the last tiles of rows, columns and channels are
incomplete."""

import numpy as np

import tfmini as tf
from tests.cases.conv2d import TOL, conv, reference, taps
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


def of_filter(name, image, kernel, padding="SAME", nchw=False):
    """Gradients of filters: convolutions of images with gradients as long as images, one per pair of channels."""
    n, h, w, c = image
    out = (h, w) if padding == "SAME" else (h - kernel[0] + 1, w - kernel[1] + 1)
    grad = (n, kernel[3], *out) if nchw else (n, *out, kernel[3])

    def ref(x, g):
        x, g = (a.transpose(0, 2, 3, 1) if nchw else a for a in (x, g))
        return np.einsum("ijnhwc,nhwk->ijck", taps(x, kernel[:2], padding=padding), g)

    return Case(
        f"conv2d_backprop_filter_{name}",
        lambda x, g: tf.nn.conv2d_backprop_filter(
            x, list(kernel), g, [1, 1, 1, 1], padding, data_format="NCHW" if nchw else "NHWC"
        ),
        [rand(n, c, h, w) if nchw else rand(*image), rand(*grad) / np.sqrt(n * h * w)],
        ref,
        grad=False,
        tol={"float32": 1e-4, "float64": 1e-12},
        ops=("Conv2DBackpropFilter",),
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
    of_filter("minimal_filtering", (3, 29, 31, 13), (3, 3, 13, 19)),
    of_filter("minimal_filtering_valid_nchw", (2, 30, 27, 17), (3, 3, 17, 33), "VALID", nchw=True),
    of_filter("minimal_filtering_5x5", (3, 29, 31, 13), (5, 5, 13, 19)),
    of_filter("minimal_filtering_3_across", (5, 31, 29, 17), (1, 3, 17, 24)),
    of_filter("minimal_filtering_3_down", (5, 31, 29, 16), (3, 1, 16, 23), "VALID"),
    of_filter("minimal_filtering_7_across", (2, 33, 41, 37), (1, 7, 37, 35)),
    of_filter("minimal_filtering_7_down", (2, 41, 33, 37), (7, 1, 37, 35), "VALID"),
    of_filter("minimal_filtering_7_down_nchw", (2, 41, 33, 37), (7, 1, 37, 35), nchw=True),
    flipped("minimal_filtering_nchw", (1, 41, 38, 9), 33, nchw=True),
]

BAD: list[Bad] = []
