"""tf.nn.raw_rnn: the loop of a recurrent cell in which a function of the program decides what is fed and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfmini import nest, raw
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor
from tfmini.ops.control_flow import while_loop
from tfmini.ops.fill import zeros
from tfmini.rnn_cells.base import check_cell, state_shape, static_size, zeros_of
from tfmini.tensor_array import TensorArray
from tfmini.variable_scope import variable_scope

__all__ = ["raw_rnn"]


def raw_rnn(
    cell: Any,
    loop_fn: Callable[..., Any],
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """Runs `cell` in a loop until every example is finished.

    cell: an RNNCell.
    loop_fn: (time, cell_output, cell_state, loop_state) -> (finished, next_input, next_state, emit, loop_state).
      The first call has time 0 and None for the rest; its next_state is the initial state, and its `emit`
      shows the structure of what is emitted, without the batch (None: the cell's output). `finished` is a
      bool vector [batch]; of a finished example the state stays and zeros are emitted. loop_state is
      anything, TensorArrays too, or None.
    parallel_iterations, swap_memory: accepted; steps run in order and nothing is swapped.
    scope: variable scope; default "rnn".

    Returns (emitted, state, loop_state): a TensorArray per emitted tensor, the last state, the last loop_state.
    """
    del swap_memory
    check_cell("cell", cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with variable_scope("rnn" if scope is None else scope):
        finished, first, state, emit, loop_state = loop_fn(convert_to_tensor(0, np.int32), None, None, None)
        finished = convert_to_tensor(finished, np.bool_)
        first, state = nest.map_structure(convert_to_tensor, first), nest.map_structure(convert_to_tensor, state)
        batch = _batch_size(nest.flatten(first))
        zero = _zeros_to_emit(cell, emit, batch, state)
        sinks = [
            TensorArray(z.dtype, 0, dynamic_size=True, element_shape=z.shape, tensor_array_name="rnn_output")
            for z in nest.flatten(zero)
        ]
        has_loop_state = loop_state is not None

        def step(time: Tensor, done: Tensor, x: Any, sinks: Any, old: Any, *loop_state: Any) -> tuple[Any, ...]:
            output, new = cell(x, old)
            following = raw.AddV2(time, 1)
            finished, x, new, emit, next_loop_state = loop_fn(following, output, new, *(loop_state or [None]))
            nest.assert_same_structure(old, new)
            nest.assert_same_structure(zero, emit)
            new, emit = _unless(done, old, new), _unless(done, zero, emit)
            if loop_state and next_loop_state is not None:
                loop_state = (next_loop_state,)
            written = [sink.write(time, leaf) for sink, leaf in zip(sinks, nest.flatten(emit))]
            return (following, raw.LogicalOr(done, finished), x, written, new, *loop_state)

        loop_vars = (convert_to_tensor(0, np.int32), finished, first, sinks, state)
        last = while_loop(
            lambda time, done, *_: raw.LogicalNot(raw.All(done, [0])),
            step,
            (*loop_vars, loop_state) if has_loop_state else loop_vars,
            parallel_iterations=parallel_iterations or 32,
        )
        return nest.pack_sequence_as(zero, last[3]), last[4], last[5] if has_loop_state else None


def _batch_size(inputs: list[Tensor]) -> Any:
    known = {static_size(x.shape[0]) for x in inputs if x.shape.ndims} - {None}
    return known.pop() if known else raw.StridedSlice(raw.Shape(inputs[0]), [0], [1], [1], shrink_axis_mask=1)


def _zeros_to_emit(cell: Any, emit: Any, batch: Any, state: Any) -> Any:
    """What a finished example emits, in the structure of everything emitted."""
    if emit is None:
        return zeros_of(cell.output_size, batch, nest.flatten(state)[0].dtype)

    def one(like: Tensor) -> Tensor:
        out = zeros(state_shape(batch, like.shape), like.dtype)
        if isinstance(batch, Tensor):
            out.set_shape(state_shape(None, like.shape))
        return out

    return nest.map_structure(lambda x: one(convert_to_tensor(x)), emit)


def _unless(done: Tensor, old: Any, new: Any) -> Any:
    """`new`, but rows of `old` where `done`; scalars and TensorArrays are always new."""

    def one(o: Any, n: Any) -> Any:
        if isinstance(n, TensorArray):
            return n
        n = convert_to_tensor(n)
        return n if n.shape.ndims == 0 else raw.Select(done, o, n)

    return nest.pack_sequence_as(new, list(map(one, nest.flatten(old), nest.flatten(new))))
