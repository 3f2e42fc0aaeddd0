// CheckNumerics: the host waits to learn what was found. IdentityN only moves elements (csrc/ops/identity.cc).
#include "ops/identity.h"

#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"
#include "ops/strided_copy.h"

namespace tfmini::cuda {
namespace {

struct Found {
  int32_t nan, infinity;
};

// Whoever finds something writes the same.
template <class T>
__global__ void __launch_bounds__(kThreads) find_odd(const T* x, int64_t n, Found* found) {
  constexpr int kPack = kPackOf<T>;
  const int64_t begin = thread_index() * kPack;
  if (begin >= n) return;
  T v[kPack];
  load_pack<kPack>(x + begin, n - begin, is_aligned<kPack>(x), v);
#pragma unroll
  for (int i = 0; i < kPack; ++i) {
    const auto a = widen(v[i]);
    if (a != a)
      found->nan = 1;
    else if (a - a != 0)
      found->infinity = 1;
  }
}

template <class T>
class CheckNumerics {
 public:
  explicit CheckNumerics(const Attrs& attrs) : message_(attrs.string("message")) {}
  void operator()(KernelContext& c) const {
    const int64_t n = c.input(0).num_elements();
    if (n == 0) return;
    Tensor scratch = c.scratch(DType::kInt32, Shape{2});
    check_cuda(cudaMemsetAsync(scratch.raw(), 0, scratch.bytes(), stream(c)), "filling a tensor");
    launch(&find_odd<T>, blocks_for((n + kPackOf<T> - 1) / kPackOf<T>), kThreads, 0, stream(c), c.in<T>(0), n,
           scratch.data<Found>());
    if (c.input(0).raw() != c.output(0).raw()) copy_run(c, c.output_dtype(0), c.input(0).raw(), c.output(0).raw(), n);
    Found found;
    c.device().copy_to_host(&found, scratch.raw(), sizeof found);
    c.device().synchronize();
    check_numerics(found.nan != 0, found.infinity != 0, message_);
  }

 private:
  std::string message_;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_identity_cuda(Registry& r) {
  r.kernels<cuda::CheckNumerics>("CheckNumerics", DeviceKind::kCUDA, FloatTypes{});
}

}  // namespace tfmini
