"""The checkpoint file: named tensors in one file. The only module that knows the format.

    bytes 0-7    magic
    bytes 8-15   length of the header, little-endian
    bytes 16-19  CRC-32 of the header
    then         the header: UTF-8 JSON {"size": file size, "tensors": {name: {"dtype", "shape", "at", "bytes", "crc"}}}
    then         the tensors, each at its offset `at` from the start of the file, aligned to 64 bytes,
                 little-endian and row-major; strings as int64 lengths followed by their bytes

A file is written beside its destination, flushed to disk and renamed, so a reader sees the old file or the
complete new one. A reader checks everything the header claims before it believes any of it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct
import sys
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from tfmini import dtypes, errors, tensor_shape
from tfmini.atomic_file import atomic_file

_MAGIC = b"TFMINI\x01\n"
_PREFIX = struct.Struct("<8sQI")
_ALIGNMENT = 64
_MAX_HEADER = 1 << 30


def write_checkpoint(path: str, tensors: Mapping[str, Any]) -> None:
    """Writes `tensors` (name to array) to the file `path`, replacing it in one step.

    Raises:
      NotFoundError: if the directory does not exist.
      tf.errors.OpError: of the matching kind if the file cannot be written. An older file survives that.
    """
    blobs = {name: _Blob(np.asarray(value)) for name, value in tensors.items()}
    # Offsets depend on the header's length, which depends on their digits: reserve, then pad the header.
    draft = _header(blobs, start=1 << 60)
    start = _align(_PREFIX.size + len(draft))
    header = _header(blobs, start).ljust(len(draft))
    with atomic_file(path) as out:
        out.write(_PREFIX.pack(_MAGIC, len(header), zlib.crc32(header)))
        out.write(header)
        for blob in blobs.values():
            out.write(b"\0" * (_align(out.tell()) - out.tell()))
            for part in blob.parts:
                out.write(part)


def _align(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


class _Blob:
    """A tensor as it goes to the file."""

    def __init__(self, array: np.ndarray):
        dtype = dtypes.as_dtype(array.dtype)
        self.record: dict[str, Any] = {"dtype": dtype.name, "shape": list(array.shape)}
        self.parts: list[Any] = []
        if dtype is dtypes.string:
            values = [v if isinstance(v, bytes) else str(v).encode() for v in array.ravel().tolist()]
            self.parts = [np.array([len(v) for v in values], "<i8").tobytes(), *values]
        elif array.size:
            array = np.ascontiguousarray(array)
            if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and sys.byteorder == "big"):
                array = array.astype(array.dtype.newbyteorder("<"))
            self.parts = [array.reshape(-1).view(np.uint8).data]
        crc = 0
        for part in self.parts:
            crc = zlib.crc32(part, crc)
        self.record.update(bytes=sum(len(part) for part in self.parts), crc=crc)


def _header(blobs: Mapping[str, _Blob], start: int) -> bytes:
    at, tensors = start, {}
    for name, blob in blobs.items():
        at = _align(at)
        tensors[name] = {**blob.record, "at": at}
        at += blob.record["bytes"]
    return json.dumps({"size": at, "tensors": tensors}, separators=(",", ":")).encode()


class _Entry:
    __slots__ = ("at", "crc", "dtype", "shape", "size")

    def __init__(self, record: Any, file_size: int):
        self.dtype = dtypes.as_dtype(record["dtype"])
        self.shape = tuple(record["shape"])
        self.at, self.size, self.crc = (record[key] for key in ("at", "bytes", "crc"))
        numbers = (*self.shape, self.at, self.size, self.crc)
        if not all(type(n) is int and 0 <= n < 2**62 for n in numbers) or len(self.shape) > 32:
            raise ValueError("a number is out of range")
        elements = math.prod(self.shape)
        expected = elements * (8 if self.dtype is dtypes.string else self.dtype.size)
        if self.size < expected or (self.size > expected and self.dtype is not dtypes.string):
            raise ValueError("size and shape disagree")
        if self.at + self.size > file_size:
            raise ValueError("it ends after the end of the file")


class CheckpointReader:
    """Reads one checkpoint; the tensors themselves are read on request.

    Raises:
      NotFoundError: if there is no such file.
      DataLossError: if the file is no checkpoint, or a damaged one.
    """

    def __init__(self, path: Any):
        self._path = os.fspath(path)
        try:
            with open(self._path, "rb") as file:
                self._entries = self._read_header(file)
        except (FileNotFoundError, NotADirectoryError):
            raise errors.NotFoundError(
                None, None, f"Unsuccessful TensorSliceReader constructor: Failed to find any matching files for {path}"
            ) from None
        except OSError as error:
            raise errors.UnknownError(None, None, f"{path}: cannot read: {error.strerror or error}") from None

    def _damaged(self, what: str) -> errors.DataLossError:
        return errors.DataLossError(
            None, None, f"{self._path}: {what}: the file is damaged, incomplete or no tfmini checkpoint"
        )

    def _read_header(self, file: BinaryIO) -> dict[str, _Entry]:
        file_size = os.fstat(file.fileno()).st_size
        prefix = file.read(_PREFIX.size)
        if len(prefix) < _PREFIX.size:
            raise self._damaged("too short")
        magic, length, crc = _PREFIX.unpack(prefix)
        if magic != _MAGIC:
            raise self._damaged("wrong magic number")
        if length > min(file_size - _PREFIX.size, _MAX_HEADER):
            raise self._damaged("the header is longer than the file")
        header = file.read(length)
        if zlib.crc32(header) != crc:
            raise self._damaged("the header's checksum is wrong")
        try:
            content = json.loads(header)
            if content["size"] > file_size:
                raise self._damaged(f"{file_size} of {content['size']} bytes")
            entries = {}
            for name, record in content["tensors"].items():
                try:
                    entries[name] = _Entry(record, file_size)
                except (KeyError, TypeError, ValueError) as error:
                    raise self._damaged(f"tensor {name!r}: {error}") from None
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise self._damaged(f"unreadable header ({error})") from None
        return entries

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Name to shape of every tensor."""
        return {name: list(entry.shape) for name, entry in self._entries.items()}

    def get_variable_to_dtype_map(self) -> dict[str, dtypes.DType]:
        """Name to dtype of every tensor."""
        return {name: entry.dtype for name, entry in self._entries.items()}

    def has_tensor(self, tensor_str: str) -> bool:
        return tensor_str in self._entries

    def get_tensor(self, tensor_str: str) -> np.ndarray:
        """The tensor of this name.

        Raises:
          NotFoundError: if there is none.
          DataLossError: if its checksum is wrong.
        """
        entry = self._entries.get(tensor_str)
        if entry is None:
            raise errors.NotFoundError(None, None, f"Key {tensor_str} not found in checkpoint")
        buffer = np.empty(entry.size, np.uint8)
        try:
            with open(self._path, "rb") as file:
                file.seek(entry.at)
                count = file.readinto(buffer.data) if entry.size else 0
        except OSError as error:
            raise errors.UnknownError(None, None, f"{self._path}: cannot read: {error.strerror or error}") from None
        if count != entry.size or zlib.crc32(buffer.data if entry.size else b"") != entry.crc:
            raise self._damaged(f"tensor {tensor_str!r} has a wrong checksum")
        if entry.dtype is dtypes.string:
            return self._decode_strings(tensor_str, entry, buffer)
        numpy_type = np.dtype(entry.dtype.as_numpy_dtype)
        array = buffer.view(numpy_type.newbyteorder("<") if numpy_type.kind in "iufc" else numpy_type)
        return array.astype(numpy_type, copy=False).reshape(entry.shape)

    def _decode_strings(self, name: str, entry: _Entry, buffer: np.ndarray) -> np.ndarray:
        count = math.prod(entry.shape)
        lengths = buffer[: 8 * count].view("<i8").tolist()
        if any(not 0 <= n <= entry.size for n in lengths) or 8 * count + sum(lengths) != entry.size:
            raise self._damaged(f"tensor {name!r}: string lengths do not add up")
        values, at, data = np.empty(count, np.object_), 8 * count, buffer.tobytes()
        for i, n in enumerate(lengths):
            values[i] = data[at : at + n]
            at += n
        return values.reshape(entry.shape)

    def debug_string(self) -> bytes:
        """One line per tensor: name, dtype, shape."""
        lines = [f"{n} (DT_{e.dtype.name.upper()}) {list(e.shape)}" for n, e in sorted(self._entries.items())]
        return "\n".join(lines).encode()


