// General matrix multiply, C = A B, for float and double on the CPU; 16-bit floats are widened to
// float on the way in. Every element of C is a sum in an order that depends only on m, n and k (and
// the instruction set), so results do not change with the number of threads.
#pragma once

#include <cstdint>

#include "core/device.h"
#include "core/dtype.h"

namespace tfmini {

// A matrix in memory, with any strides: transposing it is swapping them.
template <class T>
struct MatrixRef {
  const T* data;
  int64_t row_stride;
  int64_t col_stride;

  MatrixRef transposed() const { return {data, col_stride, row_stride}; }
  const T* at(int64_t row, int64_t col) const { return data + row * row_stride + col * col_stride; }
};

// A dense row-major matrix with `cols` columns, or its transpose, which then has `cols` rows.
template <class T>
MatrixRef<T> row_major(const T* data, int64_t cols, bool transpose = false) {
  return transpose ? MatrixRef<T>{data, 1, cols} : MatrixRef<T>{data, cols, 1};
}

// What happens to the products before they are stored, in this order.
template <class T>
struct GemmEpilogue {
  bool accumulate = false;  // C += A B
  const T* bias = nullptr;  // C += bias, one value per column
  const T* add = nullptr;   // C += add, a matrix that lies like C
  bool relu = false;        // C = max(C, 0)
};

template <class T>
struct PackedPanels;

// A right-hand matrix packed once for many products, as constant weights are.
template <class T>
class PackedMatrix {
 public:
  template <class S>
  PackedMatrix(int64_t rows, int64_t cols, const MatrixRef<S>& b);

  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  int width() const { return width_; }  // columns of a panel: those of the instruction set it was packed for
  PackedPanels<T> panels() const;       // gemm/operands.h

 private:
  int64_t rows_;
  int64_t cols_;
  int width_;
  int64_t depth_;  // steps of a panel
  BufferRef buffer_;
};

// C[m, n] = A[m, k] B[k, n]; rows of C start ldc elements apart. Runs on all threads when it is
// large enough, inline within a parallel_for chunk. C must not overlap A or B.
// Instantiated for S = float, double, Half, BFloat16.
template <class S, class T = ComputeType<S>>
void gemm(int64_t m, int64_t n, int64_t k, const MatrixRef<S>& a, const MatrixRef<S>& b, T* c, int64_t ldc,
          const GemmEpilogue<T>& epilogue = {});
template <class S, class T = ComputeType<S>>
void gemm(int64_t m, const MatrixRef<S>& a, const PackedMatrix<T>& b, T* c, int64_t ldc,
          const GemmEpilogue<T>& epilogue = {});

}  // namespace tfmini
