"""tf.py_func: Python functions as ops."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from tfmini import dtypes, raw
from tfmini.autodiff import not_differentiable
from tfmini.convert import convert_to_tensor
from tfmini.graph import Graph, get_default_graph
from tfmini.host_ops import register_host_op

__all__ = ["numpy_function", "py_func"]

_tokens = itertools.count()
_functions: dict[str, tuple[weakref.ref[Graph], Callable[..., Any], list[dtypes.DType]]] = {}


def py_func(func: Callable[..., Any], inp: Any, Tout: Any, stateful: bool = True, name: str | None = None) -> Any:
    """Calls `func` with the values of `inp` (arrays) whenever its results are needed.

    Args:
      Tout: dtype or list of dtypes of the results.
      stateful: False allows equal calls to be merged and constant ones to be folded.

    Returns one tensor for a single dtype, the operation for an empty list, else a list. Exceptions in `func` become tf.errors.UnknownError.
    """
    if not callable(func):
        raise ValueError("py_func: func must be callable")
    single = not isinstance(Tout, (list, tuple))
    types = [dtypes.as_dtype(t) for t in ([Tout] if single else Tout)]
    graph = get_default_graph()
    while graph.building_function:
        graph = graph.outer  # type: ignore[attr-defined]
    token = f"pyfunc_{next(_tokens)}"
    _functions[token] = (weakref.ref(graph), func, types)
    weakref.finalize(graph, _functions.pop, token, None)
    build = raw.PyFunc if stateful else raw.PyFuncStateless
    tensors = [convert_to_tensor(x) for x in inp]
    result = build(tensors, token=token, Tout=types, name=name)
    return result[0] if single else result


def numpy_function(func: Callable[..., Any], inp: Any, Tout: Any, name: str | None = None) -> Any:
    """`py_func` under its later name."""
    return py_func(func, inp, Tout, stateful=True, name=name)


def _call(attrs: dict[str, Any], *arrays: Any) -> Any:
    entry = _functions.get(attrs["token"].decode())
    if entry is None:
        raise ValueError(
            "the Python function of this py_func is gone: graphs with py_func run only where they were built"
        )
    _, func, types = entry
    result = func(*arrays)
    values = list(result) if isinstance(result, (list, tuple)) else [result]
    if result is None:
        values = []
    if len(values) != len(types):
        raise ValueError(f"the function returned {len(values)} values, Tout has {len(types)}")
    out = []
    for value, dtype in zip(values, types):
        array = np.asarray(value, dtype=object if dtype == dtypes.string else None)
        if dtype != dtypes.string and array.dtype != dtype.as_numpy_dtype:
            if isinstance(value, (np.ndarray, np.generic)):
                raise TypeError(f"the function returned {array.dtype}, Tout says {dtype.name}")
            array = array.astype(dtype.as_numpy_dtype)  # Python numbers have no dtype of their own
        out.append(array)
    return out


register_host_op("PyFunc", _call)
register_host_op("PyFuncStateless", _call)
not_differentiable("PyFunc", "PyFuncStateless")
