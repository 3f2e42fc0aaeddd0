// The sum of many tensors of one shape.
#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"
#include "simd/functors.h"

namespace tfmini::cuda {
namespace {

constexpr int kMaxInputs = 64;  // of one kernel
template <class T>
struct Inputs {
  const T* at[kMaxInputs];
  int count;
};

template <class T>
__global__ void __launch_bounds__(kThreads)
    add_n(const __grid_constant__ Inputs<T> inputs, T* out, int64_t n, bool aligned) {
  constexpr int kPack = kPackOf<T>;
  const int64_t begin = thread_index() * kPack, left = n - begin;
  if (left <= 0) return;
  T sum[kPack] = {};
  load_pack<kPack>(inputs.at[0] + begin, left, aligned, sum);
  for (int k = 1; k < inputs.count; ++k) {
    T x[kPack] = {};
    load_pack<kPack>(inputs.at[k] + begin, left, aligned, x);
    // Rounded after every term, as on the CPU.
#pragma unroll
    for (int i = 0; i < kPack; ++i) sum[i] = narrow<T>(simd::fn::add(widen(sum[i]), widen(x[i])));
  }
  store_pack<kPack>(out + begin, left, aligned, sum);
}

template <class T>
struct AddN {
  static void run(KernelContext& c) {
    constexpr int kPack = kPackOf<T>;
    const int64_t n = c.output(0).num_elements();
    T* out = c.out<T>(0);
    if (n == 0) return;
    for (int next = 0; next < c.num_inputs();) {
      Inputs<T> inputs{};
      bool aligned = is_aligned<kPack>(out);
      const auto add = [&](const T* x) {
        inputs.at[inputs.count++] = x;
        aligned &= is_aligned<kPack>(x);
      };
      if (next > 0) add(out);
      while (next < c.num_inputs() && inputs.count < kMaxInputs) add(c.in<T>(next++));
      launch(&add_n<T>, blocks_for((n + kPack - 1) / kPack), kThreads, 0, stream(c), inputs, out, n, aligned);
    }
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_add_n_cuda(Registry& r) {
  r.kernels<cuda::AddN>("AddN", DeviceKind::kCUDA, TypeList<float, double, Half, BFloat16, int32_t, int64_t>{});
}

}  // namespace tfmini
