"""Adding a bias to each channel."""

from __future__ import annotations

from typing import Any

from tfmini import raw
from tfmini.autodiff import gradient
from tfmini.graph import Operation, Tensor, convert_to_tensor, name_scope

__all__ = ["bias_add", "bias_add_v1"]


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """value + bias, one bias per channel: the last dimension ("N...C", default) or the second ("NC...").

    value has rank 2 or more, bias is a vector of the same dtype. Raises ValueError if the number of
    channels differs, or for another data_format.
    """
    first = False
    if data_format is not None:
        if data_format.startswith("NC"):
            first = True
        elif not (data_format.startswith("N") and data_format.endswith("C")):
            if name is not None or data_format.isupper():
                raise ValueError(f"`data_format` must be of the form `N...C` or `NC...`. Received: {data_format!r}")
            name = data_format  # early programs pass the name here
    with name_scope(name, "BiasAdd", [value, bias]) as scope:
        value = convert_to_tensor(value, name="input")
        bias = convert_to_tensor(bias, value.dtype.base_dtype, name="bias")
        return raw.BiasAdd(value, bias, data_format="NCHW" if first else "NHWC", name=scope)


def bias_add_v1(value: Any, bias: Any, name: str | None = None) -> Tensor:
    """`bias_add` along the last dimension, by the op of old graphs."""
    return raw.BiasAddV1(value, bias, name=name)


@gradient("BiasAdd")
def _bias_add_grad(op: Operation, grad: Any) -> list[Any]:
    return [grad, raw.BiasAddGrad(grad, data_format=op.get_attr("data_format"))]


@gradient("BiasAddV1")
def _bias_add_v1_grad(op: Operation, grad: Any) -> list[Any]:
    return [grad, raw.BiasAddGrad(grad)]


@gradient("BiasAddGrad")
def _bias_add_grad_grad(op: Operation, grad: Any) -> Any:
    # The gradient repeated over everything that was summed.
    return raw.BiasAdd(raw.ZerosLike(op.inputs[0]), grad, data_format=op.get_attr("data_format"))
