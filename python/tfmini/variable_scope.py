"""Variable scopes: `get_variable` and the scopes that name, share and configure what it makes."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
from collections.abc import Iterator
from typing import Any

from tfmini import dtypes
from tfmini.graph import get_default_graph, graph_of, name_scope
from tfmini.graph_keys import GraphKeys
from tfmini.variable_store import AUTO_REUSE, scope_stack, variable_store

__all__ = [
    "AUTO_REUSE", "VariableScope", "get_local_variable", "get_variable", "get_variable_scope", "no_regularizer",
    "op_scope", "variable_op_scope", "variable_scope",
]  # fmt: skip


def no_regularizer(_: Any) -> None:
    """A regularizer that adds no loss; keeps a scope's regularizer off a variable."""


class VariableScope:
    """What `get_variable` uses for arguments that are not given, and the prefix of the names it makes.

    Attributes:
      name: the prefix, without a trailing "/".
      original_name_scope: the name scope that was opened together with this scope, ending in "/".
      reuse: None, True or AUTO_REUSE.
      initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource, constraint: defaults.
    """

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        name_scope: str = "",
        dtype: Any = dtypes.float32,
        use_resource: bool | None = None,
        constraint: Any = None,
    ):
        self._name = name
        self._reuse = reuse
        self._initializer = initializer
        self._regularizer = regularizer
        self._caching_device = caching_device
        self._partitioner = partitioner
        self._custom_getter = custom_getter
        self._name_scope = name_scope
        self._dtype = dtype
        self._use_resource = use_resource
        self._constraint = constraint

    name = property(lambda self: self._name)
    original_name_scope = property(lambda self: self._name_scope)
    reuse = property(lambda self: self._reuse)
    initializer = property(lambda self: self._initializer)
    regularizer = property(lambda self: self._regularizer)
    caching_device = property(lambda self: self._caching_device)
    partitioner = property(lambda self: self._partitioner)
    custom_getter = property(lambda self: self._custom_getter)
    dtype = property(lambda self: self._dtype)
    use_resource = property(lambda self: self._use_resource)
    constraint = property(lambda self: self._constraint)

    def reuse_variables(self) -> None:
        """From now on `get_variable` in this scope gives existing variables."""
        self._reuse = True

    def set_initializer(self, initializer: Any) -> None:
        self._initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        self._regularizer = regularizer

    def set_caching_device(self, caching_device: Any) -> None:
        self._caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        self._partitioner = partitioner

    def set_custom_getter(self, custom_getter: Any) -> None:
        self._custom_getter = custom_getter

    def set_dtype(self, dtype: Any) -> None:
        self._dtype = dtypes.as_dtype(dtype)

    def set_use_resource(self, use_resource: bool | None) -> None:
        self._use_resource = use_resource

    def get_collection(self, name: Any) -> list[Any]:
        """The items of a collection whose names start with this scope's."""
        return get_default_graph().get_collection(name, self._name + "/" if self._name else "")

    def trainable_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def get_variable(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        reuse: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        custom_getter: Any = None,
        constraint: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
    ) -> Any:
        """The variable `name` of this scope, made or shared as the scope's `reuse` says."""
        if dtype is not None and initializer is not None and not callable(initializer):
            _check_value_dtype(initializer, dtype)
        full_name = f"{self._name}/{name}" if self._name else name
        # Names of variables follow variable scopes alone, so the name scope is left meanwhile.
        with name_scope(None):
            return variable_store(get_default_graph()).get_variable(
                full_name,
                shape=shape,
                dtype=self._dtype if dtype is None else dtype,
                initializer=self._initializer if initializer is None else initializer,
                regularizer=self._regularizer if regularizer is None else regularizer,
                reuse=self._reuse if reuse is None else reuse,
                trainable=trainable,
                collections=collections,
                caching_device=self._caching_device if caching_device is None else caching_device,
                partitioner=self._partitioner if partitioner is None else partitioner,
                validate_shape=validate_shape,
                use_resource=use_resource,
                custom_getter=self._custom_getter if custom_getter is None else custom_getter,
                constraint=self._constraint if constraint is None else constraint,
                synchronization=synchronization,
                aggregation=aggregation,
            )


