// The loops softmax and the cross entropies share: maximum and sum of exponentials of a row, on-line by blocks. Each
// block is read twice while it sits in L1 (for its own maximum, then for exp), so a row of any length comes from memory
// once; blocks are put on a common maximum afterwards. Sixteen partial sums fix the order of additions for every ISA.
#pragma once

#include <limits>

#include "simd/math.h"
#include "simd/vec.h"

namespace tfmini::simd {
namespace {

constexpr int kExpLanes = 16;
constexpr int kMaxBlocks = 64;
constexpr int64_t kMinBlock = 2048;

// NaNs are passed over: they enter through exp. -inf counts as the lowest finite number, so that exp(-inf - max) is 0,
// never NaN.
template <class T>
TFMINI_ALWAYS_INLINE ComputeType<T> block_max(const T* x, int64_t n) {
  using C = ComputeType<T>;
  constexpr int kVectors = 4;
  const C lowest = std::numeric_limits<C>::lowest();
  C best = lowest;
  int64_t i = 0;
  if (n >= kVectors * kLanes<C>) {
    Vec<C> m[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) m[v] = splat<C>(lowest);
    for (; i + kVectors * kLanes<C> <= n; i += kVectors * kLanes<C>)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const Vec<C> b = load(x + i + v * kLanes<C>);
        m[v] = b > m[v] ? b : m[v];
      }
    C lanes[kVectors * kLanes<C>];
    std::memcpy(lanes, m, sizeof lanes);
    for (C lane : lanes) best = lane > best ? lane : best;
  }
  for (; i < n; ++i) best = static_cast<C>(x[i]) > best ? static_cast<C>(x[i]) : best;
  return best;
}

// Sixteen partial sums, as vectors: as an array GCC would take them apart into scalars.
template <class C>
struct LaneSums {
  static constexpr int kVectors = kExpLanes / kLanes<C>;
  Vec<C> v[kVectors] = {};

  TFMINI_ALWAYS_INLINE void add(const C* y) {
#pragma GCC unroll 8
    for (int k = 0; k < kVectors; ++k) v[k] += load(y + k * kLanes<C>);
  }
  TFMINI_ALWAYS_INLINE C total() const {
    C lanes[kExpLanes];
    std::memcpy(lanes, v, sizeof lanes);
#pragma GCC unroll 4
    for (int half = kExpLanes / 2; half > 0; half /= 2)
      for (int l = 0; l < half; ++l) lanes[l] += lanes[l + half];
    return lanes[0];
  }
};

// Up to sixteen elements in an array of sixteen, the rest zeros, so that tails run through the same vector code.
template <class T>
struct Lanes {
  T at[kExpLanes] = {};
  TFMINI_ALWAYS_INLINE Lanes(const T* x, int n) { std::memcpy(at, x, static_cast<size_t>(n) * sizeof(T)); }
};

// Sum of exp(x[i] - max); kStore: the exponentials also go to e, which may be x.
template <bool kStore, class T>
TFMINI_ALWAYS_INLINE ComputeType<T> exp_sum(const T* x, T* e, int64_t n, ComputeType<T> max) {
  using C = ComputeType<T>;
  LaneSums<C> sums;
  C y[kExpLanes];
  int64_t i = 0;
  for (; i + kExpLanes <= n; i += kExpLanes) {
    for (int l = 0; l < kExpLanes; ++l) y[l] = math::exp_minus(max - static_cast<C>(x[i + l]));
    sums.add(y);
    if constexpr (kStore)
      for (int l = 0; l < kExpLanes; ++l) e[i + l] = T(y[l]);
  }
  if (i < n) {
    const int m = static_cast<int>(n - i);
    const Lanes<T> tail(x + i, m);
    for (int l = 0; l < kExpLanes; ++l) y[l] = l < m ? math::exp_minus(max - static_cast<C>(tail.at[l])) : C(0);
    sums.add(y);
    if constexpr (kStore) std::memcpy(e + i, y, static_cast<size_t>(m) * sizeof(T));
  }
  return sums.total();
}

// Float and double rows keep their exponentials, 16-bit ones would lose too much: they are computed twice.
template <class T>
constexpr bool kKeepsExp = sizeof(T) == sizeof(ComputeType<T>);

template <class C>
struct RowSum {
  C max;  // of the row
  C sum;  // of exp(x - max)
  int64_t block;
  C block_maxima[kMaxBlocks];
  // What turns the exponentials kept for the block at i into softmax.
  TFMINI_ALWAYS_INLINE C scale(int64_t i) const {
    const C of_block = block_maxima[i / block];
    return of_block == max ? C(1) / sum : math::exp_minus(max - of_block) / sum;
  }
};

template <bool kStore, class T>
TFMINI_ALWAYS_INLINE void sum_row(const T* x, T* e, int64_t n, RowSum<ComputeType<T>>& s) {
  using C = ComputeType<T>;
  const int64_t even = (n + kMaxBlocks - 1) / kMaxBlocks;
  s.block = even <= kMinBlock ? kMinBlock : (even + kExpLanes - 1) / kExpLanes * kExpLanes;
  s.max = std::numeric_limits<C>::lowest();
  s.sum = C(0);
  for (int64_t i = 0, b = 0; i < n; i += s.block, ++b) {
    const int64_t m = n - i < s.block ? n - i : s.block;
    const C top = block_max(x + i, m);
    const C sum = exp_sum<kStore>(x + i, e + i, m, top);
    s.block_maxima[b] = top;
    if (b == 0) {
      s.sum = sum;
      s.max = top;
    } else if (top > s.max) {
      s.sum = s.sum * math::exp_minus(top - s.max) + sum;
      s.max = top;
    } else {
      s.sum += sum * math::exp_minus(s.max - top);
    }
  }
}

// out[i] = fn(x[i]); out may be x (a plain loop would then fail its overlap check and run element by element).
template <class T, class Fn>
TFMINI_ALWAYS_INLINE void map_row(const T* x, T* out, int64_t n, const Fn& fn) {
  using C = ComputeType<T>;
  int64_t i = 0;
  for (; i + kExpLanes <= n; i += kExpLanes) {
    C y[kExpLanes];
    for (int l = 0; l < kExpLanes; ++l) y[l] = fn(static_cast<C>(x[i + l]));
    for (int l = 0; l < kExpLanes; ++l) out[i + l] = T(y[l]);
  }
  if (i < n) {
    Lanes<T> tail(x + i, static_cast<int>(n - i));
    for (int l = 0; l < kExpLanes; ++l) tail.at[l] = T(fn(static_cast<C>(tail.at[l])));
    std::memcpy(out + i, tail.at, static_cast<size_t>(n - i) * sizeof(T));
  }
}

}  // namespace
}  // namespace tfmini::simd
