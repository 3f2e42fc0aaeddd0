"""Running recurrent cells over sequences, unrolled (static_*) or in a loop (dynamic_*)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmini import dtypes, nest, raw
from tfmini.convert import convert_to_tensor
from tfmini.graph import Tensor, name_scope
from tfmini.ops.control_flow import while_loop
from tfmini.rnn_cells.base import check_cell, state_shape, static_size, zeros_of
from tfmini.tensor_array import TensorArray
from tfmini.variable_scope import variable_scope

__all__ = [
    "bidirectional_dynamic_rnn",
    "dynamic_rnn",
    "static_bidirectional_rnn",
    "static_rnn",
]


# --- unrolled -------------------------------------------------------------------------------------


def static_rnn(
    cell: Any,
    inputs: Sequence[Any],
    initial_state: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """Runs `cell` over a list of inputs, one copy of its ops per step. `tf.nn.rnn` in early TensorFlow.

    cell: an RNNCell.
    inputs: a list of tensors [batch, depth], or of structures of such tensors, one per step.
    initial_state: default cell.zero_state; then `dtype` is needed.
    sequence_length: int vector [batch]. Beyond its length an example has zero outputs and keeps its state.
    scope: variable scope; default "rnn".

    Returns (outputs, state): the outputs of all steps and the last state.
    """
    check_cell("cell", cell)
    if not nest.is_nested(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    inputs = [nest.map_structure(convert_to_tensor, x) for x in inputs]
    with variable_scope("rnn" if scope is None else scope) as varscope:
        batch = _batch_size(nest.flatten(inputs[0]), 0)
        state = _initial_state(cell, initial_state, batch, dtype)
        lengths = _checked_lengths(sequence_length, batch)
        outputs = []
        for time, x in enumerate(inputs):
            if time > 0:
                varscope.reuse_variables()
            output, new_state = cell(x, state)
            if lengths is not None:
                done = raw.LessEqual(lengths, time)
                zero = nest.map_structure(raw.ZerosLike, output)
                output, new_state = _keep(done, zero, output), _keep(done, state, new_state)
            outputs.append(output)
            state = new_state
        return outputs, state


def static_bidirectional_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Sequence[Any],
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any, Any]:
    """static_rnn from the front with one cell and from the back with another.

    Arguments as for static_rnn; scope is "bidirectional_rnn" by default, with scopes "fw" and "bw" in it.
    Returns (outputs, forward state, backward state); an output is that of both cells side by side.
    """
    check_cell("cell_fw", cell_fw)
    check_cell("cell_bw", cell_bw)
    if not nest.is_nested(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    with variable_scope("bidirectional_rnn" if scope is None else scope):
        with variable_scope("fw") as fw:
            forward, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, fw)
        with variable_scope("bw") as bw:
            turned = _reversed_list(list(inputs), sequence_length)
            backward, state_bw = static_rnn(cell_bw, turned, initial_state_bw, dtype, sequence_length, bw)
    backward = _reversed_list(backward, sequence_length)
    outputs = [
        nest.map_structure(lambda f, b: raw.ConcatV2([f, b], 1, name="concat"), f_out, b_out)
        for f_out, b_out in zip(forward, backward)
    ]
    return outputs, state_fw, state_bw


def _reversed_list(steps: list[Any], lengths: Any) -> list[Any]:
    """The steps backwards, each example within its length."""
    if lengths is None:
        return steps[::-1]
    columns = []
    for parts in zip(*(nest.flatten(step) for step in steps)):
        turned = raw.ReverseSequence(raw.Pack(list(parts), axis=0), lengths, seq_dim=0, batch_dim=1)
        columns.append(raw.Unpack(turned, num=len(steps), axis=0))
    return [nest.pack_sequence_as(step, leaves) for step, leaves in zip(steps, zip(*columns))]


# --- in a loop ------------------------------------------------------------------------------------


def dynamic_rnn(
    cell: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """Runs `cell` over sequences in a loop, whose number of steps is known only at run time.

    cell: an RNNCell.
    inputs: [batch, time, ...], or [time, batch, ...] if time_major; or a structure of such tensors.
    sequence_length: int vector [batch]. Beyond its length an example has zero outputs and keeps its state.
    initial_state: default cell.zero_state; then `dtype` is needed.
    parallel_iterations, swap_memory: accepted; steps run in order and nothing is swapped.
    time_major: saves two transpositions.
    scope: variable scope; default "rnn".

    Returns (outputs, state): the outputs of all steps, laid out like the inputs, and the last state.
    """
    del swap_memory
    check_cell("cell", cell)
    with variable_scope("rnn" if scope is None else scope):
        flat = [convert_to_tensor(x) for x in nest.flatten(inputs)]
        for x in flat:
            if x.shape.ndims is not None and x.shape.ndims < 2:
                raise ValueError(f"the inputs of dynamic_rnn must have a batch and a time dimension, got {x}")
        if not time_major:
            flat = [_swap_batch_and_time(x) for x in flat]
        batch = _batch_size(flat, 1)
        state = _initial_state(cell, initial_state, batch, dtype)
        lengths = _checked_lengths(sequence_length, batch)
        outputs, state = _loop(cell, inputs, flat, state, batch, lengths, parallel_iterations)
        if not time_major:
            outputs = nest.map_structure(_swap_batch_and_time, outputs)
        return outputs, state


def _loop(
    cell: Any, structure: Any, inputs: list[Tensor], state: Any, batch: Any, lengths: Any, parallel: int | None
) -> tuple[Any, Any]:
    """Steps over time-major inputs; `structure` says how the cell wants them."""
    steps = _dimension(inputs[0], 0)
    known_steps = static_size(inputs[0].shape[0]) if inputs[0].shape.ndims else None
    sizes = nest.flatten(cell.output_size)
    with name_scope("dynamic_rnn"):
        sources = [TensorArray(x.dtype, steps, element_shape=x.shape[1:]).unstack(x) for x in inputs]
        dtype = nest.flatten(state)[0].dtype if nest.flatten(state) else inputs[0].dtype
        zeros = zeros_of(cell.output_size, batch, dtype)
        sinks = [TensorArray(dtype, steps, element_shape=z.shape) for z in nest.flatten(zeros)]
        # Nothing happens to an example beyond its length: the longest one bounds the loop.
        bound = steps
        if lengths is not None:
            bound = raw.Minimum(convert_to_tensor(steps, np.int32), raw.Maximum(raw.Max(lengths, 0), 1))

    def step(time: Tensor, outs: tuple[Any, ...], old: Any) -> tuple[Any, ...]:
        x = nest.pack_sequence_as(structure, [source.read(time) for source in sources])
        output, new = cell(x, old)
        nest.assert_same_structure(cell.output_size, output)
        if lengths is not None:
            done = raw.LessEqual(lengths, time)
            output, new = _keep(done, zeros, output), _keep(done, old, new)
        for o, n in zip(nest.flatten(old), nest.flatten(new)):
            n.set_shape(o.shape)  # what is known of the state before the loop holds in it
        new = nest.pack_sequence_as(old, nest.flatten(new))
        return (
            raw.Add(time, 1),
            tuple(sink.write(time, leaf) for sink, leaf in zip(outs, nest.flatten(output))),
            new,
        )

    _, sinks, state = while_loop(
        lambda time, *_: raw.Less(time, bound),
        step,
        (convert_to_tensor(0, np.int32), tuple(sinks), state),
        parallel_iterations=parallel or 32,
    )
    stacked = []
    for sink, size in zip(sinks, sizes):
        # The shape of a step, for the case that there was none.
        shape = convert_to_tensor(state_shape(batch, size), np.int32)
        out = raw.TensorListStack(sink.flow, shape, element_dtype=sink.dtype)
        out.set_shape([known_steps, *state_shape(None if isinstance(batch, Tensor) else batch, size)])
        stacked.append(out)
    return nest.pack_sequence_as(cell.output_size, stacked), state


def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """dynamic_rnn from the front with one cell and from the back with another.

    Arguments as for dynamic_rnn; scope is "bidirectional_rnn" by default, with scopes "fw" and "bw" in it.
    Returns ((forward outputs, backward outputs), (forward state, backward state)), outputs in the order of time.
    """
    check_cell("cell_fw", cell_fw)
    check_cell("cell_bw", cell_bw)
    time_axis, batch_axis = (0, 1) if time_major else (1, 0)

    def turned(x: Any) -> Tensor:
        x = convert_to_tensor(x)
        if sequence_length is None:
            return raw.ReverseV2(x, [time_axis])
        return raw.ReverseSequence(x, sequence_length, seq_dim=time_axis, batch_dim=batch_axis)

    def run(cell: Any, x: Any, state: Any, where: Any) -> tuple[Any, Any]:
        return dynamic_rnn(
            cell, x, sequence_length, state, dtype, parallel_iterations, swap_memory, time_major, scope=where
        )

    with variable_scope("bidirectional_rnn" if scope is None else scope):
        with variable_scope("fw") as fw:
            forward, state_fw = run(cell_fw, inputs, initial_state_fw, fw)
        with variable_scope("bw") as bw:
            backward, state_bw = run(cell_bw, nest.map_structure(turned, inputs), initial_state_bw, bw)
    return (forward, nest.map_structure(turned, backward)), (state_fw, state_bw)


# --- shared ---------------------------------------------------------------------------------------


def _dimension(x: Tensor, axis: int) -> Any:
    """A size: a number if it is known, else a scalar tensor."""
    known = static_size(x.shape[axis]) if x.shape.ndims is not None else None
    return known if known is not None else raw.StridedSlice(raw.Shape(x), [axis], [axis + 1], [1], shrink_axis_mask=1)


def _batch_size(tensors: list[Tensor], axis: int) -> Any:
    """The batch size the tensors agree on; as a number if any of them knows it."""
    known = {static_size(x.shape[axis]) for x in tensors if x.shape.ndims is not None} - {None}
    if len(known) > 1:
        raise ValueError(f"the inputs have different batch sizes: {sorted(known)}")  # type: ignore[type-var]
    return known.pop() if known else _dimension(tensors[0], axis)


def _initial_state(cell: Any, given: Any, batch: Any, dtype: Any) -> Any:
    if given is not None:
        return nest.map_structure(convert_to_tensor, given)
    if dtype is None:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    return cell.zero_state(batch, dtypes.as_dtype(dtype))


def _checked_lengths(lengths: Any, batch: Any) -> Tensor | None:
    if lengths is None:
        return None
    lengths = convert_to_tensor(lengths)
    size = static_size(lengths.shape[0]) if lengths.shape.ndims == 1 else None
    if lengths.shape.ndims not in (None, 1) or (size is not None and not isinstance(batch, Tensor) and size != batch):
        raise ValueError(f"sequence_length must be a vector of length batch_size, but saw shape: {lengths.shape}")
    return raw.Cast(lengths, DstT=dtypes.int32) if lengths.dtype != dtypes.int32 else lengths


def _keep(done: Tensor, old: Any, new: Any) -> Any:
    """Rows of `old` where `done`, else of `new`, for all parts of a structure; scalars are always new."""

    def one(o: Tensor, n: Tensor) -> Tensor:
        return n if n.shape.ndims == 0 else raw.Select(done, o, n)

    return nest.pack_sequence_as(new, list(map(one, nest.flatten(old), nest.flatten(new))))


def _swap_batch_and_time(x: Tensor) -> Tensor:
    if x.shape.ndims is None:
        rest = raw.Range(2, raw.Rank(x), 1)
        return raw.Transpose(x, raw.ConcatV2([[1, 0], rest], 0), name="transpose")
    return raw.Transpose(x, [1, 0, *range(2, x.shape.ndims)], name="transpose")
