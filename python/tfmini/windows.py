"""How convolution and pooling functions take strides, window sizes, paddings and data formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfmini.graph import Operation

__all__ = ["attrs_of", "data_format_and_name", "four", "padding_attrs", "spatial"]


def data_format_and_name(
    data_format: Any, name: str | None, formats: Sequence[str] = ("NHWC", "NCHW")
) -> tuple[str, str | None]:
    """Early programs pass `name` where `data_format` is now: a string that is no format counts as one.

    Returns the format (the first of `formats` if None) and the name. Raises ValueError for an
    unknown format if there is a name already.
    """
    if isinstance(data_format, bytes):
        data_format = data_format.decode()
    if data_format is None or data_format in formats:
        return data_format or formats[0], name
    looks_like_format = isinstance(data_format, str) and data_format.isupper() and len(data_format) in (3, 4, 5)
    if isinstance(data_format, str) and name is None and not looks_like_format:
        return formats[0], data_format
    raise ValueError(f"data_format must be {' or '.join(formats)}, got {data_format!r}")


def spatial(value: Any, n: int, what: str, channels_first: bool = False) -> list[int]:
    """A number, or 1, n or n + 2 of them, as n numbers: those of the spatial dimensions."""
    values = list(value) if hasattr(value, "__len__") else [1 if value is None else value]
    if len(values) == 1:
        values = values * n
    elif len(values) == n + 2:
        values = values[2:] if channels_first else values[1:-1]
    if len(values) != n:
        raise ValueError(
            f"{what} should be of length 1, {n} or {n + 2}. Received: {what}={value} of length {len(values)}"
        )
    return [int(v) for v in values]


def four(value: Any, what: str, data_format: str) -> list[int]:
    """A number, or 1, 2 or 4 of them, as one per dimension of an image batch."""
    if hasattr(value, "__len__") and len(value) == 4:
        return [int(v) for v in value]
    h, w = spatial(value, 2, what)
    return [1, 1, h, w] if data_format == "NCHW" else [1, h, w, 1]


def padding_attrs(padding: Any) -> dict[str, Any]:
    """The attributes for padding "SAME" or "VALID", or explicit [before, after] of each dimension.

    Raises ValueError for anything else.
    """
    if padding is None:
        raise ValueError("padding is missing: pass 'SAME', 'VALID' or a list of [before, after] pairs")
    if isinstance(padding, (str, bytes)):
        text = padding.decode() if isinstance(padding, bytes) else padding
        if text == "EXPLICIT":
            raise ValueError("'EXPLICIT' is not a padding to pass: give the list of [before, after] pairs instead")
        return {"padding": text}
    pairs = [list(p) if hasattr(p, "__len__") else p for p in padding]
    if len(pairs) != 4 or any(not isinstance(p, list) or len(p) != 2 for p in pairs):
        raise ValueError(f"explicit padding must be 4 pairs [before, after], one per dimension, got {padding!r}")
    return {"padding": "EXPLICIT", "explicit_paddings": [int(p) for pair in pairs for p in pair]}


def attrs_of(op: Operation, *names: str) -> dict[str, Any]:
    """These attributes of an op, to build another with them."""
    return {name: op.get_attr(name) for name in names}
