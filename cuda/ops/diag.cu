// MatrixBandPart. The other ops of diagonals only move elements (csrc/ops/diag.cc).
#include "ops/diag.h"

#include "core/bits.cuh"
#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"

namespace tfmini::cuda {
namespace {

template <class T>
__global__ void __launch_bounds__(kThreads) band_part(const T* x, T* out, Band band, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const int64_t row = i / band.matrices.cols % band.matrices.rows, above = i % band.matrices.cols - row;
  out[i] = above <= band.upper && -above <= band.lower ? x[i] : T{};
}

void matrix_band_part(KernelContext& c) {
  const Band band(c);
  const int64_t n = c.output(0).num_elements();
  if (n == 0) return;
  with_unit(dtype_size(c.output_dtype(0)), [&]<class T>(std::type_identity<T>) {
    launch(&band_part<T>, blocks_for(n), kThreads, 0, stream(c), c.in<T>(0), c.out<T>(0), band, n);
  });
}

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_diag_cuda(Registry& r) {
  r.kernel("MatrixBandPart", DeviceKind::kCUDA, DType::kInvalid, cuda::matrix_band_part);
}

}  // namespace tfmini
