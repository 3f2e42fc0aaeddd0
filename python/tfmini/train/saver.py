"""`Saver`: variables to checkpoint files and back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from tfmini import compat, dtypes, errors, logging, raw, tensor_shape
from tfmini.convert import constant
from tfmini.graph import Tensor, control_dependencies, device, get_default_graph, name_scope
from tfmini.graph_keys import GraphKeys, get_collection
from tfmini.train import checkpoint
from tfmini.train import checkpoint_management as management
from tfmini.variables import Variable

__all__ = ["Saver"]


class Saver:
    """Adds nodes to the default graph that save and restore its variables, and manages the files.

    Args:
      var_list: variables, or a dict from names in the checkpoint to variables; by default all global variables.
      reshape: restore tensors of another shape with the same number of elements.
      sharded: accepted; a checkpoint is one file.
      max_to_keep: how many of the latest checkpoints are kept; None or 0: all.
      keep_checkpoint_every_n_hours: of those that would be deleted, keep one per so many hours.
      name: of the nodes, by default "save".
      restore_sequentially: accepted; tensors are restored all or none.
      defer_build: `build` adds the nodes instead of the constructor.
      allow_empty: without variables, save and restore do nothing instead of raising.
      write_version: accepted.
      pad_step_number: steps in file names have at least 8 digits.
      save_relative_paths: the state file holds paths relative to its directory.
      filename: what the saved file's name is when the save node is run directly.

    Raises:
      ValueError: if there are no variables, or two have one name.
      TypeError: if `var_list` holds something else.
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: Any = 2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
    ):
        if saver_def is not None or builder is not None:
            raise NotImplementedError("Saver: saver_def and builder are not supported; pass var_list")
        if defer_build and var_list is not None:
            raise ValueError(
                "If `var_list` is provided then build cannot be deferred. "
                "Either set defer_build=False or var_list=None."
            )
        self._var_list = var_list
        self._reshape = reshape
        self._max_to_keep = int(max_to_keep or 0)
        self._keep_interval = keep_checkpoint_every_n_hours * 3600
        self._next_checkpoint_time = time.time() + self._keep_interval
        self._name = name
        self._allow_empty = allow_empty
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._filename = filename or "model"
        self._last_checkpoints: list[tuple[str, float]] = []
        self._to_delete: list[tuple[str, float]] = []
        self._variables: dict[str, Any] = {}
        self._is_built = False
        if not defer_build:
            self.build()

    def build(self) -> None:
        """Adds the nodes to the default graph."""
        if self._is_built:
            return
        self._is_built = True
        self._variables = _named_variables(self._var_list)
        if not self._variables:
            if not self._allow_empty:
                raise ValueError("No variables to save")
            return
        self._graph = next(iter(self._variables.values())).graph
        with self._graph.as_default(), name_scope(self._name, "save", list(self._variables.values())):
            self._add_nodes()

    def _add_nodes(self) -> None:
        names, variables = list(self._variables), list(self._variables.values())
        with name_scope("filename") as scope:
            default = constant(self._filename, dtypes.string, name="input")
            filename = raw.PlaceholderWithDefault(default, shape=[], name=scope)
        self._prefix = raw.PlaceholderWithDefault(filename, shape=[], name="Const")
        slices = [""] * len(names)
        references = [v._ref() if isinstance(v, Variable) else v for v in variables]
        save = raw.SaveV2(self._prefix, names, slices, references, name="SaveV2")
        with control_dependencies([save]):
            self._save = raw.Identity(self._prefix, name="control_dependency")
        with device("/cpu:0"):
            types = [v.dtype.base_dtype for v in variables]
            restored = raw.RestoreV2(self._prefix, names, slices, dtypes=types, name="RestoreV2")
        assigned = []
        for ref, value in zip(references, restored):
            shape: tensor_shape.TensorShape = ref.shape
            if self._reshape:
                value = raw.Reshape(value, shape.as_list() if shape.is_fully_defined() else raw.Shape(ref))
            assigned.append(raw.Assign(ref, value, validate_shape=shape.is_fully_defined(), name="Assign").op)
        self._restore = get_default_graph().create_op("NoOp", [], None, "restore_all", control_inputs=assigned)

    # --- saving ----------------------------------------------------------------------------------
    def save(
        self,
        sess: Any,
        save_path: Any,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str | None:
        """Saves the variables as they are in `sess`; returns the path, for `restore`.

        The file appears under its name only once it is complete; then the state file is updated, and checkpoints
        beyond `max_to_keep` are deleted.

        Args:
          save_path: path of the file; with `global_step`, "-<step>" is appended.
          global_step: an int, or an integer tensor or variable.
          latest_filename: name of the state file, by default "checkpoint".
          write_state: whether the state file is updated and old checkpoints are deleted.
          meta_graph_suffix, write_meta_graph, strip_default_attrs, save_debug_info: accepted; no graph is written.

        Raises:
          TypeError: if `sess` is no session.
          ValueError: if the directory does not exist, or the path is that of the state file.
        """
        if not self._is_built:
            raise RuntimeError("`build()` should be called before save if defer_build==True")
        save_path = os.fspath(save_path)
        latest_filename = latest_filename or "checkpoint"
        if os.path.dirname(latest_filename):
            raise ValueError("'latest_filename' must not contain path components")
        if global_step is None and os.path.basename(save_path) == latest_filename:
            raise ValueError(f"'latest_filename' collides with 'save_path': '{latest_filename}' and '{save_path}'")
        _check_session(sess)
        path = save_path
        if global_step is not None:
            step = _step_number(sess, global_step)
            path = f"{save_path}-{step:08d}" if self._pad_step_number else f"{save_path}-{step}"
        if not self._variables:
            return None
        try:
            path = compat.as_str(sess.run(self._save, {self._prefix: path}))
            if write_state:
                self._record(path)
                management.update_checkpoint_state(
                    os.path.dirname(save_path), path, self.last_checkpoints, latest_filename,
                    save_relative_paths=self._save_relative_paths,
                )  # fmt: skip
                self._delete_old()
        except errors.NotFoundError:
            if os.path.isdir(os.path.dirname(save_path) or "."):
                raise
            raise ValueError(f"Parent directory of {save_path} doesn't exist, can't save.") from None
        return path

    def _record(self, path: str) -> None:
        if not self._max_to_keep:
            return
        self._last_checkpoints = [(p, t) for p, t in self._last_checkpoints if p != path]
        self._last_checkpoints.append((path, time.time()))
        if len(self._last_checkpoints) > self._max_to_keep:
            self._to_delete.append(self._last_checkpoints.pop(0))

    def _delete_old(self) -> None:
        while self._to_delete:
            path, written = self._to_delete.pop(0)
            if written > self._next_checkpoint_time:
                self._next_checkpoint_time += self._keep_interval
                continue
            try:
                management.remove_checkpoint(path)
            except errors.OpError as error:
                logging.warning("Ignoring: %s", error)

    @property
    def last_checkpoints(self) -> list[str]:
        """Paths of the checkpoints that are kept, oldest first."""
        return [path for path, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints: Iterable[str]) -> None:
        """Takes over checkpoints written before, oldest first."""
        self.set_last_checkpoints_with_time([(path, np.inf) for path in last_checkpoints])

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: Iterable[tuple[str, float]]) -> None:
        """Takes over checkpoints written before: (path, time), oldest first."""
        self._last_checkpoints = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Iterable[str]) -> None:
        """Takes over those of the checkpoints that exist, after a restart of the program."""
        existing = [path for path in checkpoint_paths if management.checkpoint_exists(path)]
        times = management.get_checkpoint_mtimes(existing)
        self.set_last_checkpoints_with_time(zip(existing, times))

    # --- restoring -------------------------------------------------------------------------------
    def restore(self, sess: Any, save_path: Any) -> None:
        """Sets the variables to the values in a checkpoint: all of them, or none if anything is wrong.

        Raises:
          ValueError: if there is no such checkpoint.
          NotFoundError: if it lacks a variable.
          InvalidArgumentError: if a variable has another dtype or shape there.
          DataLossError: if the file is damaged.
        """
        if self._is_built and not self._variables:
            return
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        path = os.fspath(save_path)
        if not management.checkpoint_exists(path):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {path}")
        if not self._is_built:
            raise RuntimeError("`build()` should be called before restore if defer_build==True")
        _check_session(sess)
        logging.info("Restoring parameters from %s", path)
        wanted = {name: (v.dtype.base_dtype, v.shape) for name, v in self._variables.items()}
        problems = checkpoint.mismatches(checkpoint.CheckpointReader(path), wanted, self._reshape)
        if problems:
            raise _explained(problems)
        sess.run(self._restore, {self._prefix: path})


