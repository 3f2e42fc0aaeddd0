"""Sessions: running parts of a graph.

The work of a run happens in C++ (`_core.Session`), which recognises a call it has seen before. This
module resolves calls it has not: which tensors a nested fetch means, what a feed key names.
"""

from __future__ import annotations

import collections.abc
import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tfmini import _core, dtypes, errors, nest
from tfmini.config import ConfigProto
from tfmini.graph import Graph, Operation, Tensor, get_default_graph
from tfmini.indexed_slices import IndexedSlices, IndexedSlicesValue
from tfmini.scopes import stacks

__all__ = ["InteractiveSession", "Session", "register_session_run_conversion_functions"]

# Extra fetchable types: (type, fetch -> (parts, rebuild), feed -> ..., feed keys -> ...).
_conversions: list[tuple[type, Callable[..., Any], Callable[..., Any] | None]] = []


def register_session_run_conversion_functions(
    tensor_type: type, fetch_function: Any = None, feed_function: Any = None, feed_function_for_partial_run: Any = None
) -> None:
    """Makes `tensor_type` fetchable and feedable.

    fetch_function(x) -> (list of fetches, function from their values to the result);
    feed_function(key, value) -> list of (tensor, value) pairs.
    """
    del feed_function_for_partial_run
    _conversions.insert(0, (tensor_type, fetch_function, feed_function))


class BaseSession:
    """What `Session` and `InteractiveSession` share."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None):
        if target:
            raise errors.UnimplementedError(
                None, None, f"tfmini runs in-process; remote targets ('{target}') are not supported"
            )
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(f"graph must be a tf.Graph, but got {type(graph)}")
        if config is not None and not isinstance(config, ConfigProto):
            raise TypeError(f"config must be a tf.ConfigProto, but got {type(config)}")
        self._graph = graph if graph is not None else get_default_graph()
        self._config = config or ConfigProto()
        options = self._config._session_options()
        self._closed = False
        # The C++ side must not refer to this object: neither could ever be freed.
        resolve = functools.partial(_resolve, self._graph)
        try:
            self._core = _core.Session(self._graph._core, options, resolve, _convert_feed)
        except _core.StatusError as e:
            raise errors.run_error(e, self._graph) from None
        self._core_run = self._core.run

    @property
    def graph(self) -> Graph:
        return self._graph

    @property
    def graph_def(self) -> Any:
        return self._graph.as_graph_def()

    @property
    def sess_str(self) -> str:
        return ""

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Computes `fetches`, with the tensors in `feed_dict` replaced by the values given there.

        Args:
          fetches: a tensor, operation, variable or name, or a nested list, tuple, named tuple or
            dict of these. Operations give None.
          feed_dict: {tensor or its name: array, number or list}. Any tensor may be fed. Arrays of CuPy, PyTorch or
            JAX on a GPU of this session are read where they are.
          options: with tf.RunOptions(fetch_on_device=True), tensors made on a GPU stay there, as tf.DeviceArray.

        Returns arrays in the structure of `fetches`. Raises RuntimeError if the session is closed,
        TypeError or ValueError for wrong fetches and feeds, tf.errors.OpError if an operation fails.
        """
        if options is not None and options.fetch_on_device:
            return self._run(fetches, feed_dict, True)
        try:
            return self._core_run(fetches, feed_dict)
        except _core.StatusError as e:
            raise errors.run_error(e, self._graph) from None
        except _Expand:
            return self._run(fetches, self._expanded(feed_dict), False)

    def _run(self, fetches: Any, feed_dict: Any, on_device: bool) -> Any:
        try:
            return self._core_run(fetches, feed_dict, on_device)
        except _core.StatusError as e:
            raise errors.run_error(e, self._graph) from None
        except _Expand:
            return self._run(fetches, self._expanded(feed_dict), on_device)

    def make_callable(
        self, fetches: Any, feed_list: Any = None, accept_options: bool = False, fetch_on_device: bool = False
    ) -> Callable[..., Any]:
        """A function of the values of `feed_list` that computes `fetches`: `run` with its lookup done once.

        fetch_on_device: see tf.RunOptions.
        """
        keys = list(feed_list or [])
        try:
            index = self._core.prepare(fetches, dict.fromkeys(keys), fetch_on_device)
        except _core.StatusError as e:
            raise errors.run_error(e, self._graph) from None
        call = self._core.call_prepared

        def function(*args: Any, **kwargs: Any) -> Any:
            if kwargs and not (accept_options and set(kwargs) <= {"options", "run_metadata"}):
                raise TypeError(f"unexpected arguments {sorted(kwargs)}")
            try:
                return call(index, args)
            except _core.StatusError as e:
                raise errors.run_error(e, self._graph) from None

        return function

    def partial_run_setup(self, *_: Any, **__: Any) -> Any:
        raise errors.UnimplementedError(None, None, "partial_run is not implemented; fetch everything in one run")

    partial_run = partial_run_setup

    def list_devices(self) -> list[Any]:
        from tfmini.device import list_devices

        return list_devices()

    def describe_plan(self, fetches: Any, feed_dict: Any = None) -> str:
        """The instructions a run of `fetches` executes, for debugging."""
        return self._core.describe(fetches, feed_dict)

    def close(self) -> None:
        """Frees the variables and all memory of this session."""
        self._closed = True
        self._core.close()

    @contextlib.contextmanager
    def as_default(self) -> Iterator[BaseSession]:
        """Makes this the session of `Tensor.eval()` and `Operation.run()` inside the block."""
        stacks.sessions.append(self)
        try:
            yield self
        finally:
            stacks.sessions.remove(self)

    def _expanded(self, feed_dict: dict[Any, Any]) -> dict[Any, Any]:
        """A feed dictionary with composite keys (IndexedSlices, ...) replaced by their tensors."""
        out: dict[Any, Any] = {}
        for key, value in feed_dict.items():
            convert = _feed_conversion(key)
            out.update(convert(key, value) if convert else [(key, value)])
        return out


