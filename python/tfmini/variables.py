"""`Variable`: a tensor that keeps its value between runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from tfmini import dtypes, raw, tensor_shape
from tfmini.convert import convert_to_tensor, register_tensor_conversion_function
from tfmini.graph import (
    Graph,
    Operation,
    Tensor,
    colocate_with,
    control_dependencies,
    device,
    get_default_graph,
    name_scope,
)
from tfmini.graph_keys import GraphKeys
from tfmini.initial_value import creation_scope, guard_uninitialized
from tfmini.ops import scatter
from tfmini.ops import variable as variable_ops

__all__ = ["Variable", "VariableAggregation", "VariableSynchronization"]


class VariableSynchronization:
    """Accepted for compatibility: there is one copy of each variable."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation:
    """Accepted for compatibility: there is one copy of each variable."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


class Variable:
    """A tensor that keeps its value between runs, one value per session.

    Makes three nodes: the variable itself, `<name>/Assign` which initializes it, and `<name>/read`, what ops see.
    Within one run every read that does not depend on an assignment sees the value from before the run.

    Args:
      initial_value: anything convertible to a tensor, or a function without arguments that makes it.
      trainable: whether optimizers change it by default.
      collections: the collections it joins, by default [GraphKeys.GLOBAL_VARIABLES].
      validate_shape: if False, the variable's shape is unknown and may change by assignment.
      caching_device: where reads happen.
      name: by default "Variable", made unique.
      dtype: what the initial value is converted to.
      expected_shape: the initial value must have this shape.
      constraint: a function applied to the variable by optimizers after each update.
      use_resource, synchronization, aggregation: accepted; all variables behave alike here.

    Raises:
      ValueError: if there is no initial value, or its shape is unknown although `validate_shape`.
    """

    __array_priority__ = 100  # NumPy arrays let the reflected operators of variables win

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Iterable[str] | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Callable[[Any], Any] | None = None,
        use_resource: bool | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ):
        if variable_def is not None:
            raise ValueError("Variable: variable_def is not supported; build the variable from its initial value")
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        if collections is None:
            collections = [GraphKeys.GLOBAL_VARIABLES]
        elif not isinstance(collections, (list, tuple, set)):
            raise ValueError(
                "collections argument to Variable constructor must be a list, tuple, or set. "
                f"Got {collections} of type {type(collections)}"
            )
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")
        self._trainable = True if trainable is None else bool(trainable)
        self._constraint = constraint
        if self._trainable and GraphKeys.TRAINABLE_VARIABLES not in collections:
            collections = [*collections, GraphKeys.TRAINABLE_VARIABLES]
        with creation_scope():
            self._make_nodes(initial_value, dtype, name, validate_shape, expected_shape, shape, caching_device)
            get_default_graph().add_to_collections(collections, self)

    def _make_nodes(
        self, initial_value: Any, dtype: Any, name: Any, validate_shape: bool, expected_shape: Any, shape: Any,
        caching_device: Any,
    ) -> None:  # fmt: skip
        deferred = callable(initial_value)
        if isinstance(initial_value, Tensor) and initial_value.graph.building_function:
            raise ValueError(
                f"Initializer for variable {name or 'Variable'} is from inside a control-flow construct, such as a "
                "loop or conditional. When creating a variable inside a loop or conditional, use a lambda as the "
                "initializer."
            )
        dtype = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
        with name_scope(name, "Variable", None if deferred else [initial_value]) as scope:
            if deferred:
                with name_scope("Initializer"), device(None):
                    initial_value = convert_to_tensor(initial_value(), dtype, name="initial_value")
            else:
                initial_value = convert_to_tensor(initial_value, dtype, name="initial_value")
            known = initial_value.shape
            if validate_shape and not known.is_fully_defined():
                raise ValueError(f"initial_value must have a shape specified: {initial_value}")
            if expected_shape is not None:
                known.assert_is_compatible_with(expected_shape)
            if shape is None:
                shape = known if validate_shape else tensor_shape.unknown_shape()
            self._initial_value = initial_value
            self._variable = raw.VariableV2(shape=shape, dtype=initial_value.dtype.base_dtype, name=scope)
            with colocate_with(self._variable.op):
                self._guarded_value = guarded = guard_uninitialized(initial_value, self._variable.op.name)
                self._initializer_op = raw.Assign(
                    self._variable, guarded, validate_shape=validate_shape, name="Assign"
                ).op
                with _reading_device(caching_device, self._variable.op):
                    self._snapshot = raw.Identity(self._variable, name="read")
        self._caching_device = caching_device

    # --- reading ---------------------------------------------------------------------------------
    def value(self) -> Tensor:
        """The value, as the tensor that all ops share."""
        return self._snapshot

    def read_value(self) -> Tensor:
        """The value, read by a node of its own: inside ``tf.control_dependencies`` it waits for those."""
        return raw.Identity(self._variable, name="read")

    def initialized_value(self) -> Tensor:
        """The value if there is one, else the initial value: for initial values that depend on other variables."""
        from tfmini.ops.control_flow import cond

        with control_dependencies(None):
            return cond(variable_ops.is_variable_initialized(self), self.read_value, lambda: self._guarded_value)

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """The rows `indices` of the variable."""
        return raw.GatherV2(self, indices, 0, name=name)

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """The slices `indices` of the variable; see tf.gather_nd."""
        return raw.GatherNd(self, indices, name=name)

    def eval(self, session: Any = None) -> Any:
        """The value in `session`, by default the default session."""
        return self._variable.eval(session=session)

    def _ref(self) -> Tensor:
        return self._variable

    def _as_graph_element(self) -> Tensor:
        return self._variable

    # --- writing ---------------------------------------------------------------------------------
    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Replaces the value. Gives the variable after the change, or with ``read_value=False`` the Operation."""
        return _result(variable_ops.assign(self, value, use_locking=use_locking, name=name), read_value)

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds `delta`. See `assign`."""
        return _result(variable_ops.assign_add(self, delta, use_locking, name), read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts `delta`. See `assign`."""
        return _result(variable_ops.assign_sub(self, delta, use_locking, name), read_value)

    def count_up_to(self, limit: int) -> Tensor:
        """See `tf.count_up_to`."""
        return variable_ops.count_up_to(self, limit)

    def load(self, value: Any, session: Any = None) -> None:
        """Sets the value in `session` right now."""
        session = self.graph._session_for(session, "load()")
        session.run(self._initializer_op, {self._initializer_op.inputs[1]: value})

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Replaces the rows of an IndexedSlices. See `tf.scatter_update`."""
        return scatter.scatter_update(self, sparse_delta.indices, sparse_delta.values, use_locking, name)

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return scatter.scatter_add(self, sparse_delta.indices, sparse_delta.values, use_locking, name)

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return scatter.scatter_sub(self, sparse_delta.indices, sparse_delta.values, use_locking, name)

    def scatter_mul(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return scatter.scatter_mul(self, sparse_delta.indices, sparse_delta.values, use_locking, name)

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return scatter.scatter_div(self, sparse_delta.indices, sparse_delta.values, use_locking, name)

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return scatter.scatter_min(self, sparse_delta.indices, sparse_delta.values, use_locking, name)

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return scatter.scatter_max(self, sparse_delta.indices, sparse_delta.values, use_locking, name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        return scatter.scatter_nd_update(self, indices, updates, name=name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        return scatter.scatter_nd_add(self, indices, updates, name=name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        return scatter.scatter_nd_sub(self, indices, updates, name=name)

    # --- what it is ------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        return self._variable.name

    @property
    def op(self) -> Operation:
        return self._variable.op

    @property
    def graph(self) -> Graph:
        return self._variable.graph

    @property
    def device(self) -> str:
        return self._variable.device

    @property
    def dtype(self) -> dtypes.DType:
        """The reference type, such as float32_ref; ``dtype.base_dtype`` is the type of the value."""
        return self._variable.dtype

    @property
    def shape(self) -> tensor_shape.TensorShape:
        return self._variable.shape

    def get_shape(self) -> tensor_shape.TensorShape:
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Adds knowledge to the static shape."""
        self._variable.set_shape(shape)
        self._snapshot.set_shape(shape)

    @property
    def initializer(self) -> Operation:
        """The Operation that gives the variable its initial value."""
        return self._initializer_op

    @property
    def initial_value(self) -> Tensor:
        return self._initial_value

    @property
    def trainable(self) -> bool:
        return self._trainable

    @property
    def constraint(self) -> Callable[[Any], Any] | None:
        return self._constraint

    synchronization = VariableSynchronization.AUTO
    aggregation = VariableAggregation.NONE

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}>"

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:  # by identity, as TF1: variables are dictionary keys
        return self is other

    def __iter__(self) -> Any:
        raise TypeError("'Variable' object is not iterable.")

    def __bool__(self) -> bool:
        return bool(self._snapshot)

    def __getitem__(self, key: Any) -> Any:
        return self._snapshot[key]


