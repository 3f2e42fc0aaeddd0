// The one loop nest behind every op that moves elements by an affine index map: transpose, slice,
// reverse, broadcast, tile, concat, split, pack, space_to_depth, diagonals, fills.
#pragma once

#include <array>
#include <cstdint>

#include "core/tensor.h"

namespace tfmini {

// to[sum i_k * to_k] = from[sum i_k * from_k] over all 0 <= i_k < size_k. Strides count elements and
// may be negative; a source stride of 0 repeats elements. Distinct indices must write distinct
// elements.
class StridedCopy {
 public:
  struct Dim {
    int64_t size, from, to;
  };
  static constexpr int kMaxDims = 2 * Shape::kMaxRank;

  // Adds the next inner dimension. Loops run fastest when the order is that of the destination.
  StridedCopy& dim(int64_t size, int64_t from_stride, int64_t to_stride);

  // `from` and `to` point at the element with all indices 0 and must not overlap.
  void operator()(DType dtype, const void* from, void* to) const;

 private:
  std::array<Dim, kMaxDims> dims_;
  int rank_ = 0;
  bool empty_ = false;
};

// Row-major strides of a shape, in elements.
std::array<int64_t, Shape::kMaxRank> row_major_strides(const Shape& shape);

// Address of element `offset`, for kernels that do not know the element type.
inline const void* element(const Tensor& t, int64_t offset) {
  return static_cast<const char*>(t.raw()) + offset * static_cast<int64_t>(dtype_size(t.dtype()));
}
inline void* element(Tensor& t, int64_t offset) {
  return static_cast<char*>(t.raw()) + offset * static_cast<int64_t>(dtype_size(t.dtype()));
}

// Contiguous elements, in parallel if there are many.
void copy_run(DType dtype, const void* from, void* to, int64_t count);
// `count` copies of the element at `value`.
void fill_run(DType dtype, const void* value, void* to, int64_t count);
// Zeros, empty strings, null pointers.
void zero_run(DType dtype, void* to, int64_t count);

}  // namespace tfmini
