// Reductions within a warp, a block, and of the middle dimension of an array, in an order that depends on sizes only.
#pragma once

#include <limits>

#include "core/launch.cuh"
#include "core/registry.h"
#include "core/vec.cuh"
#include "simd/functors.h"
#include "simd/reduce.h"

namespace tfmini::cuda {

using simd::Reduction;

template <Reduction op, class C>
__host__ __device__ __forceinline__ C identity_of() {
  using L = std::numeric_limits<C>;
  if constexpr (op == Reduction::kProd)
    return C(1);
  else if constexpr (op == Reduction::kMax)
    return L::has_infinity ? -L::infinity() : L::lowest();
  else if constexpr (op == Reduction::kMin)
    return L::has_infinity ? L::infinity() : L::max();
  else
    return C(0);
}
template <Reduction op, class C>
__device__ __forceinline__ C combine(C a, C b) {
  if constexpr (op == Reduction::kProd)
    return simd::fn::mul(a, b);
  else if constexpr (op == Reduction::kMax)
    return simd::fn::max(a, b);
  else if constexpr (op == Reduction::kMin)
    return simd::fn::min(a, b);
  else
    return simd::fn::add(a, b);
}
// What partial results are joined with.
constexpr Reduction joining(Reduction op) { return op == Reduction::kSumSquares ? Reduction::kSum : op; }

// Every lane gets the result.
template <Reduction op, class C>
__device__ __forceinline__ C warp_reduce(C x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) x = combine<op>(x, static_cast<C>(__shfl_xor_sync(0xffffffffu, x, step)));
  return x;
}
// Every thread of a block of whole warps gets the result. All of them must call it.
template <Reduction op, class C>
__device__ __forceinline__ C block_reduce(C x) {
  __shared__ C partial[32];
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  x = warp_reduce<op>(x);
  __syncthreads();  // the array may still be in use from the call before
  if (lane == 0) partial[warp] = x;
  __syncthreads();
  return warp_reduce<op>(lane < static_cast<int>(blockDim.x) / 32 ? partial[lane] : identity_of<op, C>());
}

// What becomes of a reduction in the end.
struct Plain {
  template <class C>
  __device__ C operator()(C x) const {
    return x;
  }
};
struct DivideBy {
  double n;
  template <class C>
  __device__ C operator()(C x) const {
    return x / static_cast<C>(n);
  }
};
struct SquareRoot {
  template <class C>
  __device__ C operator()(C x) const {
    return simd::math::sqrt(x);
  }
};

template <Reduction op, class C, class In>
__device__ __forceinline__ C reduce_operand(In x) {
  const C v = static_cast<C>(widen(x));
  if constexpr (op == Reduction::kSumSquares)
    return v * v;
  else
    return v;
}

// Chunks of `length`, cut where there are too few outputs to fill a GPU.
struct ReduceCut {
  int64_t chunk, chunks;
};
inline ReduceCut cut_reduction(int64_t outputs, int64_t length, int64_t least) {
  constexpr int64_t kTasks = 512;
  const int64_t wanted = outputs >= kTasks ? 1 : (kTasks + outputs - 1) / outputs;
  int64_t chunk = (length + wanted - 1) / wanted;
  chunk = chunk < least ? least : chunk;
  if (chunk > length) chunk = length;
  return {chunk, (length + chunk - 1) / chunk};
}

// out[o, k] = reduction of x[o, k * chunk .. (k + 1) * chunk): a block each.
template <Reduction op, class In, class C, class Out, class Finish>
__global__ void __launch_bounds__(kThreads)
    reduce_rows(const In* x, Out* out, int64_t length, int64_t chunk, int64_t chunks, Finish finish) {
  constexpr int kPack = kPackOf<In>;
  const int64_t o = blockIdx.x / chunks, k = blockIdx.x % chunks;
  const In* row = x + o * length + k * chunk;
  const int64_t n = chunk < length - k * chunk ? chunk : length - k * chunk;
  const bool aligned = is_aligned<kPack>(row);
  C sum = identity_of<op, C>();
  for (int64_t i = int64_t{threadIdx.x} * kPack; i < n; i += kThreads * kPack) {
    In v[kPack];
    load_pack<kPack>(row + i, n - i, aligned, v);
#pragma unroll
    for (int j = 0; j < kPack; ++j)
      if (i + j < n) sum = combine<joining(op)>(sum, reduce_operand<op, C>(v[j]));
  }
  sum = block_reduce<joining(op)>(sum);
  if (threadIdx.x == 0) out[blockIdx.x] = narrow<Out>(finish(sum));
}

