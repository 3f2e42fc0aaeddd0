"""Cells made of cells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from tfmini import dtypes, nest, raw
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor, device, name_scope
from tfmini.rnn_cells.base import RNNCell, check_cell, state_shape, static_size
from tfmini.rnn_cells.lstm import LSTMStateTuple
from tfmini.variable_scope import variable_scope

__all__ = ["DeviceWrapper", "DropoutWrapper", "MultiRNNCell", "ResidualWrapper"]


class MultiRNNCell(RNNCell):
    """Cells on top of each other: the output of one is the input of the next.

    Args:
      cells: the cells, bottom first.
      state_is_tuple: the state is a tuple with one entry per cell; otherwise all of it side by side in one tensor.
    """

    def __init__(self, cells: Sequence[Any], state_is_tuple: bool = True):
        super().__init__()
        if not isinstance(cells, (list, tuple)):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells!r}.")
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        for i, cell in enumerate(cells):
            check_cell(f"cells[{i}]", cell)
        if not state_is_tuple and any(nest.is_nested(c.state_size) for c in cells):
            sizes = [c.state_size for c in cells]
            raise ValueError(
                f"Some cells return tuples of states, but the flag state_is_tuple is not set. State sizes are: {sizes}"
            )
        self._cells = list(cells)
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with name_scope(type(self).__name__ + "ZeroState"):
            if self._state_is_tuple:
                return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
            return super().zero_state(batch_size, dtype)

    def _inner_cells(self) -> list[Any]:
        return list(dict.fromkeys(self._cells))

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        if self._state_is_tuple:
            if not nest.is_nested(state) or len(state) != len(self._cells):
                raise ValueError(f"Expected state to be a tuple of length {len(self._cells)}, but received: {state!r}")
            states = list(state)
        else:
            sizes = [static_size(cell.state_size) for cell in self._cells]
            states = list(raw.SplitV(state, sizes, 1, num_split=len(sizes)))
        for i, cell in enumerate(self._cells):
            with variable_scope(f"cell_{i}"):
                inputs, states[i] = cell(inputs, states[i])
        return inputs, tuple(states) if self._state_is_tuple else raw.ConcatV2(states, 1)


class _Wrapper(RNNCell):
    """A cell around another one, which keeps its own variable scope."""

    def __init__(self, cell: Any):
        super().__init__()
        check_cell("cell", cell)
        self._cell = cell

    @property
    def wrapped_cell(self) -> Any:
        return self._cell

    @property
    def state_size(self) -> Any:
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        return self._cell.output_size

    @property
    def variables(self) -> list[Any]:
        return getattr(self._cell, "variables", [])

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with name_scope(type(self).__name__ + "ZeroState"):
            return self._cell.zero_state(batch_size, dtype)


class DropoutWrapper(_Wrapper):
    """Dropout on the inputs, outputs and states of a cell.

    Args:
      cell: the cell.
      input_keep_prob, output_keep_prob, state_keep_prob: numbers or scalar tensors; 1.0 does nothing. Of an
        LSTMStateTuple only h is dropped, since c is a memory.
      variational_recurrent: the same mask in every step (Gal & Ghahramani, http://arxiv.org/abs/1512.05287).
      input_size: size of the inputs, needed for a variational mask of them.
      dtype: of the masks, needed if variational_recurrent.
      seed: of the random numbers; every mask gets a seed of its own from it.
      dropout_state_filter_visitor: from a part of the state to True, False or a structure of them: what to drop.
    """

    def __init__(
        self,
        cell: Any,
        input_keep_prob: Any = 1.0,
        output_keep_prob: Any = 1.0,
        state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: Any = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
    ):
        super().__init__(cell)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        self._filter = dropout_state_filter_visitor or _droppable
        self._keep = {
            "input": _checked_probability("input", input_keep_prob),
            "state": _checked_probability("state", state_keep_prob),
            "output": _checked_probability("output", output_keep_prob),
        }
        self._seed = seed
        self._noise: dict[str, list[Tensor]] | None = None
        if variational_recurrent:
            if dtype is None:
                raise ValueError("When variational_recurrent=True, dtype must be provided")
            self._noise = self._make_noise(input_size, dtypes.as_dtype(dtype))

    def _make_noise(self, input_size: Any, dtype: Any) -> dict[str, list[Tensor]]:
        sizes: dict[str, Any] = {"state": self._cell.state_size, "output": self._cell.output_size}
        if _drops(self._keep["input"]):
            if input_size is None:
                raise ValueError(
                    "When variational_recurrent=True and input_keep_prob < 1.0, input_size must be provided"
                )
            sizes["input"] = input_size
        noise = {}
        for what, size in sizes.items():
            if _drops(self._keep[what]):
                parts = nest.flatten(size)
                noise[what] = [_uniform(state_shape(1, s), dtype, self._seed_for(what, i)) for i, s in enumerate(parts)]
        return noise

    def _seed_for(self, what: str, index: int) -> int | None:
        if self._seed is None:
            return None
        digest = hashlib.md5(f"{self._seed}{what}_{index}".encode()).hexdigest()
        return int(digest[:8], 16) & 0x7FFFFFFF

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        inputs = self._dropped("input", inputs, lambda _: True)
        outputs, state = self._cell(inputs, state, scope=scope) if scope is not None else self._cell(inputs, state)
        state = self._dropped("state", state, self._filter)
        return self._dropped("output", outputs, lambda _: True), state

    def _dropped(self, what: str, values: Any, wanted: Callable[[Any], Any]) -> Any:
        keep_prob = self._keep[what]
        if not _drops(keep_prob):
            return values
        leaves = nest.flatten(values)
        for i, (value, drop) in enumerate(zip(leaves, _flags(values, wanted))):
            if not drop:
                continue
            if self._noise is None:
                noise = _uniform(raw.Shape(value), value.dtype, self._seed_for(what, i))
            else:
                noise = self._noise[what][i]
            leaves[i] = _dropout(value, keep_prob, noise)
        return nest.pack_sequence_as(values, leaves)


def _droppable(part: Any) -> Any:
    return LSTMStateTuple(c=False, h=True) if isinstance(part, LSTMStateTuple) else True


def _flags(values: Any, wanted: Callable[[Any], Any]) -> list[bool]:
    """For each leaf, whether `wanted` selects it: asked from the outside in, its answers spread over the parts."""
    answer = wanted(values)
    if not nest.is_nested(values):
        return [bool(answer)]
    if answer is False:
        return [False] * len(nest.flatten(values))
    if nest.is_nested(answer):
        return [
            f and bool(a)
            for part, a in zip(values, answer)
            for f in (_flags(part, wanted) if a else [False] * len(nest.flatten(part)))
        ]
    parts = [values[k] for k in sorted(values)] if isinstance(values, dict) else values
    return [f for part in parts for f in _flags(part, wanted)]


def _checked_probability(what: str, keep_prob: Any) -> Any:
    if isinstance(keep_prob, Tensor):
        return keep_prob
    value = float(keep_prob)
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"Parameter {what}_keep_prob must be between 0 and 1: {value}")
    return value


def _drops(keep_prob: Any) -> bool:
    return not isinstance(keep_prob, float) or keep_prob < 1.0


def _uniform(shape: Any, dtype: Any, seed: int | None) -> Tensor:
    from tfmini.random_seed import get_seed

    graph_seed, op_seed = get_seed(seed)
    return raw.RandomUniform(shape, dtype=dtype, seed=graph_seed or 0, seed2=op_seed or 0)


def _dropout(value: Tensor, keep_prob: Any, noise: Tensor) -> Tensor:
    """Keeps elements where keep_prob + noise >= 1, scaled by 1 / keep_prob."""
    keep = convert_to_tensor(keep_prob, value.dtype.base_dtype)
    kept = raw.Mul(raw.RealDiv(value, keep), raw.Floor(raw.Add(keep, noise)))
    kept.set_shape(value.shape)
    return kept


class ResidualWrapper(_Wrapper):
    """Adds the inputs to the outputs.

    Args:
      cell: the cell; its outputs have the structure, and each part the shape, of its inputs.
      residual_fn: (inputs, outputs) -> outputs, instead of the sum.
    """

    def __init__(self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None):
        super().__init__(cell)
        self._residual_fn = residual_fn

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        outputs, state = self._cell(inputs, state, scope=scope) if scope is not None else self._cell(inputs, state)
        return (self._residual_fn or _residual_sum)(inputs, outputs), state


def _residual_sum(inputs: Any, outputs: Any) -> Any:
    nest.assert_same_structure(inputs, outputs, check_types=False)

    def add(i: Tensor, o: Tensor) -> Tensor:
        i.shape.assert_is_compatible_with(o.shape)
        return raw.Add(i, o)

    return nest.map_structure(add, inputs, outputs)


class DeviceWrapper(_Wrapper):
    """Runs a cell on a device."""

    def __init__(self, cell: Any, device: Any):
        super().__init__(cell)
        self._device = device

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with device(self._device):
            return super().zero_state(batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        with device(self._device):
            return self._cell(inputs, state, scope=scope) if scope is not None else self._cell(inputs, state)
