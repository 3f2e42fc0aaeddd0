"""Files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO

from tfmini import errors

__all__ = ["atomic_file"]


@contextlib.contextmanager
def atomic_file(path: str) -> Iterator[BinaryIO]:
    """A file that takes the name `path` once it is complete and on disk, or leaves no trace."""
    directory, base = os.path.split(os.path.abspath(path))
    temporary = os.path.join(directory, f".{base}.{os.urandom(6).hex()}.tmp")
    try:
        try:
            with open(temporary, "xb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        _sync_directory(directory)
    except OSError as error:
        code = errors.NOT_FOUND if isinstance(error, FileNotFoundError) else errors.UNKNOWN
        if isinstance(error, PermissionError):
            code = errors.PERMISSION_DENIED
        raise errors.make_error(code, f"{path}: cannot write: {error.strerror or error}") from None


def _sync_directory(directory: str) -> None:
    # Makes the rename itself durable; not every file system lets a directory be opened.
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
