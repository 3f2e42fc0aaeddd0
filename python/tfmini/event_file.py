"""TensorBoard's event files: TFRecords of Event messages."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

from tfmini import _core, errors, gfile, graph_export
from tfmini import protowire as wire

_counter_lock = threading.Lock()
_counter = 0


def masked_crc(content: bytes) -> int:
    """The checksum TFRecords use: CRC-32C, rotated and offset so that checksums of checksums stay good."""
    crc = _core.crc32c(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(content: bytes) -> bytes:
    """A TFRecord: length, checksum of the length, content, checksum of the content."""
    length = struct.pack("<Q", len(content))
    return length + struct.pack("<I", masked_crc(length)) + content + struct.pack("<I", masked_crc(content))


def event(content: bytes, step: int | None = None, wall_time: float | None = None) -> bytes:
    """An Event message around its `what` field."""
    out = wire.double(1, time.time() if wall_time is None else wall_time)
    if step is not None:
        out += wire.integer(2, int(step))
    return out + content


class EventFile:
    """Appends events to one file, and hands them to the system after `max_queue` events or `flush_secs` seconds.

    Nothing is lost on a normal exit. Several threads may write.
    """

    def __init__(self, logdir: str, max_queue: int = 10, flush_secs: float = 120, filename_suffix: str | None = None):
        global _counter
        with _counter_lock:
            number, _counter = _counter, _counter + 1
        gfile.MakeDirs(logdir)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{number}"
        self.path = os.path.join(logdir, name + (filename_suffix or ""))
        self._lock = threading.Lock()
        try:
            self._file = open(self.path, "ab")
        except OSError as error:
            raise gfile.op_error(error) from None
        self._pending = 0
        self._max_queue = max_queue
        self._flush_secs = flush_secs
        self._last_flush = time.monotonic()
        self.write(event(wire.data(3, "brain.Event:2")))
        self.flush()

    def write(self, serialized_event: bytes) -> None:
        """Appends an Event."""
        framed = record(serialized_event)
        with self._lock:
            self._file.write(framed)
            self._pending += 1
            now = time.monotonic()
            if self._pending > self._max_queue or now - self._last_flush > self._flush_secs:
                self._flush(now)

    def _flush(self, now: float) -> None:
        self._file.flush()
        self._pending, self._last_flush = 0, now

    def flush(self) -> None:
        with self._lock:
            if not self._file.closed:
                self._flush(time.monotonic())

    def close(self) -> None:
        with self._lock:
            self._file.close()

    @property
    def closed(self) -> bool:
        return self._file.closed

    def __del__(self) -> None:
        file: Any = getattr(self, "_file", None)
        if file is not None:
            file.close()


def read_records(path: str) -> Iterator[bytes]:
    """The records of a TFRecord file. A file that ends inside a record ends before it: it is still being written.

    Raises DataLossError for a wrong checksum.
    """
    with open(path, "rb") as file:
        while len(head := file.read(12)) == 12:
            length, crc = struct.unpack("<QI", head)
            if masked_crc(head[:8]) != crc:
                raise errors.DataLossError(None, None, f"{path}: corrupted record at {file.tell() - 12}")
            if length + 4 > os.fstat(file.fileno()).st_size - file.tell():
                return
            content, (crc,) = file.read(length), struct.unpack("<I", file.read(4))
            if masked_crc(content) != crc:
                raise errors.DataLossError(None, None, f"{path}: corrupted record before {file.tell()}")
            yield content


def summary_iterator(path: Any) -> Iterator[Any]:
    """The Event messages of an event file (needs the extra `tensorboard`)."""
    message = graph_export.proto("event", "Event")
    return map(message.FromString, read_records(os.fspath(path)))
