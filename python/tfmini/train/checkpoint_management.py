"""The file ``checkpoint`` beside the checkpoints, which names the latest ones, in TensorFlow's text format."""

from __future__ import annotations

import os
import re
from typing import Any

from tfmini import errors, logging
from tfmini.atomic_file import atomic_file
from tfmini.train import checkpoint

__all__ = [
    "CheckpointState", "checkpoint_exists", "generate_checkpoint_state_proto", "get_checkpoint_mtimes",
    "get_checkpoint_state", "latest_checkpoint", "remove_checkpoint", "update_checkpoint_state",
]  # fmt: skip

_FIELD = re.compile(r"""\s*([A-Za-z_]+)\s*:\s*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|([-+.\w]+))\s*[;,]?""")
_ESCAPES = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11}
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)


class CheckpointState:
    """Which checkpoints exist.

    Attributes:
      model_checkpoint_path: the latest.
      all_model_checkpoint_paths: all that have not been deleted, oldest first.
      all_model_checkpoint_timestamps: when they were written, in seconds since the epoch.
      last_preserved_timestamp: when the last checkpoint was written that is kept for good.
    """

    def __init__(
        self,
        model_checkpoint_path: str = "",
        all_model_checkpoint_paths: Any = (),
        all_model_checkpoint_timestamps: Any = (),
        last_preserved_timestamp: float = 0.0,
    ):
        self.model_checkpoint_path = model_checkpoint_path
        self.all_model_checkpoint_paths = list(all_model_checkpoint_paths)
        self.all_model_checkpoint_timestamps = list(all_model_checkpoint_timestamps)
        self.last_preserved_timestamp = last_preserved_timestamp

    def __str__(self) -> str:
        lines = [f"model_checkpoint_path: {_quote(self.model_checkpoint_path)}"]
        lines += [f"all_model_checkpoint_paths: {_quote(path)}" for path in self.all_model_checkpoint_paths]
        lines += [f"all_model_checkpoint_timestamps: {time!r}" for time in self.all_model_checkpoint_timestamps]
        if self.last_preserved_timestamp:
            lines.append(f"last_preserved_timestamp: {self.last_preserved_timestamp!r}")
        return "\n".join(lines) + "\n"

    __repr__ = __str__

    @classmethod
    def parse(cls, text: str) -> CheckpointState:
        """Reads the text format; ValueError if `text` is something else."""
        state, at, end = cls(), 0, len(text.rstrip())
        while at < end:
            match = _FIELD.match(text, at)
            if match is None:
                raise ValueError(f"unreadable at character {at}: {text[at : at + 40]!r}")
            at = match.end()
            field, quoted, single, plain = match.groups()
            quoted = single if quoted is None else quoted
            if field in ("model_checkpoint_path", "all_model_checkpoint_paths"):
                if quoted is None:
                    raise ValueError(f"{field} is not a string")
                if field == "model_checkpoint_path":
                    state.model_checkpoint_path = _unquote(quoted)
                else:
                    state.all_model_checkpoint_paths.append(_unquote(quoted))
            elif field in ("all_model_checkpoint_timestamps", "last_preserved_timestamp"):
                time = float(plain if plain is not None else "no number")
                if field == "last_preserved_timestamp":
                    state.last_preserved_timestamp = time
                else:
                    state.all_model_checkpoint_timestamps.append(time)
            else:
                raise ValueError(f"unknown field {field!r}")
        return state


def _quote(path: str) -> str:
    out = []
    for byte in path.encode("utf-8", "surrogateescape"):
        char = chr(byte)
        if char in "\"'\\":
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append({10: "\\n", 13: "\\r", 9: "\\t"}.get(byte) or f"\\{byte:03o}")
    return f'"{"".join(out)}"'


def _unquote(text: str) -> str:
    def replace(match: re.Match[bytes]) -> bytes:
        code = match[1].decode("latin-1")
        if code[0] == "x" and len(code) > 1:
            return bytes([int(code[1:], 16)])
        if code[0] in "01234567":
            return bytes([int(code, 8) & 255])
        return bytes([_ESCAPES[code]]) if code in _ESCAPES else match[1]

    return _ESCAPE.sub(replace, text.encode()).decode("utf-8", "surrogateescape")


