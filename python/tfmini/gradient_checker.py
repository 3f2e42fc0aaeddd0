"""Jacobians by symbolic differentiation and by finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import raw
from tfmini.autodiff import gradients
from tfmini.convert import constant
from tfmini.graph import Tensor, get_default_session

__all__ = ["compute_gradient", "compute_gradient_error"]


def compute_gradient(
    x: Any,
    x_shape: Any,
    y: Tensor,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> Any:
    """The Jacobian dy/dx, symbolic and numeric, in the default session.

    Args:
      x: a tensor or list of tensors.
      x_shape, y_shape: their shapes as lists of ints (a list of such for a list of x).
      x_init_value: where to differentiate; random by default.
      delta: the step of the finite differences.
      init_targets: operations to run first.

    Returns:
      (symbolic, numeric) arrays [elements of x, elements of y], or a list of such pairs.
    """
    session = _session()
    if init_targets is not None:
        session.run(init_targets)
    feeds = dict(extra_feed_dict or {})
    if not isinstance(x, list):
        return _jacobians(session, x, list(x_shape), y, list(y_shape), x_init_value, delta, feeds)
    values = x_init_value or [_random(t, s) for t, s in zip(x, x_shape)]
    feeds.update({_tensor(t): v for t, v in zip(x, values)})
    return [_jacobians(session, t, list(s), y, list(y_shape), v, delta, feeds) for t, s, v in zip(x, x_shape, values)]


def compute_gradient_error(
    x: Any,
    x_shape: Any,
    y: Tensor,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> float:
    """The largest difference between the symbolic and the numeric Jacobian. See `compute_gradient`."""
    pairs = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = pairs if isinstance(pairs, list) else [pairs]
    return max(float(np.abs(symbolic - numeric).max()) if symbolic.size else 0.0 for symbolic, numeric in pairs)


def _session() -> Any:
    session = get_default_session()
    if session is None:
        raise ValueError("compute_gradient needs a default session: use `with sess.as_default()`")
    return session


def _tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else x.value()


def _random(x: Any, shape: Any) -> np.ndarray:
    return np.random.random_sample(shape).astype(x.dtype.as_numpy_dtype)


def _jacobians(
    session: Any, x: Any, x_shape: list[int], y: Tensor, y_shape: list[int], value: Any, delta: float, feeds: Any
) -> tuple[np.ndarray, np.ndarray]:
    x = _tensor(x)
    value = _random(x, x_shape) if value is None else np.array(value, x.dtype.as_numpy_dtype)
    if list(value.shape) != x_shape:
        raise ValueError(f"x_init_value has shape {list(value.shape)}, x_shape says {x_shape}")
    return (
        _symbolic(session, x, value, y, y_shape, feeds),
        _numeric(session, x, value, y, y_shape, delta, feeds),
    )


def _symbolic(session: Any, x: Tensor, value: np.ndarray, y: Tensor, y_shape: list[int], feeds: Any) -> np.ndarray:
    numpy_type = y.dtype.as_numpy_dtype
    with x.graph.as_default():
        # PlaceholderWithDefault lets the weights of the outputs be fed.
        weights = raw.PlaceholderWithDefault(constant(np.zeros(y_shape, numpy_type)), shape=y_shape)
        gradient = gradients(y, x, weights)[0]
    outputs = int(np.prod(y_shape))
    jacobian = np.zeros((value.size, outputs), x.dtype.as_numpy_dtype)
    if gradient is None:
        return jacobian
    for column in range(outputs):
        one_hot = np.zeros(outputs, numpy_type)
        one_hot[column] = 1
        got = session.run(gradient, {**feeds, x: value, weights: one_hot.reshape(y_shape)})
        if hasattr(got, "indices"):  # IndexedSlices
            dense = np.zeros(value.shape, value.dtype)
            np.add.at(dense, got.indices, got.values)
            got = dense
        jacobian[:, column] = np.reshape(got, -1)
    return jacobian


def _numeric(
    session: Any, x: Tensor, value: np.ndarray, y: Tensor, y_shape: list[int], delta: float, feeds: Any
) -> np.ndarray:
    jacobian = np.zeros((value.size, int(np.prod(y_shape))), y.dtype.as_numpy_dtype)
    for row in range(value.size):
        ends = []
        for step in (delta, -delta):
            moved = value.copy()
            moved.reshape(-1)[row] += step
            ends.append(np.reshape(session.run(y, {**feeds, x: moved}), -1))
        jacobian[row] = (ends[0] - ends[1]) / (2 * delta)
    return jacobian
