#include "passes/frame.h"

namespace tfmini {
namespace {

// The first `kept` dims of s are the frame's, and the frame's other dims make up a row.
bool leads(const Shape& s, int kept, const Frame& frame) {
  for (int i = 0; i < kept; ++i)
    if (s[i] != frame.shape[i]) return false;
  return frame.shape.product(kept, frame.shape.rank()) == frame.row;
}

}  // namespace

bool is_row_kept(const Shape& s, const Frame& frame) {
  if (frame.row == 0 || s.rank() != frame.shape.rank()) return false;
  int kept = s.rank();
  while (kept > 0 && s[kept - 1] == 1 && !leads(s, kept, frame)) --kept;
  return leads(s, kept, frame);
}

bool is_row_dropped(const Shape& s, const Frame& frame) {
  return frame.row != 0 && s.rank() < frame.shape.rank() && leads(s, s.rank(), frame);
}

uint32_t reduced_axes(const Tensor& axes, int rank) {
  uint32_t mask = 0;
  for (int64_t i = 0; i < axes.num_elements(); ++i) {
    const int64_t axis = axes.int_at(i);
    mask |= 1u << (axis < 0 ? axis + rank : axis);
  }
  return mask;
}

FusableReduction fusable_reduction(const Ir& ir, const IrNode& n) {
  if (fused_reduce_opcode(n.op->name, Extent::kAll, n.dtypes[0]) < 0) return {};
  const Tensor* axes = ir.value(n.inputs[1]);
  const Shape& in = ir.shape(n.inputs[0]);
  if (!axes) return {};
  const int64_t size = in.num_elements();
  if (size <= 1) return {};
  const uint32_t axis_mask = reduced_axes(*axes, in.rank());
  // Dims of size 1 are of either kind. At most one change from one kind to the other is allowed.
  int64_t lead = 1, last = 1;  // elements of the leading dims of one kind, and of the others
  int first_kind = -1, kind = -1, changes = 0;
  for (int i = 0; i < in.rank(); ++i) {
    if (in[i] == 1) continue;
    const int reduced = axis_mask >> i & 1;
    if (first_kind < 0) first_kind = kind = reduced;
    if (reduced != kind) {
      kind = reduced;
      ++changes;
    }
    (changes == 0 ? lead : last) *= in[i];
  }
  if (changes == 0) return first_kind == 1 ? FusableReduction{{in, 0}, Extent::kAll} : FusableReduction{};
  if (changes > 1) return {};
  if (first_kind == 1) return {{in, last}, Extent::kColumn};
  return last <= kMaxFusedRow ? FusableReduction{{in, last}, Extent::kRow} : FusableReduction{};
}

}  // namespace tfmini
