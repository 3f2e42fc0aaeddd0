"""The global step: a scalar integer variable that counts training steps."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, init_ops
from tfmini.graph import Graph, Tensor, get_default_graph
from tfmini.graph_keys import GraphKeys
from tfmini.variable_scope import get_variable

__all__ = ["assert_global_step", "create_global_step", "get_global_step", "get_or_create_global_step", "global_step"]


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The value of the global step in a session."""
    return int(sess.run(global_step_tensor))


def get_global_step(graph: Graph | None = None) -> Any:
    """The global step of a graph (by default the default graph); None if it has none.

    It is the item of the collection GLOBAL_STEP, else the tensor "global_step:0". Raises TypeError if
    that is no integer scalar.
    """
    graph = graph or get_default_graph()
    found = graph.get_collection(GraphKeys.GLOBAL_STEP)
    step: Any = None
    if len(found) == 1:
        step = found[0]
    elif not found:
        try:
            step = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    else:
        return None  # several: ambiguous, as in TensorFlow
    assert_global_step(step)
    return step


def create_global_step(graph: Graph | None = None) -> Any:
    """Makes the variable "global_step" (int64, 0). Raises ValueError if the graph has a global step."""
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default(), graph.name_scope(None):
        return get_variable(
            GraphKeys.GLOBAL_STEP,
            shape=[],
            dtype=dtypes.int64,
            initializer=init_ops.zeros_initializer(),
            trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The global step of a graph, made if there is none."""
    graph = graph or get_default_graph()
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def assert_global_step(global_step_tensor: Any) -> None:
    """Raises TypeError unless this is a scalar integer variable or tensor."""
    t = global_step_tensor
    if not (isinstance(t, Tensor) or hasattr(t, "_ref")):
        raise TypeError(f'Existing "global_step" must be a Variable or Tensor: {t}.')
    if not t.dtype.base_dtype.is_integer:
        raise TypeError(f'Existing "global_step" does not have integer type: {t.dtype}')
    if t.shape.ndims not in (0, None):
        raise TypeError(f'Existing "global_step" is not scalar: {t.shape}')
