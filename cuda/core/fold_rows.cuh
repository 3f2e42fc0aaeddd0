// Slices folded into the rows that lists of items name: one thread per row and column, in the order of the items.
#pragma once

#include <limits>
#include <type_traits>

#include "core/sort.cuh"
#include "core/stream.h"
#include "simd/functors.h"

namespace tfmini::cuda {

enum class Fold : uint8_t { kUpdate, kAdd, kSub, kMul, kDiv, kMin, kMax, kMean };

// Integers divided by 0 are 0: there is nobody to tell.
template <class C>
__device__ __forceinline__ C quotient_or_zero(C a, C b) {
  if constexpr (std::is_integral_v<C>) {
    if (b == 0) return 0;
    if (std::is_signed_v<C> && b == C(-1)) return static_cast<C>(-static_cast<std::make_unsigned_t<C>>(a));
  }
  return a / b;
}

template <class C>
__device__ __forceinline__ C fold(Fold how, C a, C b) {
  switch (how) {
    case Fold::kUpdate:
      return b;
    case Fold::kSub:
      return simd::fn::sub(a, b);
    case Fold::kMul:
      return simd::fn::mul(a, b);
    case Fold::kDiv:
      return quotient_or_zero(a, b);
    case Fold::kMin:
      return b < a ? b : a;
    case Fold::kMax:
      return b > a ? b : a;
    default:
      return simd::fn::add(a, b);
  }
}

template <class T>
struct FoldArgs {
  RowLists lists;
  const T* updates;  // [items, width], or one element for all
  T* out;            // [rows, width]
  int64_t width;
  ComputeType<T> start;  // what a fold starts with, unless with what is in `out`
  Fold how;
  bool one_update, from_out, aligned;
};

template <class T>
__global__ void __launch_bounds__(kThreads) fold_rows(const __grid_constant__ FoldArgs<T> a) {
  using C = ComputeType<T>;
  constexpr int kPack = kPackOf<T>;
  const int64_t packs = (a.width + kPack - 1) / kPack, s = thread_index() / packs;
  if (s >= a.lists.n || !a.lists.starts(s)) return;
  const int64_t row = a.lists.row(s), j = thread_index() % packs * kPack, left = a.width - j;
  T x[kPack];
  C sum[kPack];
  load_pack<kPack>(a.out + row * a.width + j, left, a.aligned, x);
#pragma unroll
  for (int i = 0; i < kPack; ++i) sum[i] = a.from_out ? widen(x[i]) : a.start;
  int64_t t = s;
  for (; a.lists.continues(t, row); ++t) {
    if (a.one_update) {
#pragma unroll
      for (int i = 0; i < kPack; ++i) x[i] = *a.updates;
    } else {
      load_pack<kPack>(a.updates + a.lists.item(t) * a.width + j, left, a.aligned, x);
    }
#pragma unroll
    for (int i = 0; i < kPack; ++i) sum[i] = fold(a.how, sum[i], widen(x[i]));
  }
  if (a.how == Fold::kMean)
#pragma unroll
    for (int i = 0; i < kPack; ++i) sum[i] = sum[i] / static_cast<C>(t - s);
#pragma unroll
  for (int i = 0; i < kPack; ++i) x[i] = narrow<T>(sum[i]);
  store_pack<kPack>(a.out + row * a.width + j, left, a.aligned, x);
}

template <class T>
void run_fold(const KernelContext& c, FoldArgs<T> a) {
  constexpr int kPack = kPackOf<T>;
  if (a.lists.n == 0 || a.width == 0) return;
  a.aligned = a.width % kPack == 0 && is_aligned<kPack>(a.out) && (a.one_update || is_aligned<kPack>(a.updates));
  launch(&fold_rows<T>, blocks_for(a.lists.n * ((a.width + kPack - 1) / kPack)), kThreads, 0, stream(c), a);
}

}  // namespace tfmini::cuda