def _check_value_dtype(initializer: Any, dtype: Any) -> None:
    from tfmini.convert import convert_to_tensor

    found = convert_to_tensor(initializer).dtype.base_dtype
    if found is not dtypes.as_dtype(dtype).base_dtype:
        raise ValueError(f"Initializer type '{found}' and explicit dtype '{dtype}' don't match.")


def get_variable_scope() -> VariableScope:
    """The current variable scope."""
    stack = scope_stack(get_default_graph())
    if stack.current is None:
        stack.current = VariableScope(False)
    return stack.current


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """A new or, in a scope that reuses, an existing variable.

    Args:
      name: its name in the current variable scope.
      shape: its shape; not given if `initializer` is a tensor or array.
      dtype: by default the scope's, which is float32 at first.
      initializer: a tensor or array, or a function of (shape, dtype); by default the scope's, else Glorot uniform for
        floats, zeros for the rest.
      regularizer: a function of the variable; what it returns joins GraphKeys.REGULARIZATION_LOSSES.
      custom_getter: called instead of the getter, with the getter as its first argument.
      The rest is as for `tf.Variable`.

    Raises:
      ValueError: if the variable exists and the scope does not reuse, or does not exist and the scope does, or if
        shape or dtype differ from those of the existing one.
    """
    return get_variable_scope().get_variable(
        name, shape, dtype, initializer, regularizer, None, trainable, collections, caching_device, partitioner,
        validate_shape, use_resource, custom_getter, constraint, synchronization, aggregation,
    )  # fmt: skip


def get_local_variable(name: str, *args: Any, **kwargs: Any) -> Any:
    """Like `get_variable`, for a variable that is local (neither trained nor saved)."""
    bound = inspect.signature(get_variable).bind(name, *args, **kwargs).arguments
    bound["collections"] = [*(bound.get("collections") or []), GraphKeys.LOCAL_VARIABLES]
    bound["trainable"] = False
    return get_variable(**bound)


_Settings = dict[str, Any]


@contextlib.contextmanager
def pure_variable_scope(
    name_or_scope: Any, reuse: Any = None, old_name_scope: str | None = None, **settings: Any
) -> Iterator[VariableScope]:
    """A variable scope without a name scope."""
    stack = scope_stack(get_default_graph())
    outer = get_variable_scope()
    jumps = isinstance(name_or_scope, VariableScope)
    parent = name_or_scope if jumps else outer
    new = copy.copy(parent)
    new._reuse = reuse or parent._reuse  # sharing is inherited and cannot be switched off inside
    if jumps:
        if old_name_scope is not None:
            new._name_scope = old_name_scope
    else:
        new._name = f"{outer.name}/{name_or_scope}" if outer.name else name_or_scope
        new._name_scope = name_or_scope if old_name_scope is None else old_name_scope
    for key, value in settings.items():
        if value is None:
            continue
        if key == "custom_getter":
            value = _chain_getters(value, parent.custom_getter)
        setattr(new, "_" + key, dtypes.as_dtype(value) if key == "dtype" else value)
    stack.opened.add(new.name)
    before = stack.opened.copy() if jumps else None
    stack.current = new
    try:
        yield new
    finally:
        if before is not None:
            stack.opened = before
        else:
            stack.opened.discard_inside(new.name)
        stack.current = outer


def _chain_getters(custom_getter: Any, old_getter: Any) -> Any:
    if old_getter is None:
        return custom_getter

    def wrapped_custom_getter(getter: Any, *args: Any, **kwargs: Any) -> Any:
        return custom_getter(functools.partial(old_getter, getter), *args, **kwargs)

    return wrapped_custom_getter


