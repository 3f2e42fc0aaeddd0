"""The op families. Early programs also call `tf.ops.reset_default_graph()`."""

from tfmini.graph import reset_default_graph

__all__ = ["reset_default_graph"]
