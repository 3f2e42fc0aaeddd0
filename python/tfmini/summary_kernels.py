"""What the summary ops compute: serialized Summary messages. They run on the host, from host_ops.py."""

from __future__ import annotations

import math
import struct
import zlib
from typing import Any

import numpy as np

from tfmini import errors
from tfmini import protowire as wire


def _invalid(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)


def _one(string: Any) -> bytes:
    """The bytes of a string scalar, however it arrives."""
    if isinstance(string, str):
        return string.encode()
    return string if isinstance(string, bytes) else _one(np.asarray(string, dtype=object).item())


def _strings(strings: Any) -> list[bytes]:
    return [_one(s) for s in np.asarray(strings, dtype=object).ravel()]


def value(tag: bytes, content: bytes, metadata: bytes = b"") -> bytes:
    """A Summary with one value."""
    return wire.data(1, wire.data(1, tag) + content + (wire.data(9, metadata) if metadata else b""))


def scalar_summary(tags: np.ndarray, values: np.ndarray) -> bytes:
    """ScalarSummary: one simple_value per tag; tags and values of equal shape."""
    names, shape = np.asarray(tags, dtype=object), np.shape(values)
    if names.shape != shape:
        raise _invalid(f"tags and values are not the same shape: {list(names.shape)} != {list(shape)}")
    numbers = np.ravel(values).astype(np.float64).tolist()
    return b"".join(value(tag, wire.single(2, x)) for tag, x in zip(_strings(names), numbers))


def _bucket_limits() -> np.ndarray:
    """TensorFlow's buckets: 1e-12 times powers of 1.1 up to 1e20, mirrored, zero, and the largest double."""
    positive = []
    limit = 1.0e-12
    while limit < 1.0e20:
        positive.append(limit)
        limit *= 1.1
    positive.append(np.finfo(np.float64).max)
    return np.array([-x for x in reversed(positive)] + [0.0] + positive)


_LIMITS: np.ndarray | None = None


def histogram(values: np.ndarray) -> bytes:
    """A HistogramProto, in TensorFlow's buckets."""
    global _LIMITS
    if _LIMITS is None:
        _LIMITS = _bucket_limits()
    x = np.ravel(values).astype(np.float64)
    counts = np.bincount(np.searchsorted(_LIMITS, x, side="right"), minlength=len(_LIMITS) + 1)[: len(_LIMITS)]
    # Of a run of empty buckets only the last limit is written.
    kept = (counts > 0) | np.append(counts[1:] > 0, True)
    low, high = (float(x.min()), float(x.max())) if x.size else (float(_LIMITS[-1]), float(-_LIMITS[-1]))
    total, squares = float(x.sum()), float(np.dot(x, x))
    head = b"".join(wire.double(i + 1, v) for i, v in enumerate((low, high, float(x.size), total, squares)))
    return (
        head
        + wire.packed_doubles(6, _LIMITS[kept].tolist())
        + wire.packed_doubles(7, counts[kept].astype(float).tolist())
    )


def histogram_summary(tag: Any, values: np.ndarray) -> bytes:
    """HistogramSummary of values of any shape. Refuses NaN and infinities."""
    x = np.ravel(values).astype(np.float64)
    if not np.isfinite(x).all():
        kind = "Nan" if np.isnan(x).any() else "Infinity"
        raise _invalid(f"{kind} in summary histogram for: {_one(tag).decode(errors='replace')}")
    return value(_one(tag), wire.data(5, histogram(x)))


