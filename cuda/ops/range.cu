// Range and LinSpace of floating-point numbers. Ranges of integers count and index: they stay on the host.
#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"

namespace tfmini::cuda {
namespace {

// out[i] = start + i * step, the last element `last`, if there is one to replace.
template <class T>
__global__ void __launch_bounds__(kThreads)
    count_up(T* out, int64_t n, ComputeType<T> start, ComputeType<T> step, T last, bool has_last) {
  const int64_t i = thread_index();
  if (i >= n) return;
  out[i] = has_last && i == n - 1 ? last : narrow<T>(start + static_cast<ComputeType<T>>(i) * step);
}

template <class T>
struct Range {
  static void run(KernelContext& c) {
    using C = ComputeType<T>;
    const int64_t n = c.output(0).num_elements();
    if (n == 0) return;
    launch(&count_up<T>, blocks_for(n), kThreads, 0, stream(c), c.out<T>(0), n, static_cast<C>(c.in<T>(0)[0]),
           static_cast<C>(c.in<T>(2)[0]), T{}, false);
  }
};

template <class T>
struct LinSpace {
  static void run(KernelContext& c) {
    using C = ComputeType<T>;
    const int64_t n = c.output(0).num_elements();
    if (n == 0) return;
    const C start = static_cast<C>(c.in<T>(0)[0]), stop = static_cast<C>(c.in<T>(1)[0]);
    const C step = n > 1 ? (stop - start) / static_cast<C>(n - 1) : C(0);
    launch(&count_up<T>, blocks_for(n), kThreads, 0, stream(c), c.out<T>(0), n, start, step, c.in<T>(1)[0], n > 1);
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_range_cuda(Registry& r) {
  r.kernels<cuda::Range>("Range", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::LinSpace>("LinSpace", DeviceKind::kCUDA, FloatTypes{});
}

}  // namespace tfmini
