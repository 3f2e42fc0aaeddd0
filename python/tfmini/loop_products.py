"""The gradient of a loop's weights as one product over all iterations.

A matrix that every iteration multiplies by has the gradient sum_t a_t' b_t, products of few rows each. Adding them up one
by one reads and writes the whole matrix per iteration. Instead the backward loop keeps the a_t and b_t on lists, and a
single product of what they make on top of each other follows it (unrolled loops: csrc/passes/join_products.cc).
"""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.func_graph import FuncGraph
from tfmini.graph import Tensor
from tfmini.shape_tensor import element_shape

__all__ = ["JoinedProduct", "is_joinable"]


def is_joinable(gradient: Any, body: FuncGraph) -> bool:
    """Is this gradient, made in `body`, a product of matrices that have fewer elements than it has itself?"""
    if not isinstance(gradient, Tensor) or gradient.graph is not body or gradient.op.type != "MatMul":
        return False
    if not gradient.op.get_attr("transpose_a") or gradient.op.get_attr("transpose_b"):
        return False
    a, b = (t._dims() for t in gradient.op._inputs)
    if a is None or b is None or a[1] is None or b[1] is None:
        return False
    rows = a[0] if a[0] is not None else b[0]
    return rows is None or rows * (a[1] + b[1]) < a[1] * b[1]


class JoinedProduct:
    """Lists of the operands of `gradient`, as variables of the loop with this body: `args`, then `results`."""

    def __init__(self, gradient: Tensor, body: FuncGraph):
        self.operands = list(gradient.op._inputs)
        with body.as_default():
            self.args = [body.add_input(dtypes.variant, [], "rows") for _ in self.operands]
            self.results = [raw.TensorListPushBack(arg, t) for arg, t in zip(self.args, self.operands)]

    def _rows(self, operand: Tensor) -> Any:
        dims = operand._dims()
        assert dims is not None
        return element_shape([None, dims[1]])

    def start(self) -> list[Tensor]:
        return [
            raw.EmptyTensorList(self._rows(t), -1, element_dtype=t.dtype.base_dtype, shape_type=dtypes.int32)
            for t in self.operands
        ]

    def finish(self, lists: list[Tensor]) -> Tensor:
        """The sum, from the loop's results."""
        a, b = (
            raw.TensorListConcatV2(rows, self._rows(t), [], element_dtype=t.dtype.base_dtype, shape_type=dtypes.int32)[
                0
            ]
            for rows, t in zip(lists, self.operands)
        )
        return raw.MatMul(a, b, transpose_a=True)
