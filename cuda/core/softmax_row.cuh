// What softmax and the cross entropies share: a row's maximum and sum of exponentials, on-line, by a warp or by a
// block.
#pragma once

#include "core/reduce.cuh"
#include "simd/math.h"

namespace tfmini::cuda {

// Rows up to this long are a warp's; longer ones a block's.
inline constexpr int64_t kWarpRow = 1024;

// The threads that share a row.
template <bool kBlock>
struct RowGroup {
  static constexpr int kSize = kBlock ? kThreads : 32;
  __device__ static int64_t row() { return kBlock ? int64_t{blockIdx.x} : thread_index() / 32; }
  __device__ static int rank() { return static_cast<int>(threadIdx.x) % kSize; }
  template <Reduction op, class C>
  __device__ static C reduce(C x) {
    if constexpr (kBlock)
      return block_reduce<op>(x);
    else
      return warp_reduce<op>(x);
  }
};

template <class C>
struct RowStats {
  C max, sum;  // of the row; of exp(x - max)
};

// load(i, n, out): elements i.. of the row. -inf counts as the lowest finite number, so that exp(-inf - max) is 0 and
// never NaN; NaNs enter through exp.
template <class Group, int kPack, class C, class Load>
__device__ __forceinline__ RowStats<C> row_stats(int64_t length, const Load& load) {
  C max = std::numeric_limits<C>::lowest(), sum = C(0);
  for (int64_t i = int64_t{Group::rank()} * kPack; i < length; i += Group::kSize * kPack) {
    C x[kPack];
    load(i, length - i, x);
    C top = max;
#pragma unroll
    for (int j = 0; j < kPack; ++j)
      if (i + j < length && x[j] > top) top = x[j];
    sum *= simd::math::exp(max - top);
#pragma unroll
    for (int j = 0; j < kPack; ++j)
      if (i + j < length) sum += simd::math::exp(x[j] - top);
    max = top;
  }
  const C all = Group::template reduce<Reduction::kMax>(max);
  return {all, Group::template reduce<Reduction::kSum>(sum * simd::math::exp(max - all))};
}

// Launches kernel<T, kBlock> with a grid for `rows` rows of this length.
#define TFMINI_LAUNCH_ROWS(kernel, T, rows, length, stream, ...)                                     \
  do {                                                                                               \
    if ((length) <= kWarpRow)                                                                        \
      launch(&kernel<T, false>, blocks_for((rows) * 32), kThreads, 0, stream, __VA_ARGS__);          \
    else                                                                                             \
      launch(&kernel<T, true>, dim3(static_cast<unsigned>(rows)), kThreads, 0, stream, __VA_ARGS__); \
  } while (false)

}  // namespace tfmini::cuda
