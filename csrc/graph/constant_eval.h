// What can be known about tensor values while a graph is built.
#pragma once

#include "graph/graph.h"

namespace tfmini {

// The value of t if it follows from constants and known shapes alone and is small (at most
// kMaxFoldedElements elements); an undefined tensor otherwise.
Tensor evaluate(Graph& graph, Out t);

// An integer vector as a shape: element by element as far as it is known, -1 elsewhere. Sees
// through Shape, Pack, ConcatV2, StridedSlice of one element or a range, and Cast.
Shape partial_shape(Graph& graph, Out t);
// One element of a shape, as a shape of rank 1.
Shape partial_shape_of_scalar(Graph& graph, Out t);

// Ops whose result is a function of their input's shape only (each result of ShapeN, of its own input's): Shape,
// ShapeN, Size, Rank. Returns an undefined tensor if the shape is not known well enough.
Tensor shape_op_value(const OpDef& op, DType out_type, const Shape& input);

inline constexpr int64_t kMaxFoldedElements = 1024;

}  // namespace tfmini
