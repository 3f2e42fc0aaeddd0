"""The ops that write and read checkpoints, as host ops on top of train/checkpoint.py."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import numpy as np

from tfmini import dtypes, errors
from tfmini.autodiff import not_differentiable
from tfmini.host_ops import register_host_op

__all__ = ["restore_tensors", "save_tensors"]

not_differentiable("SaveV2", "RestoreV2")


def _check_slices(slices: np.ndarray) -> None:
    if any(slices.ravel().tolist()):
        raise errors.UnimplementedError(None, None, "slices of tensors cannot be saved or restored")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _path(prefix: Any) -> str:
    return _text(prefix if isinstance(prefix, (bytes, str)) else np.asarray(prefix, dtype=object).item())


def save_tensors(
    attrs: dict[str, Any], prefix: Any, names: np.ndarray, slices: np.ndarray, *tensors: np.ndarray
) -> list[Any]:
    """SaveV2: writes the file `prefix`."""
    from tfmini.train import checkpoint

    _check_slices(slices)
    path = _path(prefix)
    with contextlib.suppress(OSError):  # TensorFlow makes the last directory of the path, too
        os.mkdir(os.path.dirname(path))
    checkpoint.write_checkpoint(path, dict(zip(map(_text, names.tolist()), tensors)))
    return []


def restore_tensors(attrs: dict[str, Any], prefix: Any, names: np.ndarray, slices: np.ndarray) -> list[np.ndarray]:
    """RestoreV2: all of `names` from the file `prefix`, or an error before anything is read."""
    from tfmini.train import checkpoint

    _check_slices(slices)
    reader = checkpoint.CheckpointReader(_path(prefix))
    wanted = {_text(n): (dtypes.as_dtype(t), None) for n, t in zip(names.tolist(), attrs["dtypes"])}
    problems = checkpoint.mismatches(reader, wanted)
    if problems:
        raise problems[0]
    return [reader.get_tensor(name) for name in wanted]


register_host_op("SaveV2", save_tensors)
register_host_op("RestoreV2", restore_tensors)