def _named_variables(var_list: Any) -> dict[str, Any]:
    """Names in the checkpoint to variables, sorted by name."""
    if var_list is None:
        var_list = get_collection(GraphKeys.GLOBAL_VARIABLES) + get_collection(GraphKeys.SAVEABLE_OBJECTS)
    if isinstance(var_list, dict):
        pairs = list(var_list.items())
    elif isinstance(var_list, (list, tuple, set, frozenset)) or hasattr(var_list, "__iter__"):
        pairs = [(_variable_name(v), v) for v in var_list]
    else:
        raise TypeError(f"Variables to save should be passed in a dict or a list. Got {var_list}")
    named: dict[str, Any] = {}
    seen: set[Any] = set()
    for name, variable in sorted(pairs, key=lambda pair: pair[0]):
        _variable_name(variable)
        if name in named:
            raise ValueError(f"At least two variables have the same name: {name}")
        if variable in seen:
            raise ValueError(f"The same saveable will be restored with two names: {name}")
        named[name] = variable
        seen.add(variable)
    return named


def _variable_name(variable: Any) -> str:
    is_reference = isinstance(variable, Tensor) and variable.dtype._is_ref_dtype
    if not isinstance(variable, Variable) and not is_reference:
        raise TypeError(f"Variable to save is not a Variable: {variable}")
    return variable.op.name


def _check_session(sess: Any) -> None:
    from tfmini.session import BaseSession

    # Sessions of other kinds (monitored ones) hold a plain session.
    if not isinstance(sess, BaseSession) and not hasattr(sess, "run"):
        raise TypeError(f"'sess' must be a Session; {sess}")


def _step_number(sess: Any, global_step: Any) -> int:
    if isinstance(global_step, (int, np.integer)):
        return int(global_step)
    if not isinstance(global_step, (Tensor, Variable)):
        raise TypeError(f"global_step must be an integer, a Tensor or a Variable, got {global_step!r}")
    return int(sess.run(global_step))


def _explained(problems: list[errors.OpError]) -> errors.OpError:
    """One error for all problems; of the kind of the first, the first few in its message."""
    if isinstance(problems[0], errors.NotFoundError):
        reason = "a Variable name or other graph key that is missing from the checkpoint"
    else:
        reason = "a mismatch between the current graph and the graph from the checkpoint"
    lines = [p.message for p in problems[:6]] + ([f"... and {len(problems) - 6} more"] if len(problems) > 6 else [])
    return errors.make_error(
        problems[0].error_code,
        f"Restoring from checkpoint failed. This is most likely due to {reason}. Nothing was restored.\n  "
        + "\n  ".join(lines),
    )
