"""Element types, under TensorFlow's names and with the numbers of its ``DataType`` enum."""

from __future__ import annotations

from typing import Any

import numpy as np

_REF_OFFSET = 100  # DT_FLOAT_REF = DT_FLOAT + 100: the type of a variable, as opposed to its value


class DType:
    """An element type.

    There is one object per type, so ``is`` works as well as ``==``; a ``DType`` also equals the NumPy
    type, the name and the enum number that `as_dtype` would turn into it.
    """

    __slots__ = ("_base", "_enum", "_kind", "_numpy", "is_bool", "is_complex", "is_floating", "is_integer", "name")

    def __init__(self, enum: int, name: str, kind: str, numpy_type: Any, base: DType | None = None):
        self._enum = enum
        self.name = name
        self._numpy = numpy_type
        self._kind = kind
        self._base = base or self
        self.is_floating = kind == "f"
        self.is_integer = kind in ("i", "u")
        self.is_complex = kind == "c"
        self.is_bool = kind == "b"

    @property
    def _is_ref_dtype(self) -> bool:
        return self._base is not self

    @property
    def _as_ref(self) -> DType:
        """The reference type of this type (``float32_ref`` for ``float32``)."""
        return self if self._is_ref_dtype else _BY_KEY[self._enum + _REF_OFFSET]

    @property
    def base_dtype(self) -> DType:
        """The type itself, for a reference type the type it refers to."""
        return self._base

    @property
    def real_dtype(self) -> DType:
        """``float32`` for ``complex64``, ``float64`` for ``complex128``, else the type itself."""
        if self._base is complex64:
            return float32
        if self._base is complex128:
            return float64
        return self

    @property
    def as_numpy_dtype(self) -> Any:
        """The NumPy scalar type; ``object`` for strings. bfloat16 needs the ``ml_dtypes`` package."""
        numpy_type = self._base._numpy
        if numpy_type is not None:
            return numpy_type
        if self._base is bfloat16:
            return _numpy_bfloat16()
        raise TypeError(f"{self!r} has no NumPy equivalent")

    @property
    def as_datatype_enum(self) -> int:
        """The number of this type in TensorFlow's ``DataType`` enum."""
        return self._enum

    @property
    def is_numpy_compatible(self) -> bool:
        return self._base not in (resource, variant)

    @property
    def is_quantized(self) -> bool:
        return self._base in (qint8, quint8, qint16, quint16, qint32)

    @property
    def is_unsigned(self) -> bool:
        return self._base in (uint8, uint16, uint32, uint64)

    @property
    def size(self) -> int:
        """Bytes per element; 1 for types whose elements have no fixed size."""
        if self._base is bfloat16:
            return 2
        if self._base in (string, resource, variant):
            return 1
        return np.dtype(self._base._numpy).itemsize

    @property
    def min(self) -> Any:
        """The smallest representable value; TypeError for types without an order."""
        return self._limit("min", "minimum")

    @property
    def max(self) -> Any:
        """The largest representable value; TypeError for types without an order."""
        return self._limit("max", "maximum")

    def _limit(self, which: str, word: str) -> Any:
        base = self._base
        if base is bfloat16:
            return -3.3895313892515355e38 if which == "min" else 3.3895313892515355e38
        if base.is_floating:
            return getattr(np.finfo(base._numpy), which)
        if base.is_integer:
            return getattr(np.iinfo(base._numpy), which)
        raise TypeError(f"Cannot find {word} value of {self!r}.")

    @property
    def limits(self) -> tuple[Any, Any]:
        """The range of intensities in an image of this type: (0, 1) for floats, (0, max) for integers."""
        return self._intensities(clip_negative=True)

    def _intensities(self, clip_negative: bool) -> tuple[Any, Any]:
        base = self._base
        if base.is_bool:
            return (False, True)
        if base.is_floating:
            return (0 if clip_negative else -1, 1)
        if base.is_integer:
            return (0 if clip_negative else base.min, base.max)
        raise ValueError(f"{self!r} does not have defined limits.")

    def is_compatible_with(self, other: Any) -> bool:
        """True if a value of type `other` may be used where this type is wanted: equal, or a reference to it."""
        other = as_dtype(other)
        return self is other or (not self._is_ref_dtype and self is other.base_dtype)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if other is None or isinstance(other, DType):
            return False
        try:
            return self is as_dtype(other)
        except TypeError:
            return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return self._enum

    def __int__(self) -> int:
        return self._enum

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __reduce__(self) -> Any:
        return as_dtype, (self.name,)


