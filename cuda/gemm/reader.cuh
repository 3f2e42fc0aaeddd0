// How the threads of a block divide the elements of an operand's tile among themselves.
#pragma once

#include "gemm/operands.cuh"

namespace tfmini::cuda {

// An operand as a kernel's tile walks over it. By k: a row of the matrix in memory lies along k (A as it is, B
// transposed); else along the rows or columns of the product, which this file calls `outer`.
template <class M, bool kAlongK>
struct Operand {
  using Matrix = M;
  using Element = typename M::Element;
  static constexpr bool kByK = kAlongK;
};

// A tile of kOuter x kDepth elements in units of 16 bytes, `kCount` of which each of kThreads threads moves.
template <class Op, int kOuter, int kDepth, int kThreads>
class TileReader {
 public:
  using Matrix = typename Op::Matrix;
  using T = typename Op::Element;
  static constexpr int kUnit = 16 / static_cast<int>(sizeof(T));
  // The tile as it lies in memory.
  static constexpr int kRows = Op::kByK ? kOuter : kDepth, kCols = Op::kByK ? kDepth : kOuter;
  static constexpr int kUnitsPerRow = kCols / kUnit;
  static constexpr int kRowStep = kThreads / kUnitsPerRow;
  static constexpr int kCount = kRows / kRowStep;
  static_assert(kThreads % kUnitsPerRow == 0 && kRows % kRowStep == 0 && kCount > 0);

  TFMINI_ALWAYS_INLINE TileReader(const Matrix& matrix, int outer, int thread)
      : matrix_(matrix), outer_(outer), row_(thread / kUnitsPerRow), unit_(thread % kUnitsPerRow) {
    if constexpr (Op::kByK) {
#pragma unroll
      for (int i = 0; i < kCount; ++i) rows_[i] = matrix.row(outer + row(i));
    } else {
      col_ = matrix.col(outer + unit_ * kUnit);
    }
  }

  // Place in the tile of this thread's unit i: row, and unit of the row.
  TFMINI_ALWAYS_INLINE int row(int i) const { return row_ + i * kRowStep; }
  TFMINI_ALWAYS_INLINE int unit() const { return unit_; }

  // Unit i of the tile that begins at step k, of a matrix that is aligned(kUnit).
  TFMINI_ALWAYS_INLINE const T* at(int i, int k) const {
    if constexpr (Op::kByK)
      return matrix_.at(rows_[i], matrix_.col(k + unit_ * kUnit));
    else
      return matrix_.at(matrix_.row(k + row(i)), col_);
  }
  // Its element j, of any matrix. Nothing is kept in registers for this, so that loops need not be unrolled.
  TFMINI_ALWAYS_INLINE const T* element(int i, int j, int k) const {
    const int along = unit_ * kUnit + j;
    if constexpr (Op::kByK)
      return matrix_.at(matrix_.row(outer_ + row(i)), matrix_.col(k + along));
    else
      return matrix_.at(matrix_.row(k + row(i)), matrix_.col(outer_ + along));
  }

 private:
  const Matrix& matrix_;
  int outer_, row_, unit_;
  typename Matrix::Row rows_[Op::kByK ? kCount : 1];
  typename Matrix::Col col_;
};

}  // namespace tfmini::cuda
