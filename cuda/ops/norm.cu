// L2Loss: half the sum of squares.
#include "core/reduce.cuh"
#include "core/stream.h"

namespace tfmini::cuda {
namespace {

template <class T>
struct L2Loss {
  static void run(KernelContext& c) {
    const int64_t n = c.input(0).num_elements();
    if (n == 0) return check_cuda(cudaMemsetAsync(c.output(0).raw(), 0, sizeof(T), stream(c)), "filling a tensor");
    reduce_middle<Reduction::kSumSquares, T, T>(c, stream(c), c.in<T>(0), c.out<T>(0), 1, n, 1, DivideBy{2.0});
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_norm_cuda(Registry& r) { r.kernels<cuda::L2Loss>("L2Loss", DeviceKind::kCUDA, FloatTypes{}); }

}  // namespace tfmini