def generate_checkpoint_state_proto(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: list[str] | None = None,
    all_model_checkpoint_timestamps: list[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> CheckpointState:
    """A CheckpointState whose relative paths are relative to `save_dir`."""
    paths = list(all_model_checkpoint_paths or [])
    if not paths or paths[-1] != model_checkpoint_path:
        paths.append(model_checkpoint_path)
    times = all_model_checkpoint_timestamps
    if times and len(times) != len(paths):
        raise ValueError(
            "Checkpoint timestamps, if provided, must match checkpoint paths "
            f"(got {len(times)} timestamps for {len(paths)} paths)"
        )
    if not os.path.isabs(save_dir):
        model_checkpoint_path, *paths = (
            path if os.path.isabs(path) else os.path.relpath(path, save_dir) for path in [model_checkpoint_path, *paths]
        )
    return CheckpointState(model_checkpoint_path, paths, times or (), last_preserved_timestamp or 0.0)


def update_checkpoint_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: list[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: list[float] | None = None,
    last_preserved_timestamp: float | None = None,
    save_relative_paths: bool = False,
) -> None:
    """Writes the state file of the directory `save_dir`, in one step.

    Args:
      model_checkpoint_path: the latest checkpoint.
      all_model_checkpoint_paths: all that exist, oldest first.
      latest_filename: the state file's name, by default "checkpoint".
      save_relative_paths: write paths relative to `save_dir`, so that the directory can be moved.

    Raises:
      RuntimeError: if a checkpoint has the name of the state file.
    """
    state_path = _state_path(save_dir, latest_filename)
    paths = list(all_model_checkpoint_paths or [])
    if save_relative_paths:
        model_checkpoint_path = _relative(model_checkpoint_path, save_dir)
        paths = [_relative(path, save_dir) for path in paths]
    state = generate_checkpoint_state_proto(
        save_dir, model_checkpoint_path, paths, all_model_checkpoint_timestamps, last_preserved_timestamp
    )
    if state_path == state.model_checkpoint_path:
        raise RuntimeError(
            f"Save path '{model_checkpoint_path}' conflicts with path used for checkpoint state.  "
            "Please use a different save path."
        )
    with atomic_file(state_path) as out:
        out.write(str(state).encode())


def _relative(path: str, save_dir: str) -> str:
    return os.path.relpath(path, save_dir) if os.path.isabs(path) else path


def _state_path(directory: str, latest_filename: str | None) -> str:
    return os.path.join(directory, latest_filename or "checkpoint")


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> CheckpointState | None:
    """The state of a directory of checkpoints; None if there is no state file, or no readable one.

    Raises:
      ValueError: if the state file names no checkpoint.
    """
    if isinstance(checkpoint_dir, (list, tuple)):
        raise TypeError("checkpoint_dir must be one directory, not a list")
    directory = os.fspath(checkpoint_dir)
    path = _state_path(directory, latest_filename)
    try:
        with open(path, encoding="utf-8") as file:
            state = CheckpointState.parse(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        logging.warning("%s: %s", path, error)
        logging.warning("%s: Checkpoint ignored", path)
        return None
    if not state.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state loaded from {checkpoint_dir}")
    # Relative paths are relative to the directory; os.path.join leaves absolute ones alone.
    state.model_checkpoint_path = os.path.join(directory, state.model_checkpoint_path)
    state.all_model_checkpoint_paths = [os.path.join(directory, p) for p in state.all_model_checkpoint_paths]
    return state


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The path of the latest checkpoint in a directory, to be given to `Saver.restore`; None if there is none."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None:
        return None
    if checkpoint_exists(state.model_checkpoint_path):
        return state.model_checkpoint_path
    logging.error("Couldn't match files for checkpoint %s", state.model_checkpoint_path)
    return None


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """True if there is a checkpoint of this path."""
    return checkpoint.checkpoint_file_exists(os.fspath(checkpoint_prefix))


def get_checkpoint_mtimes(checkpoint_prefixes: Any) -> list[float]:
    """When the checkpoints that exist were written, in seconds since the epoch."""
    paths = map(os.fspath, checkpoint_prefixes)
    return [os.path.getmtime(path) for path in paths if checkpoint.checkpoint_file_exists(path)]


def remove_checkpoint(checkpoint_prefix: Any, *_: Any, **__: Any) -> None:
    """Deletes a checkpoint; it is no error if there is none."""
    try:
        checkpoint.delete_checkpoint(os.fspath(checkpoint_prefix))
    except OSError as error:
        raise errors.UnknownError(None, None, f"{checkpoint_prefix}: {error.strerror}") from None
