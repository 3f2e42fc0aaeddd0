"""``tf.io``: files and graphs on disk, under their later names."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

from tfmini import gfile as _gfile
from tfmini import graph_export
from tfmini.atomic_file import atomic_file
from tfmini.graph import Graph

__all__ = ["gfile", "write_graph"]

gfile = SimpleNamespace(
    GFile=_gfile.GFile,
    copy=_gfile.Copy,
    exists=_gfile.Exists,
    glob=_gfile.Glob,
    isdir=_gfile.IsDirectory,
    listdir=_gfile.ListDirectory,
    makedirs=_gfile.MakeDirs,
    mkdir=_gfile.MkDir,
    remove=_gfile.Remove,
    rename=_gfile.Rename,
    rmtree=_gfile.DeleteRecursively,
    stat=_gfile.Stat,
    walk=_gfile.Walk,
)


def write_graph(graph_or_graph_def: Any, logdir: Any, name: str, as_text: bool = True) -> str:
    """Writes a graph to the file `name` in `logdir`, which is created; returns its path.

    Args:
      graph_or_graph_def: a Graph or a GraphDef message.
      as_text: in protobuf's text format (needs the extra `tensorboard`) instead of the binary one.
    """
    path = os.path.join(os.fspath(logdir), name)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    is_graph = isinstance(graph_or_graph_def, Graph)
    if as_text:
        message = graph_or_graph_def.as_graph_def() if is_graph else graph_or_graph_def
        content = str(message).encode()
    elif is_graph:
        content = graph_export.serialize_graph(graph_or_graph_def)
    else:
        content = graph_or_graph_def.SerializeToString()
    with atomic_file(path) as out:
        out.write(content)
    return path
