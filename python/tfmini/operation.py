"""The two things a graph is made of: `Operation` (a node) and `Tensor` (one of its outputs)."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tfmini import dtypes, errors, tensor_shape

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from tfmini.graph import Graph

_PACKAGE = __file__.rpartition("/")[0] + "/"


class _Ours(dict[str, bool]):
    """Is a source file part of this package?"""

    def __missing__(self, file: str) -> bool:
        self[file] = ours = file.startswith(_PACKAGE)
        return ours


_ours = _Ours()


def user_line() -> tuple[CodeType, int] | None:
    """The innermost place outside this package, the line of the user's that is running: code and an offset into it.
    Which line that is takes a search (errors.line_of), and is seldom asked for."""
    frame: FrameType | None = sys._getframe(2)  # nobody but this package calls it
    while frame is not None:
        code = frame.f_code
        if not _ours[code.co_filename]:
            return code, frame.f_lasti
        frame = frame.f_back
    return None


@functools.cache
def _attr_types(op_type: str) -> dict[str, str]:
    """The types of an op's attributes, by name."""
    from tfmini import _core

    return {attr["name"]: attr["type"] for attr in _core.op_info(op_type)["attrs"]}


class Operation:
    """A node of a graph. Made by the op functions, never directly."""

    __slots__ = ("graph", "_id", "name", "type", "outputs", "_inputs", "_where", "_device", "__weakref__")

    def __init__(
        self, graph: Graph, node_id: int, name: str, op_type: str, types: tuple[int, ...], inputs: Any, device: str
    ):
        self.graph = graph
        self._id = node_id
        self.name = name
        self.type = op_type
        self.outputs = [Tensor(self, i, dtypes._BY_KEY[t]) for i, t in enumerate(types)]
        self._inputs = inputs  # flat list of tensors
        self._device = device
        self._where = user_line()

    @property
    def inputs(self) -> list[Tensor]:
        return list(self._inputs)

    @property
    def control_inputs(self) -> list[Operation]:
        ops = self.graph._ops
        return [ops[i] for i in self.graph._core.control_inputs(self._id)]

    @property
    def device(self) -> str:
        return self._device

    def _set_device(self, device: str) -> None:
        self._device = device
        self.graph._core.set_device(self._id, device)

    @property
    def node_def(self) -> Any:
        """This node as a NodeDef proto."""
        from tfmini.graph_export import node_def

        return node_def(self)

    @property
    def op_def(self) -> dict[str, Any]:
        from tfmini import _core

        return _core.op_info(self.type)

    def get_attr(self, name: str) -> Any:
        """The value of an attribute: dtypes as DType, strings as bytes, tensors as arrays.

        Raises ValueError if the operation has no such attribute.
        """
        try:
            value = self.graph._core.attr(self._id, name)
        except KeyError:
            raise ValueError(f"Operation '{self.name}' has no attr named '{name}'.") from None
        kind = _attr_types(self.type).get(name)
        if kind == "type":
            return dtypes.as_dtype(value)
        if kind == "list(type)":
            return [dtypes.as_dtype(v) for v in value]
        if kind == "shape":
            return tensor_shape.TensorShape(value)
        return value

    def _set_attr(self, name: str, value: Any) -> None:
        self.graph._core.set_attr(self._id, name, value)

    def values(self) -> tuple[Tensor, ...]:
        return tuple(self.outputs)

    @property
    def traceback(self) -> list[tuple[str, int, str]]:
        """The user's line that created this node, as [(file, line, function)]."""
        if self._where is None:
            return []
        code = self._where[0]
        return [(code.co_filename, errors.line_of(self._where), code.co_name)]

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Runs this operation in `session`, or in the default session."""
        self.graph._session_for(session, "run()").run(self, feed_dict)

    def colocation_groups(self) -> list[bytes]:
        return [("loc:@" + self.name).encode()]

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"

    def __str__(self) -> str:
        return f'name: "{self.name}"\nop: "{self.type}"\n' + "".join(
            f'input: "{t._input_name()}"\n' for t in self._inputs
        )


class Tensor:
    """The value an operation will produce: a dtype, a (partly known) shape, no data.

    Equal only to itself, as in TensorFlow 1: tensors are keys of feed dictionaries. The other operators,
    and slicing, are installed by `tfmini.ops`.
    """

    __slots__ = ("op", "value_index", "dtype", "_consumers", "__weakref__")
    __array_priority__ = 100  # NumPy arrays let Tensor's reflected operators win

    def __init__(self, op: Operation, index: int, dtype: dtypes.DType):
        self.op = op
        self.value_index = index
        self.dtype = dtype

    @property
    def graph(self) -> Graph:
        return self.op.graph

    @property
    def name(self) -> str:
        return f"{self.op.name}:{self.value_index}"

    @property
    def device(self) -> str:
        return self.op.device

    @property
    def _key(self) -> tuple[int, int]:
        return (self.op._id, self.value_index)

    def _input_name(self) -> str:
        return self.op.name if self.value_index == 0 else self.name

    def _dims(self) -> tuple[int | None, ...] | None:
        """The static shape as a tuple (None: unknown dimension), or None if the rank is unknown."""
        return self.op.graph._core.shape(self.op._id, self.value_index)

    @property
    def shape(self) -> tensor_shape.TensorShape:
        return tensor_shape.TensorShape._of(self._dims())

    @property
    def ndim(self) -> int | None:
        """The rank, or None if it is unknown."""
        dims = self._dims()
        return None if dims is None else len(dims)

    def get_shape(self) -> tensor_shape.TensorShape:
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Adds knowledge to the static shape. Raises ValueError if it contradicts what is known."""
        from tfmini import _core

        dims = tensor_shape.as_shape(shape)
        try:
            self.graph._core.refine_shape(*self._key, None if dims.ndims is None else dims.as_list())
        except _core.StatusError as e:
            raise ValueError(f"Tensor '{self.name}': {e.args[1]}") from None

    def consumers(self) -> list[Operation]:
        return [op for op in self.graph._ops if any(t is self for t in op._inputs)]

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value of this tensor, computed in `session` or in the default session."""
        return self.graph._session_for(session, "eval()").run(self, feed_dict)

    def _as_node_def_input(self) -> str:
        return self._input_name()

    def __iter__(self) -> Any:
        dims = self._dims()
        if dims is None or not dims or dims[0] is None:
            raise TypeError(
                f"Tensor '{self.name}' is not iterable: its first dimension is "
                f"{'missing' if dims == () else 'unknown'}. Use tf.map_fn, tf.while_loop or tf.unstack(num=...)."
            )
        return (self[i] for i in range(dims[0]))

    def __bool__(self) -> bool:
        raise TypeError(
            "Using a `tf.Tensor` as a Python `bool` is not allowed. Use `if t is not None:` to test whether a tensor "
            "is defined, and tf.cond to choose subgraphs by the value of a tensor."
        )

    __nonzero__ = __bool__

    def __len__(self) -> int:
        raise TypeError(f"len is not well defined for symbolic tensor '{self.name}'; use its .shape or tf.shape.")

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise NotImplementedError(
            f"Cannot convert symbolic tensor '{self.name}' to a NumPy array; run it in a session."
        )

    def __float__(self) -> float:
        raise TypeError(f"Tensor '{self.name}' has no value until a session runs it.")

    __int__ = __index__ = __float__

    if TYPE_CHECKING:  # what tfmini.operators and ops/strided_slice.py install

        def _binary(self, other: Any) -> Tensor: ...

        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __getitem__(self, key: Any) -> Tensor: ...

        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _binary
        __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _binary
        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lt__ = __le__ = __gt__ = __ge__ = _binary

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"

    def __str__(self) -> str:
        shape = "" if self._dims() is None else f", shape={self.shape}"
        return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name})'


def reference(variable: Any, what: str) -> Tensor:
    """The reference tensor of a variable (or a reference tensor as it is). `what` needs it, if it is something else."""
    tensor = variable._ref() if hasattr(variable, "_ref") else variable
    if not isinstance(tensor, Tensor) or not tensor.dtype._is_ref_dtype:
        raise TypeError(f"{what} needs a variable (tf.Variable) to change, got {variable!r}")
    return tensor
