// Softmax and LogSoftmax over the last dimension.
#include "core/softmax_row.cuh"
#include "core/stream.h"

namespace tfmini::cuda {
namespace {

template <class T, bool kBlock>
__global__ void __launch_bounds__(kThreads) softmax(const T* in, T* out, int64_t rows, int64_t depth, bool log) {
  using C = ComputeType<T>;
  using Group = RowGroup<kBlock>;
  constexpr int kPack = kPackOf<T>;
  const int64_t row = Group::row();
  if (row >= rows) return;
  const T* x = in + row * depth;
  T* y = out + row * depth;
  const bool aligned = is_aligned<kPack>(x) && is_aligned<kPack>(y);
  const auto load = [&](int64_t i, int64_t n, C(&v)[kPack]) {
    T pack[kPack];
    load_pack<kPack>(x + i, n, aligned, pack);
#pragma unroll
    for (int j = 0; j < kPack; ++j) v[j] = j < n ? widen(pack[j]) : C(0);
  };
  const RowStats<C> s = row_stats<Group, kPack, C>(depth, load);
  const C scale = C(1) / s.sum, log_sum = simd::math::log(s.sum);
  for (int64_t i = int64_t{Group::rank()} * kPack; i < depth; i += Group::kSize * kPack) {
    C v[kPack];
    T result[kPack];
    load(i, depth - i, v);
#pragma unroll
    for (int j = 0; j < kPack; ++j)
      result[j] = narrow<T>(log ? (v[j] - s.max) - log_sum : simd::math::exp(v[j] - s.max) * scale);
    store_pack<kPack>(y + i, depth - i, aligned, result);
  }
}

template <class T, bool kLog>
void run(KernelContext& c) {
  const int64_t depth = c.input(0).dim(-1);
  const int64_t rows = depth == 0 ? 0 : c.input(0).num_elements() / depth;
  if (rows == 0) return;
  TFMINI_LAUNCH_ROWS(softmax, T, rows, depth, stream(c), c.in<T>(0), c.out<T>(0), rows, depth, kLog);
}

template <class... Ts>
void add(Registry& r, TypeList<Ts...>) {
  (r.kernel("Softmax", DeviceKind::kCUDA, dtype_of<Ts>, &run<Ts, false>), ...);
  (r.kernel("LogSoftmax", DeviceKind::kCUDA, dtype_of<Ts>, &run<Ts, true>), ...);
}

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_softmax_cuda(Registry& r) { cuda::add(r, FloatTypes{}); }

}  // namespace tfmini
