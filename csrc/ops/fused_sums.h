// Reductions inside fused programs: of the rows of a tile, at once; of columns and of everything, first per chunk of
// tiles, then joined, so that results do not depend on threads.
#pragma once

#include <cstdint>
#include <vector>

#include "core/op.h"
#include "ops/fused_steps.h"

namespace tfmini {

class FusedSums {
 public:
  // For a frame of size / row rows, walked in so many chunks.
  FusedSums(const FusedSteps& program, KernelContext& c, int64_t size, int64_t row, int64_t chunks);

  // Starts the sums of a chunk.
  void clear(int64_t chunk);
  // Reduction `step` of all rows of x[rows, width], into out.
  void reduce_rows(size_t step, const void* x, void* out, int64_t rows, int64_t width) const;
  // Adds x[rows, width], which lies at `column` of the frame, to the chunk's sums of columns or of everything.
  // `scratch` has room for one row.
  void add(size_t step, int64_t chunk, int64_t column, const void* x, int64_t rows, int64_t width, void* scratch);
  // The sums of all chunks together.
  void finish(size_t step, void* out) const;

 private:
  const FusedRegister& result(size_t step) const { return program_.registers[program_.num_inputs + step]; }
  template <class T>
  T* sums(size_t step, int64_t chunk);

  const FusedSteps& program_;
  int64_t size_, row_;
  std::vector<Tensor> partial_;  // [chunks, sums] per result of columns or all
};

}  // namespace tfmini