class _Expand(Exception):
    """A feed key stands for several tensors."""


# --- what a call means: called from C++ ---------------------------------------------------------------


def _resolve(graph: Graph, fetches: Any, feed_keys: list[Any]) -> tuple[Any, ...]:
    """(tensors to fetch, operations to run, feeds, nested result with fetch numbers as leaves)."""
    feeds = []
    fed = set()
    for key in feed_keys:
        if _feed_conversion(key) is not None:
            raise _Expand
        tensor = _feed_tensor(graph, key)
        if tensor in fed:
            raise ValueError(f"Tensor '{tensor.name}' is fed twice")
        fed.add(tensor)
        feeds.append((tensor.op._id, tensor.value_index, tensor.dtype.base_dtype.as_datatype_enum, tensor))
    resolver = _FetchResolver(graph)
    result = resolver.visit(fetches)
    return resolver.tensors, resolver.targets, feeds, result


def _feed_tensor(graph: Graph, key: Any) -> Tensor:
    try:
        tensor = graph.as_graph_element(key, allow_operation=False)
    except (KeyError, TypeError, ValueError) as e:
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {_text(e)}") from None
    if not graph.is_feedable(tensor):
        raise ValueError(f"Tensor {tensor} may not be fed.")
    return tensor


def _convert_feed(key: Tensor, value: Any, dtype: int) -> np.ndarray:
    """`value` as a C-contiguous array of the fed tensor's dtype."""
    if isinstance(value, Tensor):
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, "
            f"strings, lists, numpy ndarrays. It was fed for {key.name}; run it in a session first."
        )
    want = dtypes.as_dtype(dtype)
    np_type = want.as_numpy_dtype
    if isinstance(value, int) and not isinstance(value, bool) and want.is_integer and not want.min <= value <= want.max:
        raise TypeError(
            f"Type of feed value {value} with type {type(value)} is not compatible with Tensor type {want.name}."
        )
    try:
        if hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray):
            value = np.from_dlpack(value)
        if want == dtypes.string:
            return np.asarray(value, dtype=object)
        array = np.asarray(value)
        if array.dtype != np_type:
            if array.dtype.kind in "OSU":
                error = TypeError if array.dtype.kind == "O" else ValueError
                raise error(f"a value of type {array.dtype}")
            array = array.astype(np_type)
        return np.ascontiguousarray(array) if array.ndim else array
    except (TypeError, ValueError) as e:
        raise type(e)(f"Cannot feed the value for Tensor '{key.name}' as {want.name}: {_text(e)}") from None


def _feed_conversion(key: Any) -> Callable[..., Any] | None:
    if isinstance(key, IndexedSlices):
        return _feed_indexed_slices
    if isinstance(key, (list, tuple)):
        return _feed_group
    for kind, _, feed in _conversions:
        if isinstance(key, kind) and feed is not None:
            return feed
    return None


def _feed_indexed_slices(key: IndexedSlices, value: Any) -> list[tuple[Any, Any]]:
    pairs = [(key.values, value[0]), (key.indices, value[1])]
    if key.dense_shape is not None:
        pairs.append((key.dense_shape, value[2]))
    return pairs


