// to[matrix][col][row] = from[matrix][row][col]
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace tfmini::cuda {

struct Transpose {
  int64_t batch = 1;
  int rows = 0, cols = 0;  // of what is read
  int64_t from_ld = 0, from_batch = 0, to_ld = 0, to_batch = 0;

  // Dense matrices.
  static Transpose dense(int64_t batch, int rows, int cols) {
    return {batch, rows, cols, cols, int64_t{rows} * cols, rows, int64_t{rows} * cols};
  }
};

// Elements of 2, 4 or 8 bytes.
void launch_transpose(const Transpose& t, int element_bytes, const void* from, void* to, cudaStream_t stream);

}  // namespace tfmini::cuda
