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

// The lanes of v combined, upper half with lower half, in registers.
template <class V, class Fn>
TFMINI_ALWAYS_INLINE auto fold(V v, const Fn& fn) {
  constexpr int lanes = sizeof(V) / sizeof(v[0]);
  if constexpr (lanes > 8) v = fn(v, rotate<8>(v));
  if constexpr (lanes > 4) v = fn(v, rotate<4>(v));
  if constexpr (lanes > 2) v = fn(v, rotate<2>(v));
  return fn(v, rotate<1>(v))[0];
}

// NaNs are passed over: they enter through exp. -inf counts as the lowest finite number, so that exp(-inf - max) is 0,
// never NaN.
template <class T>
TFMINI_ALWAYS_INLINE ComputeType<T> block_max(const T* x, int64_t n) {
  using C = ComputeType<T>;
  constexpr int kVectors = 4;
  const C lowest = std::numeric_limits<C>::lowest();
  Vec<C> most = splat<C>(lowest);
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
    for (int v = 1; v < kVectors; ++v) m[0] = m[v] > m[0] ? m[v] : m[0];
    most = m[0];
  }
  for (; i < n; i += kLanes<C>) {
    const Vec<C> b = n - i >= kLanes<C> ? load(x + i) : load_partial(x + i, n - i, lowest);
    most = b > most ? b : most;
  }
  return fold(most, [](auto a, auto b) __attribute__((always_inline)) { return b > a ? b : a; });
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
    Vec<C> sum[kVectors];
    std::memcpy(sum, v, sizeof sum);
#pragma GCC unroll 4
    for (int half = kVectors / 2; half > 0; half /= 2)
      for (int k = 0; k < half; ++k) sum[k] += sum[k + half];
    return fold(sum[0], [](auto a, auto b) __attribute__((always_inline)) { return a + b; });
  }
};

// Fewer than sixteen elements in an array of sixteen, so that tails run through the same vector code.
template <class T>
struct Lanes {
  using C = ComputeType<T>;
  C at[kExpLanes];

  TFMINI_ALWAYS_INLINE Lanes(const T* x, int n, C fill = C(0)) {
#pragma GCC unroll 8
    for (int k = 0; k < kExpLanes; k += kLanes<C>) {
      const int left = n - k;
      store(at + k, left >= kLanes<C> ? load(x + k) : load_partial(x + k, left > 0 ? left : 0, fill));
    }
  }
};

// The first n < 16 of sixteen elements, by halves: a copy of unknown length is a call.
template <class T>
TFMINI_ALWAYS_INLINE void store_lanes(const ComputeType<T>* lanes, T* out, int n) {
  T narrow[kExpLanes];
  for (int l = 0; l < kExpLanes; ++l) narrow[l] = T(lanes[l]);
  const T* from = narrow;
#pragma GCC unroll 4
  for (int half = kExpLanes / 2; half > 0; half /= 2)
    if (n & half) {
      std::memcpy(out, from, half * sizeof(T));
      out += half;
      from += half;
    }
}

// Sum of exp(x[i] - max); kStore: the exponentials also go to e, which may be x, the last n % 16 of them to `tail` (a
// vector that is read where parts of it have just been written waits for memory).
template <bool kStore, class T>
TFMINI_ALWAYS_INLINE ComputeType<T> exp_sum(const T* x, T* e, int64_t n, ComputeType<T> max, ComputeType<T>* tail) {
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
    const Lanes<T> logits(x + i, m, max);  // exp(0) is fast; subnormal results are not
    for (int l = 0; l < kExpLanes; ++l) tail[l] = math::exp_minus(max - logits.at[l]);
    for (int l = 0; l < kExpLanes; ++l) tail[l] = l < m ? tail[l] : C(0);
    sums.add(tail);
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
  C tail[kExpLanes];  // the exponentials of the last elements, which do not fill sixteen lanes
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
    const C sum = exp_sum<kStore>(x + i, e + i, m, top, s.tail);
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

// out[i] = fn(x[i]); out may be x (a plain loop would then fail its overlap check and run element by element). The last
// n % 16 elements are read from `tail`.
template <class T, class Fn>
TFMINI_ALWAYS_INLINE void map_row(const T* x, const ComputeType<T>* tail, T* out, int64_t n, const Fn& fn) {
  using C = ComputeType<T>;
  C y[kExpLanes];
  int64_t i = 0;
  for (; i + kExpLanes <= n; i += kExpLanes) {
    for (int l = 0; l < kExpLanes; ++l) y[l] = fn(static_cast<C>(x[i + l]));
    for (int l = 0; l < kExpLanes; ++l) out[i + l] = T(y[l]);
  }
  if (i == n) return;
  for (int l = 0; l < kExpLanes; ++l) y[l] = fn(tail[l]);
  store_lanes(y, out + i, static_cast<int>(n - i));
}

template <class T, class Fn>
TFMINI_ALWAYS_INLINE void map_row(const T* x, T* out, int64_t n, const Fn& fn) {
  const Lanes<T> tail(x + n / kExpLanes * kExpLanes, static_cast<int>(n % kExpLanes));
  map_row(x, tail.at, out, n, fn);
}

}  // namespace
}  // namespace tfmini::simd
