"""``tf.gfile``: local files, with TensorFlow's names and exceptions."""

from __future__ import annotations

import errno
import functools
import glob
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from tfmini import compat, errors

__all__ = [
    "Copy", "DeleteRecursively", "Exists", "FastGFile", "FileStatistics", "GFile", "Glob", "IsDirectory",
    "ListDirectory", "MakeDirs", "MkDir", "Open", "Remove", "Rename", "Stat", "Walk",
]  # fmt: skip

_CODES = {
    errno.ENOENT: errors.NOT_FOUND,
    errno.EEXIST: errors.ALREADY_EXISTS,
    errno.EACCES: errors.PERMISSION_DENIED,
    errno.EPERM: errors.PERMISSION_DENIED,
    errno.EROFS: errors.PERMISSION_DENIED,
    errno.ENOTDIR: errors.FAILED_PRECONDITION,
    errno.EISDIR: errors.FAILED_PRECONDITION,
    errno.ENOTEMPTY: errors.FAILED_PRECONDITION,
    errno.ENOSPC: errors.RESOURCE_EXHAUSTED,
    errno.EMFILE: errors.RESOURCE_EXHAUSTED,
    errno.ENAMETOOLONG: errors.INVALID_ARGUMENT,
}

_Fn = TypeVar("_Fn", bound=Callable[..., Any])


def op_error(error: OSError) -> errors.OpError:
    """The tf.errors exception that says the same as an OSError."""
    path = compat.as_str_any(error.filename) if error.filename is not None else "file"
    return errors.make_error(_CODES.get(error.errno or 0, errors.UNKNOWN), f"{path}; {error.strerror or error}")


def _translated(fn: _Fn) -> _Fn:
    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except OSError as error:
            raise op_error(error) from None

    return wrapper  # type: ignore[return-value]


def _path(name: Any) -> str:
    path = compat.as_text(compat.path_to_str(name))
    return path[len("file://") :] if path.startswith("file://") else path


class GFile:
    """A file that is opened at first use.

    Args:
      name: its path.
      mode: "r", "w", "a", "r+", "w+" or "a+", with "b" for reading bytes instead of str.
    """

    def __init__(self, name: Any, mode: str = "r"):
        if mode.replace("b", "") not in ("r", "w", "a", "r+", "w+", "a+"):
            raise errors.InvalidArgumentError(None, None, f"mode {mode!r} is not 'r', 'w', 'a', 'r+', 'w+' or 'a+'")
        self._name = name
        self._mode = mode
        self._binary = "b" in mode
        self._file: Any = None

    @property
    def name(self) -> Any:
        return self._name

    @property
    def mode(self) -> str:
        return self._mode

    def _open(self, writing: bool) -> Any:
        plain = self._mode.replace("b", "")
        if writing and plain == "r":
            raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
        if not writing and plain in ("w", "a"):
            raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
        if self._file is None:
            self._file = open(_path(self._name), plain + "b")
        return self._file

    def _text(self, data: bytes) -> Any:
        return data if self._binary else data.decode("utf-8")

    def size(self) -> int:
        """The size of the file in bytes."""
        self.flush()
        return Stat(self._name).length

    @_translated
    def write(self, file_content: Any) -> None:
        """Appends text or bytes."""
        self._open(writing=True).write(compat.as_bytes(file_content))

    @_translated
    def read(self, n: int = -1) -> Any:
        """The next `n` bytes (text mode: decoded as UTF-8), by default the rest."""
        return self._text(self._open(writing=False).read(n))

    @_translated
    def readline(self) -> Any:
        """The next line with its newline, empty at the end of the file."""
        return self._text(self._open(writing=False).readline())

    def readlines(self) -> list[Any]:
        return list(self)

    @_translated
    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Moves to `offset`, counted from the start, the current position (1) or the end (2)."""
        if offset is None and position is None:
            raise TypeError("seek(): offset argument required")
        self._open(writing=False).seek(offset if offset is not None else position, whence)

    @_translated
    def tell(self) -> int:
        return self._open(writing="r" not in self._mode).tell()

    @_translated
    def flush(self) -> None:
        if self._file is not None and not self._file.closed:
            self._file.flush()

    @_translated
    def close(self) -> None:
        """Closes the file; a file opened for writing exists from then on, even if nothing was written."""
        if self._file is None and self._mode.replace("b", "")[0] in "wa":
            self._open(writing=True)
        if self._file is not None:
            self._file.close()
            self._file = None

    def seekable(self) -> bool:
        return True

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line


FastGFile = GFile
Open = GFile


class FileStatistics(NamedTuple):
    length: int
    mtime_nsec: int
    is_directory: bool


def Exists(filename: Any) -> bool:
    """True if `filename` exists, be it file or directory."""
    return os.path.exists(_path(filename))


def IsDirectory(dirname: Any) -> bool:
    return os.path.isdir(_path(dirname))


@_translated
def MakeDirs(dirname: Any) -> None:
    """Creates a directory and its parents; existing ones are fine."""
    os.makedirs(_path(dirname), exist_ok=True)


@_translated
def MkDir(dirname: Any) -> None:
    """Creates a directory whose parent exists."""
    os.mkdir(_path(dirname))


@_translated
def ListDirectory(dirname: Any) -> list[str]:
    """The names in a directory."""
    return sorted(os.listdir(_path(dirname)))


def Glob(filename: Any) -> list[str]:
    """The paths that match a pattern (or any of a list of patterns)."""
    patterns = filename if isinstance(filename, (list, tuple)) else [filename]
    return [path for pattern in patterns for path in sorted(glob.glob(_path(pattern)))]


@_translated
def Remove(filename: Any) -> None:
    """Deletes a file."""
    os.remove(_path(filename))


@_translated
def DeleteRecursively(dirname: Any) -> None:
    """Deletes a directory with all it contains, or a file."""
    path = _path(dirname)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.remove(path)


@_translated
def Copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copies a file; AlreadyExistsError if the target exists, unless `overwrite`."""
    _refuse_existing(newpath, overwrite)
    shutil.copyfile(_path(oldpath), _path(newpath))


@_translated
def Rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Moves a file or directory; AlreadyExistsError if the target exists, unless `overwrite`."""
    _refuse_existing(newname, overwrite)
    os.replace(_path(oldname), _path(newname))


def _refuse_existing(path: Any, overwrite: bool) -> None:
    if not overwrite and Exists(path):
        raise errors.AlreadyExistsError(None, None, f"{_path(path)}; file already exists (pass overwrite=True)")


@_translated
def Stat(filename: Any) -> FileStatistics:
    """Length, modification time and kind of a file."""
    stat = os.stat(_path(filename))
    return FileStatistics(stat.st_size, stat.st_mtime_ns, os.path.isdir(_path(filename)))


def Walk(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yields (directory, its directories, its files), parents first if `in_order`."""
    yield from os.walk(_path(top), topdown=in_order)
