"""Matrix products: `tf.matmul` and what is made of it."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.convert import convert_to_tensor
from tfmini.graph import Operation, Tensor, name_scope

__all__ = ["batch_matmul", "matmul", "matvec", "relu_layer", "xw_plus_b"]


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of `a`, of shape [..., m, k], and `b`, of shape [..., k, n]: [..., m, n].

    transpose_a, transpose_b: the last two dimensions of that input are swapped. Nothing is copied for it.
    adjoint_a, adjoint_b: the same for real numbers.
    a_is_sparse, b_is_sparse: hints that are not needed here.

    Dimensions before the last two broadcast against each other. Both dtypes must be equal: a float,
    int32 or int64 type. Raises ValueError if the inner dimensions differ or an input has rank < 2.
    """
    del a_is_sparse, b_is_sparse
    if transpose_a and adjoint_a:
        raise ValueError("Only one of transpose_a and adjoint_a can be True.")
    if transpose_b and adjoint_b:
        raise ValueError("Only one of transpose_b and adjoint_b can be True.")
    with name_scope(name, "MatMul", [a, b]) as scope:
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(b, name="b", preferred_dtype=a.dtype.base_dtype)
        across, down = transpose_a or adjoint_a, transpose_b or adjoint_b
        if any(dims is None or len(dims) > 2 for dims in (a._dims(), b._dims())):
            return raw.BatchMatMulV2(a, b, adj_x=across, adj_y=down, name=scope)
        return raw.MatMul(a, b, transpose_a=across, transpose_b=down, name=scope)


def batch_matmul(x: Any, y: Any, adj_x: bool = False, adj_y: bool = False, name: str | None = None) -> Tensor:
    """`tf.matmul` of two stacks of matrices, [..., m, k] and [..., k, n], under its name before TensorFlow 1.0."""
    return raw.BatchMatMul(x, y, adj_x=adj_x, adj_y=adj_y, name=name)


def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """`tf.linalg.matvec`: the product of `a`, [..., m, k], and the vectors `b`, [..., k]: [..., m]."""
    with name_scope(name, "MatVec", [a, b]) as scope:
        b = convert_to_tensor(b, name="b")
        product = matmul(a, raw.ExpandDims(b, -1), transpose_a, False, adjoint_a, False, a_is_sparse, b_is_sparse)
        return raw.Squeeze(product, squeeze_dims=[-1], name=scope)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """`x` times `weights` plus `biases`: [batch, in], [in, out], [out] -> [batch, out]."""
    with name_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        return raw.BiasAdd(matmul(x, weights), biases, name=scope)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """`relu(x weights + biases)`: [batch, in], [in, out], [out] -> [batch, out]."""
    with name_scope(name, "relu_layer", [x, weights, biases]) as scope:
        return raw.Relu(raw.BiasAdd(matmul(x, weights), biases), name=scope)


# With C = A B the gradients are dA = dC B' and dB = A' dC. For each way the inputs may be stored
# transposed, (transpose_a, transpose_b), the same products: operands and their transpositions.
_GRADIENTS = {
    (False, False): (("grad", "b", False, True), ("a", "grad", True, False)),
    (False, True): (("grad", "b", False, False), ("grad", "a", True, False)),
    (True, False): (("b", "grad", False, True), ("a", "grad", False, False)),
    (True, True): (("b", "grad", True, True), ("grad", "a", True, True)),
}


@gradient("MatMul")
def _matmul_grad(op: Operation, grad: Tensor) -> list[Tensor]:
    values = {"a": op.inputs[0], "b": op.inputs[1], "grad": grad}
    rules = _GRADIENTS[op.get_attr("transpose_a"), op.get_attr("transpose_b")]
    return [raw.MatMul(values[x], values[y], transpose_a=tx, transpose_b=ty) for x, y, tx, ty in rules]


@gradient("BatchMatMul", "BatchMatMulV2")
def _batch_matmul_grad(op: Operation, grad: Tensor) -> list[Tensor]:
    values = {"a": op.inputs[0], "b": op.inputs[1], "grad": grad}
    product = getattr(raw, op.type)
    rules = _GRADIENTS[op.get_attr("adj_x"), op.get_attr("adj_y")]
    grads = [product(values[x], values[y], adj_x=tx, adj_y=ty) for x, y, tx, ty in rules]
    return _sum_to_operands(op, grads)


def _sum_to_operands(op: Operation, grads: list[Tensor]) -> list[Tensor]:
    """Sums the gradients over the batch dimensions along which their inputs were broadcast."""
    a, b = op.inputs
    if a.shape.ndims is not None and b.shape.ndims is not None:
        a_batch, b_batch = a.shape[:-2], b.shape[:-2]
        if a_batch.is_fully_defined() and a_batch.as_list() == b_batch.as_list():
            return grads
    if op.type == "BatchMatMul":
        return grads
    a_shape, b_shape = raw.Shape(a), raw.Shape(b)
    a_axes, b_axes = raw.BroadcastGradientArgs(_without_matrix(a_shape), _without_matrix(b_shape))
    return [
        raw.Reshape(raw.Sum(grads[0], a_axes, keep_dims=True), a_shape),
        raw.Reshape(raw.Sum(grads[1], b_axes, keep_dims=True), b_shape),
    ]


def _without_matrix(shape: Tensor) -> Tensor:
    """shape[:-2]"""
    return raw.StridedSlice(shape, [0], [-2], [1], begin_mask=1)
