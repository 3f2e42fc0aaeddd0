"""Writing protocol buffers: fields in wire format, as bytes, without message classes.

Enough to write event files and GraphDefs when only NumPy is installed. A message is the concatenation of its fields.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

_DOUBLE = struct.Struct("<d")
_FLOAT = struct.Struct("<f")


def varint(value: int) -> bytes:
    """A base-128 integer; negative ones as their 64-bit two's complement."""
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(field: int, value: int) -> bytes:
    """int32, int64, uint*, bool and enum fields."""
    return varint(field << 3) + varint(int(value))


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + _DOUBLE.pack(value)


def single(field: int, value: float) -> bytes:
    """A float field; values beyond its range become infinities."""
    try:
        packed = _FLOAT.pack(value)
    except OverflowError:
        packed = _FLOAT.pack(float("inf") if value > 0 else float("-inf"))
    return varint(field << 3 | 5) + packed


def data(field: int, value: bytes | str) -> bytes:
    """string, bytes and message fields, and packed repeated ones."""
    encoded = value.encode() if isinstance(value, str) else bytes(value)
    return varint(field << 3 | 2) + varint(len(encoded)) + encoded


def packed_integers(field: int, values: Iterable[int]) -> bytes:
    """A repeated integer field; nothing if there are no values."""
    content = b"".join(varint(int(v)) for v in values)
    return data(field, content) if content else b""


def packed_doubles(field: int, values: Iterable[float]) -> bytes:
    content = b"".join(map(_DOUBLE.pack, values))
    return data(field, content) if content else b""


def packed_singles(field: int, values: Iterable[float]) -> bytes:
    content = b"".join(map(_FLOAT.pack, values))
    return data(field, content) if content else b""