// The same for short rows: a warp each.
template <Reduction op, class In, class C, class Out, class Finish>
__global__ void __launch_bounds__(kThreads)
    reduce_short_rows(const In* x, Out* out, int64_t rows, int64_t length, Finish finish) {
  const int64_t row = thread_index() / 32;
  if (row >= rows) return;
  C sum = identity_of<op, C>();
  for (int64_t i = threadIdx.x % 32; i < length; i += 32)
    sum = combine<joining(op)>(sum, reduce_operand<op, C>(x[row * length + i]));
  sum = warp_reduce<joining(op)>(sum);
  if (threadIdx.x % 32 == 0) out[row] = narrow<Out>(finish(sum));
}

// out[o, k, i] = reduction over l of x[o, l, i], l in chunk k: 32 columns by 8 rows of threads.
template <Reduction op, class In, class C, class Out, class Finish>
__global__ void __launch_bounds__(kThreads)
    reduce_columns(const In* x, Out* out, int64_t length, int64_t inner, int64_t chunk, int64_t chunks, Finish finish) {
  __shared__ C partial[8][33];
  const int tx = static_cast<int>(threadIdx.x) % 32, ty = static_cast<int>(threadIdx.x) / 32;
  const int64_t tiles = (inner + 31) / 32;
  const int64_t tile = blockIdx.x % tiles, k = blockIdx.x / tiles % chunks, o = blockIdx.x / tiles / chunks;
  const int64_t i = tile * 32 + tx, end = (k + 1) * chunk < length ? (k + 1) * chunk : length;
  C sum = identity_of<op, C>();
  if (i < inner) {
    const In* column = x + o * length * inner + i;
#pragma unroll 4
    for (int64_t l = k * chunk + ty; l < end; l += 8)
      sum = combine<joining(op)>(sum, reduce_operand<op, C>(column[l * inner]));
  }
  partial[ty][tx] = sum;
  __syncthreads();
  if (ty == 0 && i < inner) {
#pragma unroll
    for (int j = 1; j < 8; ++j) sum = combine<joining(op)>(sum, partial[j][tx]);
    out[(o * chunks + k) * inner + i] = narrow<Out>(finish(sum));
  }
}

// out[o, i] = finish(reduction over l of x[o, l, i]); length >= 1.
template <Reduction op, class In, class Out, class Finish = Plain>
void reduce_middle(const KernelContext& c, cudaStream_t s, const In* x, Out* out, int64_t outer, int64_t length,
                   int64_t inner, Finish finish = {}) {
  using C = ComputeType<In>;
  if (outer == 0 || inner == 0) return;
  if (inner == 1 && length <= 1024 && outer >= 64)
    return launch(&reduce_short_rows<op, In, C, Out, Finish>, blocks_for(outer * 32), kThreads, 0, s, x, out, outer,
                  length, finish);
  const int64_t tiles = inner == 1 ? 1 : (inner + 31) / 32;
  const ReduceCut cut = cut_reduction(outer * tiles, length, inner == 1 ? 4096 : 64);
  const auto blocks = [&] { return dim3(static_cast<unsigned>(outer * cut.chunks * tiles)); };
  const auto pass = [&]<class To, class Fin>(To* to, Fin fin) {
    if (inner == 1)
      launch(&reduce_rows<op, In, C, To, Fin>, blocks(), kThreads, 0, s, x, to, length, cut.chunk, cut.chunks, fin);
    else
      launch(&reduce_columns<op, In, C, To, Fin>, blocks(), kThreads, 0, s, x, to, length, inner, cut.chunk, cut.chunks,
             fin);
  };
  if (cut.chunks == 1) return pass(out, finish);
  Tensor partial = c.scratch(dtype_of<C>, Shape{outer, cut.chunks, inner});
  pass(partial.data<C>(), Plain{});
  reduce_middle<joining(op), C, Out, Finish>(c, s, partial.data<C>(), out, outer, cut.chunks, inner, finish);
}

}  // namespace tfmini::cuda
