"""``tf.summary``: summary ops and the writer of TensorBoard's event files."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

from tfmini import dtypes, event_file, graph_export, logging, raw
from tfmini import protowire as wire
from tfmini.convert import constant, convert_to_tensor
from tfmini.graph import Graph, Tensor, name_scope
from tfmini.graph_keys import GraphKeys, get_collection
from tfmini.ops.summary import collect

__all__ = [
    "FileWriter", "FileWriterCache", "audio", "histogram", "image", "merge", "merge_all", "scalar", "tensor_summary",
    "text",
]  # fmt: skip


def _clean(name: str | None) -> str | None:
    """`name` as it may be part of a tag and of a node name."""
    if name is None:
        return None
    cleaned = re.sub(r"[^-/\w.]", "_", name).lstrip("/")
    if cleaned != name:
        logging.info("Summary name %s is illegal; using %s instead.", name, cleaned)
    return cleaned


@contextlib.contextmanager
def _scope(name: str, family: str | None, default_name: str | None, values: Any) -> Iterator[tuple[str, str]]:
    """The tag and the node name of a summary. A family prefixes the tag once more: TensorBoard groups by it."""
    name, family = _clean(name) or "", _clean(family)
    with name_scope(name if family is None else f"{family}/{name}", default_name, values) as scope:
        tag = scope.rstrip("/")
        yield (tag if family is None else f"{family}/{tag}"), scope


def scalar(name: str, tensor: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """A number to be plotted over the steps.

    Args:
      name: of the node; with its name scope it is the tag in TensorBoard.
      tensor: a real scalar.
      collections: to join, by default [GraphKeys.SUMMARIES], which `merge_all` reads.
      family: prefix of the tag, by which TensorBoard groups.

    Returns:
      A serialized Summary, a string scalar.
    """
    with _scope(name, family, None, [tensor]) as (tag, scope):
        return collect(raw.ScalarSummary(tag, tensor, name=scope), collections)


def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """The distribution of real `values`, of any shape. At run time InvalidArgumentError for NaN and infinities."""
    with _scope(name, family, "HistogramSummary", [values]) as (tag, scope):
        return collect(raw.HistogramSummary(tag, values, name=scope), collections)


def image(name: str, tensor: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None) -> Tensor:
    """The first `max_outputs` images of a batch.

    `tensor`: [batch, height, width, 1, 3 or 4], uint8, or floats that are scaled to the range of each image.
    """
    with _scope(name, family, None, [tensor]) as (tag, scope):
        return collect(raw.ImageSummary(tag, tensor, max_images=max_outputs, name=scope), collections)


def audio(
    name: str, tensor: Any, sample_rate: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None
) -> Tensor:
    """The first `max_outputs` clips of a batch [batch, frames(, channels)] of samples in [-1, 1]."""
    with _scope(name, family, None, [tensor]) as (tag, scope):
        rate = convert_to_tensor(sample_rate, dtypes.float32, name="sample_rate")
        return collect(raw.AudioSummaryV2(tag, tensor, rate, max_outputs=max_outputs, name=scope), collections)


def text(name: str, tensor: Any, collections: Any = None) -> Tensor:
    """Strings, shown as Markdown; a matrix of them as a table."""
    tensor = convert_to_tensor(tensor)
    if tensor.dtype.base_dtype is not dtypes.string:
        raise ValueError(f"Expected tensor {tensor.name} to have dtype string, got {tensor.dtype}")
    return _tensor_summary(name, tensor, wire.data(1, wire.data(1, "text")), collections, None)


def tensor_summary(
    name: str,
    tensor: Any,
    summary_description: str | None = None,
    collections: Any = None,
    summary_metadata: Any = None,
    family: str | None = None,
    display_name: str | None = None,
) -> Tensor:
    """Any tensor, with metadata (a SummaryMetadata message) that says which plugin of TensorBoard shows it."""
    metadata = b"" if summary_metadata is None else summary_metadata.SerializeToString()
    metadata += wire.data(2, display_name) if display_name else b""
    metadata += wire.data(3, summary_description) if summary_description else b""
    return _tensor_summary(name, tensor, metadata, collections, family)


def _tensor_summary(name: str, tensor: Any, metadata: bytes, collections: Any, family: str | None) -> Tensor:
    with _scope(name, family, None, [tensor]) as (tag, scope):
        serialized = constant(metadata, dtypes.string, name="serialized_summary_metadata")
        return collect(raw.TensorSummaryV2(tag, tensor, serialized, name=scope), collections)


def merge(inputs: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """One Summary with the values of all `inputs`. At run time InvalidArgumentError if a tag occurs twice."""
    with name_scope(name, "Merge", inputs):
        return collect(raw.MergeSummary(list(inputs), name=name), collections, default=())


def merge_all(key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Tensor | None:
    """All summaries of the default graph in one; None if there are none. `scope`: those whose names match it."""
    summaries = get_collection(key, scope)
    return merge(summaries, name=name) if summaries else None


class FileWriter:
    """Writes summaries and graphs to an event file that TensorBoard reads.

    Args:
      logdir: the directory, created if missing; the file's name is unique.
      graph: a Graph (or GraphDef) to write at once.
      max_queue: events that may wait in memory.
      flush_secs: seconds they may wait.
      graph_def: the same as `graph`, from before TensorFlow 1.0.
      filename_suffix: appended to the file's name.
    """

    def __init__(
        self,
        logdir: Any,
        graph: Any = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: Any = None,
        filename_suffix: str | None = None,
        session: Any = None,
    ):
        if session is not None:
            raise NotImplementedError("FileWriter: session is not supported; leave it out to write the file directly")
        if graph is not None and graph_def is not None:
            raise ValueError("Please pass only graph, or graph_def (deprecated), but not both.")
        content = None if graph is None and graph_def is None else _serialized_graph(graph, graph_def)
        self._logdir = os.fspath(logdir)
        self._options = (max_queue, flush_secs, filename_suffix)
        self._file = event_file.EventFile(self._logdir, *self._options)
        if content is not None:
            self._write(wire.data(4, content), None)

    def get_logdir(self) -> str:
        return self._logdir

    def add_summary(self, summary: Any, global_step: int | None = None) -> None:
        """Writes a Summary: what running a summary op gives, or a message object."""
        self._write(wire.data(5, _serialized(summary)), global_step)

    def add_graph(self, graph: Any = None, global_step: int | None = None, graph_def: Any = None) -> None:
        """Writes a graph."""
        self._write(wire.data(4, _serialized_graph(graph, graph_def)), global_step)

    def add_meta_graph(self, meta_graph_def: Any, global_step: int | None = None) -> None:
        """Writes a MetaGraphDef message."""
        self._write(wire.data(9, _serialized(meta_graph_def)), global_step)

    def add_session_log(self, session_log: Any, global_step: int | None = None) -> None:
        """Writes a SessionLog message."""
        self._write(wire.data(7, _serialized(session_log)), global_step)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: int | None = None) -> None:
        """Writes a RunMetadata message under a tag."""
        content = wire.data(1, tag) + wire.data(2, _serialized(run_metadata))
        self._write(wire.data(8, content), global_step)

    def add_event(self, event: Any) -> None:
        """Writes an Event message as it is."""
        self._open().write(_serialized(event))

    def _open(self) -> event_file.EventFile:
        if self._file.closed:
            raise RuntimeError("The FileWriter is closed; reopen() it first")
        return self._file

    def _write(self, content: bytes, step: Any) -> None:
        self._open().write(event_file.event(content, step))

    def flush(self) -> None:
        """Makes sure that everything is in the file."""
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def reopen(self) -> None:
        """Goes on after `close`, in a new file of the same directory."""
        if self._file.closed:
            self._file = event_file.EventFile(self._logdir, *self._options)

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


def _serialized(message: Any) -> bytes:
    if isinstance(message, bytes):
        return message
    if hasattr(message, "SerializeToString"):
        return message.SerializeToString()
    raise TypeError(f"expected a serialized message (bytes) or a message object, got {type(message).__name__}")


def _serialized_graph(graph: Any, graph_def: Any) -> bytes:
    for candidate in (graph, graph_def):  # either place takes either kind
        if isinstance(candidate, Graph):
            return graph_export.serialize_graph(candidate, add_shapes=True)
        if candidate is not None:
            if hasattr(candidate, "SerializeToString") or isinstance(candidate, bytes):
                return _serialized(candidate)
            raise TypeError("The passed graph must be an instance of `Graph` or the deprecated `GraphDef`")
    raise ValueError("Pass a graph")


class FileWriterCache:
    """One FileWriter per directory."""

    _cache: dict[str, FileWriter] = {}

    @staticmethod
    def get(logdir: str) -> FileWriter:
        """The writer for `logdir`, made at the first call."""
        return FileWriterCache._cache.setdefault(logdir, FileWriterCache._cache.get(logdir) or FileWriter(logdir))

    @staticmethod
    def clear() -> None:
        """Closes all writers."""
        for writer in FileWriterCache._cache.values():
            writer.close()
        FileWriterCache._cache.clear()


_MESSAGES = {
    "Event": ("event", "Event"),
    "SessionLog": ("event", "SessionLog"),
    "Summary": ("summary", "Summary"),
    "SummaryDescription": ("summary", "SummaryDescription"),
    "TaggedRunMetadata": ("event", "TaggedRunMetadata"),
}


def __getattr__(name: str) -> Any:
    if name in _MESSAGES:  # message classes, which come with tensorboard
        return graph_export.proto(*_MESSAGES[name])
    raise AttributeError(f"module 'tfmini.summary' has no attribute '{name}'")
