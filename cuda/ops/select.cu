// Select (condition of the values' shape, or one per row) and SelectV2 (broadcasting), by element size; ClipByValue.
#include "core/elements.h"
#include "core/elementwise.cuh"

namespace tfmini::cuda {
namespace {

template <class T>
__global__ void __launch_bounds__(kThreads)
    select(const __grid_constant__ Operand condition, const __grid_constant__ Operand a,
           const __grid_constant__ Operand b, T* out, int64_t n, bool aligned) {
  constexpr int kPack = kPackOf<T>;
  const int64_t begin = thread_index() * kPack, left = n - begin;
  if (left <= 0) return;
  bool chosen[kPack] = {};
  T x[kPack], y[kPack];
  condition.load<kPack>(begin, left, chosen);
  a.load<kPack>(begin, left, x);
  b.load<kPack>(begin, left, y);
#pragma unroll
  for (int i = 0; i < kPack; ++i) x[i] = chosen[i] ? x[i] : y[i];
  store_pack<kPack>(out + begin, left, aligned, x);
}

template <class T, bool kBroadcast>
void run(KernelContext& c) {
  constexpr int kPack = kPackOf<T>;
  Tensor& out = c.output(0);
  const int64_t n = out.num_elements();
  if (n == 0) return;
  Tensor condition = c.input(0);
  if (!kBroadcast && condition.rank() == 1 && out.rank() > 1) {
    Shape per_row = condition.shape();
    while (per_row.rank() < out.rank()) per_row.add_dim(1);
    condition = condition.reshaped(per_row);
  }
  launch(&select<T>, blocks_for((n + kPack - 1) / kPack), kThreads, 0, stream(c),
         Operand::of<bool, kPack>(condition, out.shape()), Operand::of<T, kPack>(c.input(1), out.shape()),
         Operand::of<T, kPack>(c.input(2), out.shape()), static_cast<T*>(out.raw()), n,
         is_aligned<kPack>(static_cast<T*>(out.raw())));
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    clip(const __grid_constant__ Operand x, const __grid_constant__ Operand low, const __grid_constant__ Operand high,
         T* out, int64_t n, bool aligned) {
  constexpr int kPack = kPackOf<T>;
  const int64_t begin = thread_index() * kPack, left = n - begin;
  if (left <= 0) return;
  T v[kPack], a[kPack], b[kPack];
  x.load<kPack>(begin, left, v);
  low.load<kPack>(begin, left, a);
  high.load<kPack>(begin, left, b);
#pragma unroll
  for (int i = 0; i < kPack; ++i) v[i] = narrow<T>(simd::fn::min(simd::fn::max(widen(v[i]), widen(a[i])), widen(b[i])));
  store_pack<kPack>(out + begin, left, aligned, v);
}

template <class T>
struct ClipByValue {
  static void run(KernelContext& c) {
    constexpr int kPack = kPackOf<T>;
    Tensor& out = c.output(0);
    const int64_t n = out.num_elements();
    if (n == 0) return;
    const auto operand = [&](int i) { return Operand::of<T, kPack>(c.input(i), out.shape()); };
    launch(&clip<T>, blocks_for((n + kPack - 1) / kPack), kThreads, 0, stream(c), operand(0), operand(1), operand(2),
           out.data<T>(), n, is_aligned<kPack>(out.data<T>()));
  }
};

template <class T>
void add(Registry& r, std::initializer_list<DType> types) {
  for (DType d : types) {
    r.kernel("Select", DeviceKind::kCUDA, d, &run<T, false>);
    r.kernel("SelectV2", DeviceKind::kCUDA, d, &run<T, true>);
  }
}

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_select_cuda(Registry& r) {
  cuda::add<uint8_t>(r, {DType::kBool, DType::kUInt8, DType::kInt8});
  cuda::add<uint16_t>(r, {DType::kHalf, DType::kBFloat16});
  cuda::add<uint32_t>(r, {DType::kFloat, DType::kInt32});
  cuda::add<uint64_t>(r, {DType::kDouble, DType::kInt64});
  r.kernels<cuda::ClipByValue>("ClipByValue", DeviceKind::kCUDA,
                               TypeList<float, double, Half, BFloat16, int32_t, int64_t>{});
}

}  // namespace tfmini
