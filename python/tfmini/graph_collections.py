"""The collections of a graph: named lists of variables, losses, summaries, ..."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["Collections"]


class Collections:
    """The part of `Graph` that keeps collections."""

    _collections: dict[str, list[Any]]

    @property
    def collections(self) -> list[str]:
        return list(self._collections)

    def get_all_collection_keys(self) -> list[str]:
        return [k for k in self._collections if isinstance(k, str)]

    def add_to_collection(self, name: str, value: Any) -> None:
        self._check_open()
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        for name in [names] if isinstance(names, str) else dict.fromkeys(names):
            self.add_to_collection(name, value)

    def get_collection_ref(self, name: str) -> list[Any]:
        return self._collections.setdefault(name, [])

    def get_collection(self, name: str, scope: str | None = None) -> list[Any]:
        items = self._collections.get(name, [])
        if scope is None:
            return list(items)
        pattern = re.compile(scope)
        return [x for x in items if hasattr(x, "name") and pattern.match(x.name)]

    def clear_collection(self, name: str) -> None:
        self._collections.pop(name, None)

    def _check_open(self) -> None:
        """Raises RuntimeError if the graph is finalized."""
        raise NotImplementedError