def _result(assigned: Tensor, read_value: bool) -> Any:
    return assigned if read_value else assigned.op


@contextlib.contextmanager
def _reading_device(caching_device: Any, variable_op: Operation) -> Any:
    if caching_device is None:
        yield
    else:
        with device(caching_device(variable_op) if callable(caching_device) else caching_device):
            yield


def _to_tensor(value: Variable, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Tensor:
    if dtype is not None and dtype.base_dtype is not value.dtype.base_dtype:
        raise ValueError(
            f"Incompatible type conversion requested to type '{dtype.name}' for variable of type '{value.dtype.name}'"
        )
    return value._variable if as_ref else value._snapshot


register_tensor_conversion_function(Variable, _to_tensor)


def _install_operators() -> None:
    names = "add sub mul truediv floordiv div mod pow matmul and or xor".split()
    names = [f"__{r}{n}__" for n in names for r in ("", "r")]
    names += [f"__{n}__" for n in "neg abs invert lt le gt ge".split()]
    for name in names:
        # Looked up at the call, since tfmini.ops installs them on Tensor later than this runs.
        def operator(self: Variable, *args: Any, _name: str = name) -> Any:
            return getattr(Tensor, _name)(self._snapshot, *args)

        operator.__name__ = name
        setattr(Variable, name, operator)


_install_operators()
