// What a fused kernel works on: a shape seen as a matrix whose rows are its last axes.
#pragma once

#include "core/shape.h"
#include "ops/fused.h"
#include "passes/ir.h"

namespace tfmini {

struct Frame {
  Shape shape;
  int64_t row = 0;  // elements of a row; 0 while no reduction has decided
};

// Has `s` one element for each row of the frame, with axes of size 1 in place of the last ones (so that it broadcasts
// to the frame) or without them?
bool is_row_kept(const Shape& s, const Frame& frame);
bool is_row_dropped(const Shape& s, const Frame& frame);

// The axes of a reduction as bits.
uint32_t reduced_axes(const Tensor& axes, int rank);

// Reductions that a fused kernel can do: of all rows, of all columns, of everything. Extent::kFull stands for "not
// one".
struct FusableReduction {
  Frame frame;
  Extent result = Extent::kFull;
};
FusableReduction fusable_reduction(const Ir& ir, const IrNode& n);

}  // namespace tfmini
