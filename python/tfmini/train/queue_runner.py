"""Starting the threads that fill a graph's queues."""

from __future__ import annotations

from typing import Any

from tfmini.graph import get_default_graph, get_default_session
from tfmini.graph_keys import GraphKeys

__all__ = ["add_queue_runner", "start_queue_runners"]


def add_queue_runner(qr: Any, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Lets `start_queue_runners` start this runner, an object with `create_threads(sess, coord, daemon, start)`."""
    get_default_graph().add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None,
    coord: Any = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[Any]:
    """Starts the threads of all queue runners of the session's graph, and returns them.

    Raises:
      ValueError: if there is neither a session nor a default one.
    """
    sess = get_default_session() if sess is None else sess
    if sess is None:
        raise ValueError(
            "Cannot start queue runners: No default session is registered. Use `with sess.as_default()` or pass an "
            "explicit session to tf.start_queue_runners(sess=sess)"
        )
    threads: list[Any] = []
    for runner in sess.graph.get_collection(collection):
        threads += runner.create_threads(sess, coord=coord, daemon=daemon, start=start)
    return threads