def NewCheckpointReader(filepattern: Any) -> CheckpointReader:
    """A reader of the checkpoint a `Saver` wrote under this path."""
    return CheckpointReader(filepattern)


def checkpoint_file_exists(path: str) -> bool:
    return os.path.isfile(path)


def delete_checkpoint(path: str) -> None:
    """Deletes the files of a checkpoint; those that are gone already are fine."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def mismatches(
    reader: CheckpointReader, wanted: Mapping[str, tuple[Any, Any]], reshape: bool = False
) -> list[errors.OpError]:
    """What keeps `wanted` (name to dtype and static shape) from being restored, one error per tensor.

    `reshape`: the number of elements must agree, the shapes need not.
    """
    shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    problems: list[errors.OpError] = []
    for name, (dtype, shape) in wanted.items():
        dtype, shape = dtypes.as_dtype(dtype).base_dtype, tensor_shape.as_shape(shape)
        if name not in shapes:
            problems.append(errors.NotFoundError(None, None, f"Key {name} not found in checkpoint"))
            continue
        found, message = shapes[name], ""
        if types[name] is not dtype:
            message = f"expected dtype {dtype.name} does not equal original dtype {types[name].name}"
        elif reshape and shape.num_elements() not in (None, math.prod(found)):
            message = f"the variable has shape {shape}, which {found} in the checkpoint cannot be reshaped to"
        elif not reshape and not shape.is_compatible_with(found):
            message = f"the variable has shape {shape}, the checkpoint {tensor_shape.TensorShape(found)}"
        if message:
            problems.append(errors.InvalidArgumentError(None, None, f"tensor_name = {name}; {message}"))
    return problems
