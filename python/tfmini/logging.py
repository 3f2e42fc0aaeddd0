"""``tf.logging``: leveled messages through Python's logger "tensorflow", the one TF1 programs configure."""

from __future__ import annotations

import logging as _logging
import sys
from collections import Counter
from typing import Any

__all__ = [
    "DEBUG", "ERROR", "FATAL", "INFO", "WARN", "TaskLevelStatusMessage", "debug", "error", "fatal", "flush",
    "get_verbosity", "info", "log", "log_every_n", "log_first_n", "log_if", "set_verbosity", "vlog", "warn", "warning",
]  # fmt: skip

DEBUG = _logging.DEBUG
INFO = _logging.INFO
WARN = _logging.WARNING
ERROR = _logging.ERROR
FATAL = _logging.FATAL

_counts: Counter[Any] = Counter()


class _StderrHandler(_logging.StreamHandler):
    """Writes to whatever sys.stderr is at the time, so that redirection after import works."""

    def __init__(self) -> None:
        _logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


def _make_logger() -> _logging.Logger:
    logger = _logging.getLogger("tensorflow")
    # Respect a program that configured logging before it imported this package.
    if not logger.handlers and not _logging.getLogger().handlers:
        handler = _StderrHandler()
        handler.setFormatter(_logging.Formatter(_logging.BASIC_FORMAT))
        logger.addHandler(handler)
        logger.propagate = False
    if logger.level == _logging.NOTSET:
        logger.setLevel(WARN)
    return logger


_logger = _make_logger()


def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs ``msg % args`` at `level`."""
    _logger.log(level, msg, *args, **kwargs)


def debug(msg: Any, *args: Any, **kwargs: Any) -> None:
    _logger.debug(msg, *args, **kwargs)


def info(msg: Any, *args: Any, **kwargs: Any) -> None:
    _logger.info(msg, *args, **kwargs)


def warn(msg: Any, *args: Any, **kwargs: Any) -> None:
    _logger.warning(msg, *args, **kwargs)


warning = warn


def error(msg: Any, *args: Any, **kwargs: Any) -> None:
    _logger.error(msg, *args, **kwargs)


def fatal(msg: Any, *args: Any, **kwargs: Any) -> None:
    _logger.critical(msg, *args, **kwargs)


def vlog(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    log(level, msg, *args, **kwargs)


def TaskLevelStatusMessage(msg: Any) -> None:
    error(msg)


def flush() -> None:
    """Nothing is buffered."""


def _caller() -> Any:
    frame = sys._getframe(2)
    return frame.f_code.co_filename, frame.f_lineno


def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs once per `n` calls from the same source line, starting with the first."""
    key = _caller()
    _counts[key] += 1
    log_if(level, msg, (_counts[key] - 1) % n == 0, *args)


def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs only the first `n` calls from the same source line."""
    key = _caller()
    _counts[key] += 1
    log_if(level, msg, _counts[key] <= n, *args)


def log_if(level: int, msg: Any, condition: Any, *args: Any) -> None:
    if condition:
        log(level, msg, *args)


def get_verbosity() -> int:
    """The level from which on messages are shown; WARN at first."""
    return _logger.getEffectiveLevel()


def set_verbosity(v: Any) -> None:
    _logger.setLevel(v)
