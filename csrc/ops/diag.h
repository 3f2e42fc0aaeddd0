// Stacks of matrices and bands along their diagonals, for the CPU and CUDA kernels.
#pragma once

#include <algorithm>

#include "core/op.h"

namespace tfmini {

struct Matrices {
  explicit Matrices(const Shape& s) : rows(s.dim(-2)), cols(s.dim(-1)), count(s.product(0, s.rank() - 2)) {}
  int64_t rows, cols, count;
  int64_t diagonal() const { return std::min(rows, cols); }
};

// What MatrixBandPart keeps: `lower` diagonals below the main one, `upper` above.
struct Band {
  explicit Band(const KernelContext& c)
      : matrices(c.input(0).shape()), lower(c.input(1).int_at(0)), upper(c.input(2).int_at(0)) {
    const Matrices& m = matrices;
    check(lower <= m.rows, "num_lower must be negative or at most the number of rows ", m.rows, ", got ", lower);
    check(upper <= m.cols, "num_upper must be negative or at most the number of columns ", m.cols, ", got ", upper);
    if (lower < 0) lower = m.rows;
    if (upper < 0) upper = m.cols;
  }
  Matrices matrices;
  int64_t lower, upper;
};

}  // namespace tfmini
