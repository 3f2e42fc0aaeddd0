"""The exceptions of a run, one class per TensorFlow status code."""

from __future__ import annotations

from typing import Any

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


class OpError(Exception):
    """A failed operation.

    Attributes:
      message: what went wrong.
      op: the `Operation` that failed, or None if none is to blame.
      node_def: its definition, or None.
      error_code: the number of TensorFlow's status code.
    """

    def __init__(self, node_def: Any, op: Any, message: str, error_code: int = UNKNOWN):
        super().__init__(node_def, op, message, error_code)
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = error_code

    @property
    def message(self) -> str:
        return self._message

    @property
    def op(self) -> Any:
        return self._op

    @property
    def node_def(self) -> Any:
        if self._node_def is None and self._op is not None:
            return self._op.node_def
        return self._node_def

    @property
    def error_code(self) -> int:
        return self._error_code

    def __str__(self) -> str:
        return self._message

    def __reduce__(self) -> Any:
        # An Operation belongs to a graph of this process and stays behind.
        return _rebuild, (self._error_code, self._message)


class _CodedError(OpError):
    """Base of the classes that stand for exactly one code."""

    code = UNKNOWN

    def __init__(self, node_def: Any, op: Any, message: str):
        super().__init__(node_def, op, message, self.code)


class CancelledError(_CodedError):
    """The run was cancelled: by closing the session, or from another thread."""

    code = CANCELLED


class UnknownError(OpError):
    """An error of no known kind."""


class InvalidArgumentError(_CodedError):
    """An operation received an invalid value or shape."""

    code = INVALID_ARGUMENT


class DeadlineExceededError(_CodedError):
    """The operation did not finish in time."""

    code = DEADLINE_EXCEEDED


class NotFoundError(_CodedError):
    """A requested entity (a file, a tensor of a checkpoint) does not exist."""

    code = NOT_FOUND


class AlreadyExistsError(_CodedError):
    """An entity that was to be created exists already."""

    code = ALREADY_EXISTS


class PermissionDeniedError(_CodedError):
    """The caller may not do this."""

    code = PERMISSION_DENIED


class ResourceExhaustedError(_CodedError):
    """Out of memory or of another resource."""

    code = RESOURCE_EXHAUSTED


class FailedPreconditionError(_CodedError):
    """The system is not in the right state, most often: a variable is not initialized."""

    code = FAILED_PRECONDITION


class AbortedError(_CodedError):
    """The operation was aborted, usually by a concurrent action."""

    code = ABORTED


class OutOfRangeError(_CodedError):
    """An operation went past the end of valid input: the end of a file, an empty closed queue."""

    code = OUT_OF_RANGE


class UnimplementedError(_CodedError):
    """The operation is not implemented for these types or on this device."""

    code = UNIMPLEMENTED


class InternalError(_CodedError):
    """An invariant of the system is broken."""

    code = INTERNAL


class UnavailableError(_CodedError):
    """The runtime is unavailable at the moment."""

    code = UNAVAILABLE


class DataLossError(_CodedError):
    """Data is lost or corrupted: a truncated checkpoint, a record with a wrong checksum."""

    code = DATA_LOSS


class UnauthenticatedError(_CodedError):
    """The request has no valid credentials."""

    code = UNAUTHENTICATED


_CLASSES: dict[int, type[OpError]] = {cls.code: cls for cls in _CodedError.__subclasses__()}
_CLASSES[UNKNOWN] = UnknownError
_CODES: dict[type[OpError], int] = {cls: code for code, cls in _CLASSES.items()}


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """The exception class that stands for a status code; KeyError if there is none."""
    return _CLASSES[error_code]


def error_code_from_exception_type(cls: type[OpError]) -> int:
    """The status code an exception class stands for; UNKNOWN if it stands for none."""
    return _CODES.get(cls, UNKNOWN)


def make_error(error_code: int, message: str, op: Any = None, node_def: Any = None) -> OpError:
    """The exception for a status code, ready to be raised."""
    cls: Any = _CLASSES.get(error_code, UnknownError)
    return cls(node_def, op, message)


def line_of(where: Any) -> int:
    """The source line of a (code object, offset of an instruction)."""
    code, offset = where
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return int(line)
    return int(code.co_firstlineno)


def describe_line(where: Any) -> str:
    """ "file.py:12, in train: `y = tf.matmul(x, w)`" for a (code object, offset of an instruction)."""
    import linecache

    code, line = where[0], line_of(where)
    source = linecache.getline(code.co_filename, line).strip()
    source = source if len(source) <= 120 else source[:117] + "..."
    return f"{code.co_filename}:{line}, in {code.co_name}" + (f": `{source}`" if source else "")


def describe_failure(op_type: str, name: str, message: str, where: Any) -> str:
    """The message of a failed node: what, which node, and the user's line that created it."""
    text = f"[{op_type}] node '{name}': {message}"
    return text if where is None else f"{text}\n  created at {describe_line(where)}"


def build_error(status: Any, op_type: str, name: str, where: Any) -> Exception:
    """The exception for an op that refused its inputs while the graph was built.

    ValueError or TypeError; UnimplementedError for what TensorFlow could do and this package can not,
    ResourceExhaustedError for what needs too much memory.

    Args:
      status: the `_core.StatusError` (code, message, node, is_type_error).
      op_type, name: the node that was to be made.
      where: (code object, offset) of the user's source line, or None.
    """
    code, message, _, is_type_error = status.args
    text = describe_failure(op_type, name, message, where)
    if code in (UNIMPLEMENTED, RESOURCE_EXHAUSTED):
        return make_error(code, text)
    return (TypeError if is_type_error else ValueError)(text)


def run_error(status: Any, graph: Any) -> OpError:
    """The tf.errors exception for a failed run, naming the node and the user's line that made it."""
    code, message, node, _ = status.args
    op = graph._by_name.get(node) if node else None
    if op is not None:
        message = describe_failure(op.type, op.name, message, op._where)
    elif node:
        message = f"node '{node}': {message}"
    return make_error(code, message, op)


def _rebuild(error_code: int, message: str) -> OpError:
    return make_error(error_code, message)