def _feed_group(keys: Any, values: Any) -> list[tuple[Any, Any]]:
    flat_keys, flat_values = nest.flatten(keys), list(values)
    if len(flat_keys) != len(flat_values):
        raise ValueError(f"{len(flat_values)} values are fed for the {len(flat_keys)} tensors of {keys!r}")
    return list(zip(flat_keys, flat_values))


def _text(e: Exception) -> str:
    return str(e.args[0]) if e.args else str(e)


class _FetchResolver:
    """Walks a nested fetch; equal tensors get one number."""

    def __init__(self, graph: Graph):
        self._graph = graph
        self.tensors: list[tuple[int, int]] = []
        self.targets: list[int] = []
        self._numbers: dict[tuple[int, int], int] = {}

    def visit(self, fetch: Any) -> Any:
        if fetch is None:
            raise TypeError(
                "Fetch argument None has invalid type <class 'NoneType'>: a fetch is a tensor, operation, variable or "
                "name. A function without a return statement is a common reason."
            )
        if isinstance(fetch, (list, tuple)) and not hasattr(fetch, "_fields"):
            parts = [self.visit(f) for f in fetch]
            return parts if type(fetch) is list else (_make_sequence(type(fetch)), parts)
        if isinstance(fetch, tuple):  # a named tuple
            return (type(fetch), [self.visit(f) for f in fetch])
        if isinstance(fetch, collections.abc.Mapping):
            return (_make_mapping(type(fetch), list(fetch)), [self.visit(f) for f in fetch.values()])
        if isinstance(fetch, IndexedSlices):
            parts = [fetch.values, fetch.indices] + ([] if fetch.dense_shape is None else [fetch.dense_shape])
            return (IndexedSlicesValue, [self.visit(p) for p in parts])
        for kind, function, _ in _conversions:
            if isinstance(fetch, kind) and function is not None:
                parts, rebuild = function(fetch)
                return (_make_converted(rebuild), [self.visit(p) for p in parts])
        return self._leaf(fetch)

    def _leaf(self, fetch: Any) -> int:
        try:
            element = self._graph.as_graph_element(fetch)
        except TypeError:
            raise TypeError(
                f"Fetch argument {fetch!r} has invalid type {type(fetch)}, must be a string or Tensor."
            ) from None
        except (KeyError, ValueError) as e:
            raise ValueError(f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({_text(e)})") from None
        if not self._graph.is_fetchable(element):
            raise ValueError(f"Operation '{element.name}' has been marked as not fetchable.")
        if isinstance(element, Operation):
            self.targets.append(element._id)
            return -1
        if element.dtype.base_dtype in (dtypes.variant, dtypes.resource):
            raise TypeError(f"Tensor '{element.name}' has dtype {element.dtype.name}, whose values cannot be fetched")
        key = element._key
        if key not in self._numbers:
            self._numbers[key] = len(self.tensors)
            self.tensors.append(key)
        return self._numbers[key]


def _make_sequence(kind: type) -> Callable[..., Any]:
    return lambda *parts: kind(parts)


def _make_mapping(kind: Any, keys: list[Any]) -> Callable[..., Any]:
    return lambda *parts: kind(zip(keys, parts))


def _make_converted(rebuild: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *parts: rebuild(list(parts))


class Session(BaseSession):
    """Runs operations of a graph and holds the values of its variables.

    As a context manager it becomes the default session and closes at the end:

        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None):
        super().__init__(target, graph, config)
        self._contexts: list[Any] = []

    def __enter__(self) -> Session:
        stack = contextlib.ExitStack()
        stack.enter_context(self.graph.as_default())
        stack.enter_context(self.as_default())
        self._contexts.append(stack)
        return self

    def __exit__(self, *exc: Any) -> None:
        self._contexts.pop().close()
        self.close()

    @staticmethod
    def reset(target: str, containers: Any = None, config: Any = None) -> None:
        """Variables live in sessions here, so there is nothing to reset in-process."""
        del target, containers, config


class InteractiveSession(BaseSession):
    """A session that is the default from its creation until `close()`: for shells and notebooks."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None):
        super().__init__(target, graph, config)
        self._own_graph = graph
        if graph is not None:
            stacks.graphs.append(graph)
        stacks.sessions.append(self)

    def close(self) -> None:
        if not self._closed:
            with contextlib.suppress(ValueError):
                stacks.sessions.remove(self)
            if self._own_graph is not None:
                with contextlib.suppress(ValueError):
                    stacks.graphs.remove(self._own_graph)
        super().close()
