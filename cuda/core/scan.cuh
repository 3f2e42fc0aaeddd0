// Running sums and products: a block per line, 256 elements at a time, in an order that depends on sizes only.
#pragma once

#include "core/launch.cuh"
#include "core/vec.cuh"

namespace tfmini::cuda {

struct ScanOptions {
  bool product, exclusive, reverse;
};

template <class W>
__device__ __forceinline__ W join(W a, W b, bool product) {
  return product ? a * b : a + b;
}

// The running total of a block of kThreads, and the total of all.
template <class W>
__device__ __forceinline__ W block_scan(W x, bool product, W& before, W& all) {
  __shared__ W totals[kThreads / 32];
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const W nothing = W(product ? 1 : 0);
  W sum = x;
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    const W y = __shfl_up_sync(0xffffffffu, sum, step);
    if (lane >= step) sum = join(y, sum, product);
  }
  const W left = __shfl_up_sync(0xffffffffu, sum, 1);
  __syncthreads();  // the array may still be in use from the call before
  if (lane == 31) totals[warp] = sum;
  __syncthreads();
  W warps_before = nothing;
  all = nothing;
#pragma unroll
  for (int w = 0; w < kThreads / 32; ++w) {
    if (w == warp) warps_before = all;
    all = join(all, totals[w], product);
  }
  before = lane == 0 ? warps_before : join(warps_before, left, product);
  return join(warps_before, sum, product);
}

// x[o, :, i]: line o * inner + i is a block's. T may be scanned in place.
template <class W, class T>
__global__ void __launch_bounds__(kThreads)
    scan_lines(const T* in, T* out, int64_t n, int64_t inner, ScanOptions options) {
  const int64_t first = blockIdx.x / inner * n * inner + blockIdx.x % inner;
  W carry = W(options.product ? 1 : 0);
  for (int64_t begin = 0; begin < n; begin += kThreads) {
    const int64_t k = begin + threadIdx.x, at = first + (options.reverse ? n - 1 - k : k) * inner;
    W before, all;
    const W x = k < n ? static_cast<W>(widen(in[at])) : W(options.product ? 1 : 0);
    const W sum = block_scan(x, options.product, before, all);
    if (k < n) out[at] = narrow<T>(join(carry, options.exclusive ? before : sum, options.product));
    carry = join(carry, all, options.product);
  }
}

// The same for many lines side by side: a thread each.
template <class W, class T>
__global__ void __launch_bounds__(kThreads)
    scan_columns(const T* in, T* out, int64_t lines, int64_t n, int64_t inner, ScanOptions options) {
  const int64_t line = thread_index();
  if (line >= lines) return;
  const int64_t first = line / inner * n * inner + line % inner;
  W sum = W(options.product ? 1 : 0);
  for (int64_t k = 0; k < n; ++k) {
    const int64_t at = first + (options.reverse ? n - 1 - k : k) * inner;
    const W next = join(sum, static_cast<W>(widen(in[at])), options.product);
    out[at] = narrow<T>(options.exclusive ? sum : next);
    sum = next;
  }
}

template <class W, class T>
void scan(cudaStream_t s, const T* in, T* out, int64_t outer, int64_t n, int64_t inner, ScanOptions options) {
  const int64_t lines = outer * inner;
  if (lines == 0 || n == 0) return;
  if (inner >= 32)
    launch(&scan_columns<W, T>, blocks_for(lines), kThreads, 0, s, in, out, lines, n, inner, options);
  else
    launch(&scan_lines<W, T>, dim3(static_cast<unsigned>(lines)), kThreads, 0, s, in, out, n, inner, options);
}

}  // namespace tfmini::cuda
