// The one loop nest behind every op that moves elements by an affine index map: transpose, slice,
// reverse, broadcast, tile, concat, split, pack, space_to_depth, diagonals, fills.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/registry.h"

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

  // `from` and `to` point at the element with all indices 0 and must not overlap. In host memory, or in that of the
  // kernel's device.
  void operator()(DType dtype, const void* from, void* to) const;
  void operator()(const KernelContext& c, DType dtype, const void* from, void* to) const;

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
// `rows` runs of `size` contiguous elements, which start the strides apart; on the kernel's device, as what follows.
void copy_runs(const KernelContext& c, DType dtype, const void* from, int64_t from_stride, void* to, int64_t to_stride,
               int64_t rows, int64_t size);
void copy_run(const KernelContext& c, DType dtype, const void* from, void* to, int64_t count);
void fill_run(const KernelContext& c, DType dtype, const void* value, void* to, int64_t count);
void zero_run(const KernelContext& c, DType dtype, void* to, int64_t count);

// Registers a kernel that touches elements through the functions above only, and so runs on any device.
inline void any_device_kernel(Registry& r, std::string_view op, void (*fn)(KernelContext&)) {
  for (DeviceKind device : {DeviceKind::kCPU, DeviceKind::kCUDA}) r.kernel(op, device, DType::kInvalid, fn);
}
template <class K>
void any_device_kernel(Registry& r, std::string_view op) {
  for (DeviceKind device : {DeviceKind::kCPU, DeviceKind::kCUDA}) r.kernel<K>(op, device, DType::kInvalid);
}

#if defined(TFMINI_WITH_CUDA)
namespace cuda {  // cuda/ops/strided_copy.cu
void strided_copy(const KernelContext& c, const StridedCopy::Dim* dims, int rank, size_t bytes, const void* from,
                  void* to);
void zero(const KernelContext& c, void* to, size_t bytes);
}  // namespace cuda
#endif

}  // namespace tfmini