def _numpy_bfloat16() -> Any:
    try:
        import ml_dtypes
    except ImportError:
        raise TypeError(
            "NumPy has no bfloat16 of its own: run 'pip install tfmini[bfloat16]' to feed or fetch bfloat16 tensors, "
            "or tf.cast them to float32 inside the graph"
        ) from None
    from tfmini import _core

    _core.set_bfloat16(np.dtype(ml_dtypes.bfloat16))
    return ml_dtypes.bfloat16


def require_bfloat16() -> None:
    """Raises TypeError, saying what to install, unless NumPy can hold bfloat16."""
    _numpy_bfloat16()


float32 = DType(1, "float32", "f", np.float32)
float64 = double = DType(2, "float64", "f", np.float64)
int32 = DType(3, "int32", "i", np.int32)
uint8 = DType(4, "uint8", "u", np.uint8)
int16 = DType(5, "int16", "i", np.int16)
int8 = DType(6, "int8", "i", np.int8)
string = DType(7, "string", "O", np.object_)
complex64 = DType(8, "complex64", "c", np.complex64)
int64 = DType(9, "int64", "i", np.int64)
bool_ = DType(10, "bool", "b", np.bool_)
qint8 = DType(11, "qint8", "q", np.dtype([("qint8", np.int8)]))
quint8 = DType(12, "quint8", "q", np.dtype([("quint8", np.uint8)]))
qint32 = DType(13, "qint32", "q", np.dtype([("qint32", np.int32)]))
bfloat16 = DType(14, "bfloat16", "f", None)
qint16 = DType(15, "qint16", "q", np.dtype([("qint16", np.int16)]))
quint16 = DType(16, "quint16", "q", np.dtype([("quint16", np.uint16)]))
uint16 = DType(17, "uint16", "u", np.uint16)
complex128 = DType(18, "complex128", "c", np.complex128)
float16 = half = DType(19, "float16", "f", np.float16)
resource = DType(20, "resource", "O", None)
variant = DType(21, "variant", "O", None)
uint32 = DType(22, "uint32", "u", np.uint32)
uint64 = DType(23, "uint64", "u", np.uint64)

_ALL = (
    float32, float64, int32, uint8, int16, int8, string, complex64, int64, bool_, qint8, quint8, qint32, bfloat16,
    qint16, quint16, uint16, complex128, float16, resource, variant, uint32, uint64,
)  # fmt: skip

_ALIASES = {"float": float32, "double": float64, "half": float16, "int": int32, "str": string, "bytes": string}


def _make_table() -> dict[Any, DType]:
    table: dict[Any, DType] = {}
    for dtype in _ALL:
        ref = DType(dtype._enum + _REF_OFFSET, dtype.name + "_ref", dtype._kind, dtype._numpy, dtype)
        table[dtype._enum] = table[dtype.name] = dtype
        table[ref._enum] = table[ref.name] = ref
        if dtype._numpy is not None:
            table[dtype._numpy] = dtype
            table[np.dtype(dtype._numpy)] = dtype
    for name, dtype in _ALIASES.items():
        table[name] = dtype
        table[name + "_ref"] = table[dtype._enum + _REF_OFFSET]
    table.update({float: float32, int: int32, bool: bool_, complex: complex128, str: string, bytes: string})
    table[object] = string
    return table


_BY_KEY: dict[Any, DType] = _make_table()
_BY_ENUM: dict[int, DType] = {key: dtype for key, dtype in _BY_KEY.items() if type(key) is int}


def as_dtype(type_value: Any) -> DType:
    """Turns a DType, NumPy type, Python type, name ("float", "float32", "half") or enum number into a `DType`.

    Raises:
      TypeError: if `type_value` names no type.
    """
    if type(type_value) is DType:
        return type_value
    try:
        return _BY_KEY[type_value]
    except (KeyError, TypeError):
        return _as_dtype_slow(type_value)


def _as_dtype_slow(type_value: Any) -> DType:
    if not isinstance(type_value, (str, int)) and type_value is not None:
        is_type = isinstance(type_value, (np.dtype, type))
        numpy_dtype = type_value if is_type else getattr(type_value, "dtype", type_value)
        if isinstance(numpy_dtype, DType):
            return numpy_dtype
        try:
            numpy_dtype = np.dtype(numpy_dtype)
        except TypeError:
            pass
        else:
            if numpy_dtype.kind in "SU":
                return string
            if numpy_dtype.name == "bfloat16":
                return bfloat16
            # Other byte orders and the platform's aliases (np.longlong) have the plain type's kind and size.
            found = _BY_KEY.get(np.dtype(numpy_dtype.newbyteorder("=").str)) if numpy_dtype.kind in "biufc" else None
            if found is not None:
                return found
    raise TypeError(f"Cannot convert the argument `type_value`: {type_value!r} to a TensorFlow DType.")
