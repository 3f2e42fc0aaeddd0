// AssignAdd and AssignSub.
#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"
#include "runtime/variables.h"
#include "simd/functors.h"

namespace tfmini::cuda {
namespace {

template <class T>
__global__ void __launch_bounds__(kThreads) assign_sum(T* x, const T* y, int64_t n, bool subtract, bool aligned) {
  constexpr int kPack = kPackOf<T>;
  const int64_t begin = thread_index() * kPack, left = n - begin;
  if (left <= 0) return;
  T a[kPack], b[kPack];
  load_pack<kPack>(x + begin, left, aligned, a);
  load_pack<kPack>(y + begin, left, aligned, b);
#pragma unroll
  for (int i = 0; i < kPack; ++i)
    a[i] = narrow<T>(subtract ? simd::fn::sub(widen(a[i]), widen(b[i])) : simd::fn::add(widen(a[i]), widen(b[i])));
  store_pack<kPack>(x + begin, left, aligned, a);
}

template <class T, bool kSubtract>
void assign(KernelContext& c) {
  constexpr int kPack = kPackOf<T>;
  VariableUpdate update({&c.variable(0)});
  const Tensor& value = c.input(1);
  check(update.read(0).shape() == value.shape(), "the variable has shape ", update.read(0).shape(),
        ", but the value has shape ", value.shape());
  const int64_t n = value.num_elements();
  if (n == 0) return;
  T* x = update[0].data<T>();
  const T* y = value.data<T>();
  launch(&assign_sum<T>, blocks_for((n + kPack - 1) / kPack), kThreads, 0, stream(c), x, y, n, kSubtract,
         is_aligned<kPack>(x) && is_aligned<kPack>(y));
}
template <class T>
struct AssignAdd {
  static void run(KernelContext& c) { assign<T, false>(c); }
};
template <class T>
struct AssignSub {
  static void run(KernelContext& c) { assign<T, true>(c); }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_variable_cuda(Registry& r) {
  using Types = TypeList<float, double, Half, BFloat16, int32_t, int64_t>;
  r.kernels<cuda::AssignAdd>("AssignAdd", DeviceKind::kCUDA, Types{});
  r.kernels<cuda::AssignSub>("AssignSub", DeviceKind::kCUDA, Types{});
}

}  // namespace tfmini
