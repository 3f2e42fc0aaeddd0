"""The variables that `get_variable` made, by name, and the stack of open variable scopes; both belong to a graph."""

from __future__ import annotations

import bisect
import functools
import inspect
from collections.abc import Iterable
from typing import Any

from tfmini import dtypes, errors, tensor_shape
from tfmini.graph import Graph, colocate_with, name_scope
from tfmini.graph_keys import GraphKeys
from tfmini.initial_value import creation_scope
from tfmini.variables import Variable


class _AutoReuse:
    """AUTO_REUSE: share what exists, create what does not."""

    def __repr__(self) -> str:
        return "tf.AUTO_REUSE"

    def __reduce__(self) -> str:
        return "AUTO_REUSE"


AUTO_REUSE: Any = _AutoReuse()


class ScopeNames:
    """A set of scope names, kept in order: those inside one scope are neighbours."""

    def __init__(self, names: Iterable[str] = ()):
        self._names = list(names)

    def add(self, name: str) -> None:
        if name not in self:
            bisect.insort(self._names, name)

    def __contains__(self, name: str) -> bool:
        i = bisect.bisect_left(self._names, name)
        return i < len(self._names) and self._names[i] == name

    def discard_inside(self, scope: str) -> None:
        """Removes what starts with `scope` and a slash, which "0" follows."""
        del self._names[bisect.bisect_left(self._names, scope + "/") : bisect.bisect_left(self._names, scope + "0")]

    def copy(self) -> ScopeNames:
        return ScopeNames(self._names)


class ScopeStack:
    """The innermost open scope of one thread, and which scopes were opened (for unique default names)."""

    def __init__(self) -> None:
        self.current: Any = None
        self.opened = ScopeNames()


def scope_stack(graph: Any) -> ScopeStack:
    """The stack of the outermost graph around `graph`, in this thread."""
    while graph.building_function:
        graph = graph.outer
    local = graph._local
    if not hasattr(local, "variable_scopes"):
        local.variable_scopes = ScopeStack()
    return local.variable_scopes


def variable_store(graph: Any) -> VariableStore:
    """The store of the outermost graph around `graph`."""
    while graph.building_function:
        graph = graph.outer
    if not hasattr(graph, "_variable_store"):
        graph._variable_store = VariableStore()
    return graph._variable_store


class VariableStore:
    """Variables by full name."""

    def __init__(self) -> None:
        self._vars: dict[str, Variable] = {}

    def get_variable(self, name: str, custom_getter: Any = None, **kwargs: Any) -> Any:
        """The variable `name`; `custom_getter` decides if there is one."""
        if custom_getter is None:
            return self._get(name, **kwargs)
        if not callable(custom_getter):
            raise ValueError(f"Passed a custom_getter which is not callable: {custom_getter}")
        # Getters written for older versions take fewer keywords; only the newest ones can be left out.
        accepted = inspect.signature(custom_getter).parameters
        if not any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
            for key in ("constraint", "synchronization", "aggregation"):
                if key not in accepted:
                    kwargs.pop(key, None)
        return custom_getter(self._get, name, **kwargs)

    def _get(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        initializer: Any = None,
        regularizer: Any = None,
        reuse: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        constraint: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
    ) -> Variable:
        from_value = initializer is not None and not callable(initializer)
        if shape is not None and from_value:
            raise ValueError("If initializer is a constant, do not specify shape.")
        dtype = dtypes.as_dtype(dtype)
        shape = tensor_shape.as_shape(shape)
        if partitioner is not None:
            _refuse_partitions(name, partitioner, shape, dtype)
        if name in self._vars:
            return self._existing(name, shape, dtype, reuse)
        if reuse is True:
            raise ValueError(
                f"Variable {name} does not exist, or was not created with tf.get_variable(). "
                "Did you mean to set reuse=tf.AUTO_REUSE in VarScope?"
            )
        initial_value, value_dtype = initializer, None
        if not from_value:
            initial_value, value_dtype = _initial_value(name, shape, dtype, initializer)
        variable = Variable(
            initial_value,
            trainable=trainable,
            collections=collections,
            validate_shape=validate_shape,
            caching_device=caching_device,
            name=name,
            dtype=value_dtype,
            constraint=constraint,
        )
        self._vars[name] = variable
        if regularizer is not None:
            _regularize(variable, name, regularizer)
        return variable

    def _existing(self, name: str, shape: tensor_shape.TensorShape, dtype: dtypes.DType, reuse: Any) -> Variable:
        found = self._vars[name]
        if not reuse:
            message = (
                f"Variable {name} already exists, disallowed. "
                "Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope?"
            )
            if found.op._where is not None:
                message += f" Originally defined at:\n\n  {errors.describe_line(found.op._where)}\n"
            raise ValueError(message)
        if not shape.is_compatible_with(found.shape):
            raise ValueError(
                f"Trying to share variable {name}, but specified shape {shape} and found shape {found.shape}."
            )
        if not dtype.is_compatible_with(found.dtype):
            raise ValueError(
                f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype {found.dtype.name}."
            )
        return found


def _initial_value(name: str, shape: tensor_shape.TensorShape, dtype: dtypes.DType, initializer: Any) -> Any:
    """A function that makes the initial value, and its dtype if that is prescribed."""
    if initializer is None:
        if shape.ndims is None:
            raise ValueError(f"Variable {name} did not get an initializer, so its `shape` argument must be specified.")
        initializer = _default_initializer(name, dtype)
    elif inspect.isclass(initializer):
        initializer = initializer()
    if shape.is_fully_defined():
        return functools.partial(initializer, shape.as_list(), dtype=dtype.base_dtype), dtype.base_dtype
    if _takes_no_arguments(initializer):
        return initializer, None
    raise ValueError(
        "The initializer passed is not valid. It should be a callable with no arguments and the shape should not be "
        "provided or an instance of `tf.keras.initializers.*' and `shape` should be fully defined."
    )


def _default_initializer(name: str, dtype: dtypes.DType) -> Any:
    from tfmini import init_ops

    if dtype.is_floating:
        return init_ops.glorot_uniform_initializer()
    if dtype.is_integer or dtype.is_bool or dtype.base_dtype is dtypes.string:
        return init_ops.zeros_initializer()
    raise ValueError(f"An initializer for variable {name} of {dtype} is required")


def _takes_no_arguments(function: Any) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def _refuse_partitions(name: str, partitioner: Any, shape: tensor_shape.TensorShape, dtype: dtypes.DType) -> None:
    if not shape.is_fully_defined():
        raise ValueError(
            f"Shape of a new partitioned variable ({name}) must be fully defined, but instead was {shape}."
        )
    if any(parts != 1 for parts in partitioner(shape=shape, dtype=dtype)):
        raise NotImplementedError(f"Variable {name}: partitioned variables are not supported; leave out partitioner")


def _regularize(variable: Variable, name: str, regularizer: Any) -> None:
    with creation_scope(), colocate_with(variable.op), name_scope(name + "/Regularizer/"):
        loss = regularizer(variable)
    if loss is not None:
        graph: Graph = variable.graph
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