def image_summary(tag: Any, images: np.ndarray, max_images: int = 3, bad_color: Any = (255, 0, 0, 255)) -> bytes:
    """ImageSummary of [batch, height, width, 1, 3 or 4] images, uint8 or floating.

    Floats are scaled per image: to 0..255 if none is negative, else so that 0 becomes 127; pixels that hold a NaN or
    an infinity are painted in `bad_color`.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4):
        raise _invalid(f"Tensor must be 4-D with last dim 1, 3, or 4, not {list(images.shape)}")
    count = min(int(max_images), len(images))
    out = []
    for i in range(count):
        pixels = images[i] if images.dtype == np.uint8 else _to_bytes(images[i], np.asarray(bad_color, np.uint8))
        height, width, depth = pixels.shape
        suffix = b"/image" if int(max_images) == 1 else b"/image/%d" % i
        sizes = wire.integer(1, height) + wire.integer(2, width) + wire.integer(3, depth)
        out.append(value(_one(tag) + suffix, wire.data(4, sizes + wire.data(4, encode_png(pixels)))))
    return b"".join(out)


def _to_bytes(image: np.ndarray, bad_color: np.ndarray) -> np.ndarray:
    x = image.astype(np.float32)
    good = np.asarray(np.isfinite(x).all(axis=-1))
    low, high = (float(x[good].min()), float(x[good].max())) if good.any() else (0.0, 0.0)
    if low < 0.0:  # the larger magnitude reaches an end of the range
        largest = max(abs(low), abs(high))
        scale, offset = (0.0 if largest == 0.0 else 127.0 / largest), 128.0
    else:
        scale, offset = (0.0 if high == 0.0 else 255.0 / high), 0.0
    with np.errstate(invalid="ignore"):
        pixels = (np.where(good[..., None], x, 0) * np.float32(scale) + np.float32(offset)).astype(np.uint8)
    pixels[~good] = bad_color[: image.shape[-1]]
    return pixels


def encode_png(pixels: np.ndarray) -> bytes:
    """A PNG of uint8 [height, width, 1 (grey), 3 (RGB) or 4 (RGBA)]."""
    height, width, depth = pixels.shape

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2, 4: 6}[depth], 0, 0, 0)
    rows = np.zeros((height, 1 + width * depth), np.uint8)  # every row starts with its filter: none
    rows[:, 1:] = pixels.reshape(height, width * depth)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6))
        + chunk(b"IEND", b"")
    )


def audio_summary(tag: Any, tensor: np.ndarray, sample_rate: Any, max_outputs: int = 3) -> bytes:
    """AudioSummaryV2 of [batch, frames, channels] or [batch, frames] samples in [-1, 1], as 16-bit WAV."""
    x = np.asarray(tensor, np.float32)
    x = x[:, :, None] if x.ndim == 2 else x
    if x.ndim != 3:
        raise _invalid(f"input tensor must be 2-D [batch, frames] or 3-D, not of rank {x.ndim}")
    frames, channels, rate = x.shape[1], x.shape[2], float(np.asarray(sample_rate))
    out = []
    for i in range(min(int(max_outputs), len(x))):
        suffix = b"/audio" if int(max_outputs) == 1 else b"/audio/%d" % i
        content = wire.single(1, rate) + wire.integer(2, channels) + wire.integer(3, frames)
        content += wire.data(4, encode_wav(x[i], rate)) + wire.data(5, "audio/wav")
        out.append(value(_one(tag) + suffix, wire.data(6, content)))
    return b"".join(out)


def encode_wav(samples: np.ndarray, sample_rate: float) -> bytes:
    """A 16-bit PCM WAV file of [frames, channels] samples in [-1, 1]."""
    channels, rate = samples.shape[1], math.ceil(sample_rate)
    pcm = np.clip(np.round(samples * 32767.0), -32768, 32767).astype("<i2").tobytes()
    layout = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
    body = b"WAVEfmt " + layout + b"data" + struct.pack("<I", len(pcm)) + pcm
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tensor_summary(tag: Any, tensor: np.ndarray, metadata: Any) -> bytes:
    """TensorSummaryV2: any tensor, with serialized SummaryMetadata that says which plugin shows it."""
    from tfmini.graph_export import _tensor

    return value(_one(tag), wire.data(8, _tensor(np.asarray(tensor))), _one(metadata))


def merge_summary(*summaries: Any) -> bytes:
    """MergeSummary: all values of several summaries. Refuses duplicate tags."""
    merged = b"".join(s for array in summaries for s in _strings(array))
    seen: set[bytes] = set()
    for tag in _tags(merged):
        if tag in seen:
            raise _invalid(f"Duplicate tag {tag.decode(errors='replace')} found in summary inputs")
        seen.add(tag)
    return merged


def _tags(summary: bytes) -> list[bytes]:
    """The tags of a serialized Summary whose values all start with their tag, as the functions above write them."""
    tags, at = [], 0
    while at < len(summary):
        size, start = _varint(summary, at + 1)
        length, tag = _varint(summary, start + 1)
        if summary[at] == 0x0A and summary[start : start + 1] == b"\x0a":
            tags.append(summary[tag : tag + length])
        at = start + size
    return tags


def _varint(buffer: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        if at >= len(buffer):
            raise _invalid("a summary input ends in the middle of a field: it is no serialized Summary")
        byte = buffer[at]
        result |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return result, at