def unique_variable_scope(prefix: str) -> str:
    """`prefix`, with the suffix _1, _2, ... that makes it a new scope inside the current one."""
    opened, outer = scope_stack(get_default_graph()).opened, get_variable_scope().name
    full = f"{outer}/{prefix}" if outer else prefix
    if full not in opened:
        return prefix
    index = 1
    while f"{full}_{index}" in opened:
        index += 1
    return f"{prefix}_{index}"


class variable_scope:
    """A context in which `get_variable` prefixes, shares and configures variables, and which opens a name scope.

    Args:
      name_or_scope: the scope to open inside the current one, or a VariableScope to return to, or None.
      default_name: the name, made unique, if `name_or_scope` is None.
      values: tensors whose graph the scope belongs to.
      reuse: True: give existing variables only; AUTO_REUSE: create those that are missing; None or False: as outside.
      auxiliary_name_scope: if False, no name scope is opened.
      The rest are defaults for `get_variable` inside.

    Raises:
      ValueError, TypeError: on entering, for arguments that make no scope.
    """

    def __init__(
        self,
        name_or_scope: Any,
        default_name: str | None = None,
        values: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: bool | None = None,
        constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ):
        if name_or_scope is None and default_name is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if reuse not in (None, False, True, AUTO_REUSE):
            raise ValueError("The reuse parameter must be True or False or None.")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(f"The auxiliary_name_scope must be `True` or `False`, while get {auxiliary_name_scope}")
        if name_or_scope is not None and not isinstance(name_or_scope, (VariableScope, str)):
            raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
        if name_or_scope is None and reuse:
            raise ValueError("reuse=True cannot be used without a name_or_scope")
        self._name_or_scope = name_or_scope
        self._default_name = default_name
        self._values = values
        self._reuse = reuse or None
        self._auxiliary_name_scope = auxiliary_name_scope
        self._settings: _Settings = {
            "initializer": initializer, "regularizer": regularizer, "caching_device": caching_device,
            "partitioner": partitioner, "custom_getter": custom_getter, "dtype": dtype, "use_resource": use_resource,
            "constraint": constraint,
        }  # fmt: skip
        self._entered: list[contextlib.ExitStack] = []  # the object may be entered again, even inside itself

    def __enter__(self) -> VariableScope:
        with contextlib.ExitStack() as stack:
            graph = graph_of(self._values) if self._values else get_default_graph()
            if graph is not get_default_graph():
                stack.enter_context(graph.as_default())
            result = self._enter(stack)
            self._entered.append(stack.pop_all())
        return result

    def _enter(self, stack: contextlib.ExitStack) -> VariableScope:
        target = self._name_or_scope
        if target is None:
            opened = self._enter_name_scope(stack, self._default_name or "")
            target, old_name_scope = unique_variable_scope(self._default_name or ""), opened
        elif isinstance(target, VariableScope):
            # Back in an existing scope new ops get a name scope of their own, but the scope keeps its first one.
            if target.name or not self._auxiliary_name_scope:
                self._enter_name_scope(stack, target.name.rpartition("/")[2])
            old_name_scope = target.original_name_scope
        else:
            old_name_scope = self._enter_name_scope(stack, target)
        return stack.enter_context(
            pure_variable_scope(target, self._reuse, old_name_scope=old_name_scope, **self._settings)
        )

    def _enter_name_scope(self, stack: contextlib.ExitStack, name: str) -> str:
        if self._auxiliary_name_scope:
            return stack.enter_context(name_scope(name))
        current = get_default_graph().get_name_scope()
        return current + "/" if current else ""

    def __exit__(self, *exc: Any) -> None:
        self._entered.pop().__exit__(*exc)


def variable_op_scope(
    values: Any, name_or_scope: Any, default_name: str | None = None, *args: Any, **kwargs: Any
) -> variable_scope:
    """`variable_scope` with the arguments in the order of TensorFlow 0.x."""
    return variable_scope(name_or_scope, default_name, values, *args, **kwargs)


def op_scope(values: Any, name: str | None, default_name: str | None = None) -> Any:
    """`name_scope` with the arguments in the order of TensorFlow 0.x."""
    return name_scope(name, default_name, values)
