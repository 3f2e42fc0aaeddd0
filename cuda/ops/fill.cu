// OnesLike. Fill and ZerosLike only move elements (csrc/ops/fill.cc).
#include "core/fill.cuh"

#include "core/registry.h"
#include "core/stream.h"

namespace tfmini::cuda {
namespace {

template <class T>
struct OnesLike {
  static void run(KernelContext& c) { fill(stream(c), c.out<T>(0), c.output(0).num_elements(), static_cast<T>(1.0f)); }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_fill_cuda(Registry& r) {
  r.kernels<cuda::OnesLike>("OnesLike", DeviceKind::kCUDA,
                            TypeList<float, double, Half, BFloat16, int32_t, int64_t, bool>{});
}

}  // namespace tfmini
