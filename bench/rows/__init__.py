"""Kernels, a file per family: the same work as a graph and in PyTorch, and how much work it is."""

FAMILIES = (
    "gemm",
    "conv",
    "pool",
    "softmax",
    "embedding",
    "elementwise",
    "norm",
    "reduce",
    "transpose",
    "random",
    "topk",
)
