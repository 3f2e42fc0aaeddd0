"""Seeds of random ops: how the graph's seed and an op's seed become the two seeds of a node."""

from __future__ import annotations

import weakref
from typing import Any

from tfmini.graph import Graph, get_default_graph

__all__ = ["DEFAULT_GRAPH_SEED", "get_seed", "set_random_seed"]

DEFAULT_GRAPH_SEED = 87654321
_MAX_INT32 = 2**31 - 1

# How many op seeds each graph has given out.
_given_out: weakref.WeakKeyDictionary[Graph, int] = weakref.WeakKeyDictionary()


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The seeds (seed, seed2) for a random op that is about to be created in the default graph.

    - Neither graph seed nor op seed: (None, None), different numbers in every session.
    - Graph seed alone: the op seed is the number of op seeds this graph has given out before, so
      that the same program draws the same numbers. (TensorFlow 1 counted nodes, later versions of
      `tf.compat.v1` count op seeds, as here.)
    - Op seed alone: the graph seed is DEFAULT_GRAPH_SEED.
    - Both: both.
    """
    graph = _outermost(get_default_graph())
    seed = graph.seed
    if seed is None:
        if op_seed is None:
            return None, None
        seed = DEFAULT_GRAPH_SEED
    elif op_seed is None:
        op_seed = _given_out.get(graph, 0)
        _given_out[graph] = op_seed + 1
    seeds = int(seed) % _MAX_INT32, int(op_seed) % _MAX_INT32
    # Kernels take (0, 0) as "not seeded".
    return (0, _MAX_INT32) if seeds == (0, 0) else seeds


def _outermost(graph: Any) -> Graph:
    """The graph a function body belongs to: its seed counts inside too."""
    while graph.building_function:
        graph = graph.outer
    return graph


def node_seeds(op_seed: int | None) -> dict[str, Any]:
    """`get_seed` as the attributes of a node."""
    seed, seed2 = get_seed(op_seed)
    return {"seed": seed or 0, "seed2": seed2 or 0}


def set_random_seed(seed: int | None) -> None:
    """Sets the seed of the default graph, from which ops without a seed of their own derive theirs."""
    _outermost(get_default_graph()).seed = seed
