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

// Sum of exp(x[i] - max); kStore: the exponentials also go to e, which may be x.
template <bool kStore, class T>
TFMINI_ALWAYS_INLINE ComputeType<T> exp_sum(const T* x, T* e, int64_t n, ComputeType<T> max) {
  using C = ComputeType<T>;
  C sums[kExpLanes] = {};
  int64_t i = 0;
  for (; i + kExpLanes <= n; i += kExpLanes) {
    C y[kExpLanes];
    for (int l = 0; l < kExpLanes; ++l) y[l] = math::exp(static_cast<C>(x[i + l]) - max);
    for (int l = 0; l < kExpLanes; ++l) sums[l] += y[l];
    if constexpr (kStore)
      for (int l = 0; l < kExpLanes; ++l) e[i + l] = T(y[l]);
  }
  if (i < n) {
    C y[kExpLanes];
    for (int l = 0; l < kExpLanes; ++l) y[l] = std::numeric_limits<C>::lowest();
    for (int l = 0; l < n - i; ++l) y[l] = static_cast<C>(x[i + l]) - max;
    // Few doubles are not worth sixteen calls of libm.
    const int count = std::is_same_v<C, double> ? static_cast<int>(n - i) : kExpLanes;
    for (int l = 0; l < count; ++l) y[l] = math::exp(y[l]);
    for (int l = 0; l < n - i; ++l) sums[l] += y[l];
    if constexpr (kStore)
      for (int l = 0; l < n - i; ++l) e[i + l] = T(y[l]);
  }
#pragma GCC unroll 4
  for (int half = kExpLanes / 2; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) sums[l] += sums[l + half];
  return sums[0];
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
  TFMINI_ALWAYS_INLINE C scale(int64_t i) const { return math::exp(block_maxima[i / block] - max) / sum; }
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
    if (top > s.max) {
      s.sum = s.sum * math::exp(s.max - top) + sum;
      s.max = top;
    } else {
      s.sum += sum * math::exp(top - s.max);
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
  for (; i < n; ++i) out[i] = T(fn(static_cast<C>(x[i])));
}

}  // namespace
}  // namespace tfmini::simd
