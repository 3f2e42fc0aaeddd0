// The shapes of updates of parts of a variable, for its kernels on all devices.
#pragma once

#include "runtime/variables.h"

namespace tfmini {

// updates.shape = indices.shape + ref.shape[1:], or a scalar.
inline Shape row_updates_shape(const Shape& ref, const Shape& indices) {
  Shape s = indices;
  for (int d = 1; d < ref.rank(); ++d) s.add_dim(ref[d]);
  return s;
}

// indices.shape = [..., depth]; updates.shape = indices.shape[:-1] + ref.shape[depth:].
inline Shape slice_updates_shape(const Shape& ref, const Shape& indices) {
  const int64_t depth = indices.dim(-1);
  check(depth <= ref.rank(), "indices of shape ", indices, " have ", depth,
        " columns, more than the dimensions of a variable of shape ", ref);
  Shape s(indices.data(), indices.rank() - 1);
  for (int d = static_cast<int>(depth); d < ref.rank(); ++d) s.add_dim(ref[d]);
  return s;
}

// What depends on the variable's shape, before the first write. Returns whether one element stands for all updates.
inline bool check_row_updates(const Shape& ref, const Shape& indices, const Shape& updates) {
  check(ref.rank() >= 1, "the variable is a scalar");
  const Shape expected = row_updates_shape(ref, indices);
  check(updates.rank() == 0 || updates == expected, "updates have shape ", updates, ", expected ", expected,
        " or a scalar");
  return updates.rank() == 0 && expected.rank() != 0;
}
inline void check_slice_updates(const Shape& ref, const Shape& indices, const Shape& updates) {
  const Shape expected = slice_updates_shape(ref, indices);
  check(updates == expected, "updates have shape ", updates, ", expected ", expected);
}

}  // namespace tfmini
