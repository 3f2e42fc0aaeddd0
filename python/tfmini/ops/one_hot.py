"""one_hot: indices as rows with a single marked element."""

from __future__ import annotations

from typing import Any

from tfmini import dtypes, raw
from tfmini.autodiff import not_differentiable
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor, name_scope

__all__ = ["one_hot"]

not_differentiable("OneHot")


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """A new dimension `axis` (default: the last) of size `depth`: `on_value` at the index, `off_value` elsewhere.

    An index outside [0, depth) gives a row of `off_value` only. The values default to 1 and 0, of
    `dtype` (default: that of the given value, else float32). Raises TypeError if dtypes disagree.
    """
    with name_scope(name, "one_hot", [indices, depth, on_value, off_value, axis, dtype]) as scope:
        wanted = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
        found = {}
        for what, value in (("on_value", on_value), ("off_value", off_value)):
            if value is not None:
                found[what] = convert_to_tensor(value, preferred_dtype=wanted)
        kinds = {what: t.dtype.base_dtype for what, t in found.items()}
        if wanted is not None:
            kinds["dtype"] = wanted
        if len(set(kinds.values())) > 1:
            raise TypeError("one_hot: dtypes do not match: " + ", ".join(f"{k} {d.name}" for k, d in kinds.items()))
        kind = next(iter(kinds.values()), dtypes.float32)
        on = found.get("on_value")
        if on is None:
            on = convert_to_tensor(1, kind, name="on_value")
        off = found.get("off_value")
        if off is None:
            off = convert_to_tensor(0, kind, name="off_value")
        return raw.OneHot(indices, depth, on, off, axis=-1 if axis is None else axis, name=scope)
