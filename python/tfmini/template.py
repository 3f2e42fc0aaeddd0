"""`make_template`: a function that creates its variables at the first call and shares them afterwards."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tfmini.graph_keys import GraphKeys, get_collection
from tfmini.variable_scope import VariableScope, pure_variable_scope, unique_variable_scope, variable_scope

__all__ = ["make_template"]


def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Any = None,
    **kwargs: Any,
) -> Template:
    """`func_`, in a variable scope of its own that all calls share.

    Args:
      name_: the scope's name, made unique.
      create_scope_now_: open the scope now instead of at the first call.
      unique_name_: the scope's name, not made unique.
      custom_getter_: a custom getter for the variables.
      **kwargs: bound to `func_`.

    Raises:
      ValueError: if `name_` is None.
    """
    if kwargs:
        func_ = functools.partial(func_, **kwargs)
    return Template(name_, func_, create_scope_now_, unique_name_, custom_getter_)


class Template:
    """See `make_template`."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        create_scope_now: bool = False,
        unique_name: str | None = None,
        custom_getter: Any = None,
    ):
        if name is None:
            raise ValueError("name cannot be None.")
        self._name = name
        self._func = func
        self._unique_name = unique_name
        self._custom_getter = custom_getter
        self._variables_created = False
        self._scope: VariableScope | None = None
        if create_scope_now:
            unique = unique_name or unique_variable_scope(name)
            with pure_variable_scope(unique, custom_getter=custom_getter) as scope:
                self._scope = scope

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._scope is not None:
            with variable_scope(self._scope, reuse=self._variables_created):
                return self._call(args, kwargs)
        with variable_scope(self._unique_name, self._name, custom_getter=self._custom_getter) as scope:
            self._scope = scope
            return self._call(args, kwargs)

    def _call(self, args: Any, kwargs: Any) -> Any:
        before = len(get_collection(GraphKeys.TRAINABLE_VARIABLES))
        result = self._func(*args, **kwargs)
        if self._variables_created:
            new = get_collection(GraphKeys.TRAINABLE_VARIABLES)[before:]
            if new:
                raise ValueError(
                    "Trainable variable created when calling a template after the first time, perhaps you used "
                    f"tf.Variable when you meant tf.get_variable: {new}"
                )
        self._variables_created = True
        return result

    @property
    def name(self) -> str:
        return self._name

    @property
    def func(self) -> Callable[..., Any]:
        return self._func

    @property
    def variable_scope(self) -> VariableScope | None:
        """The scope, None before it was opened."""
        return self._scope

    @property
    def variable_scope_name(self) -> str | None:
        """The scope's name with a trailing "/" ("" at the top), None before it was opened."""
        if self._scope is None:
            return None
        return self._scope.name + "/" if self._scope.name else ""

    @property
    def trainable_variables(self) -> list[Any]:
        return [] if self._scope is None else self._scope.trainable_variables()

    @property
    def global_variables(self) -> list[Any]:
        return [] if self._scope is None else self._scope.global_variables()

    @property
    def local_variables(self) -> list[Any]:
        return [] if self._scope is None else self._scope.local_variables()

    @property
    def variables(self) -> list[Any]:
        return self.global_variables + self.local_variables

    trainable_weights = trainable_variables
    weights = variables
