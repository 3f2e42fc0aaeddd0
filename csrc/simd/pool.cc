#include "simd/pool.h"

#include "simd/vec.h"

#include <type_traits>

namespace tfmini::simd::TFMINI_ISA {
namespace {

template <class T>
constexpr T lowest();
template <>
constexpr float lowest() {
  return -__FLT_MAX__;
}
template <>
constexpr double lowest() {
  return -__DBL_MAX__;
}
template <>
constexpr int8_t lowest() {
  return INT8_MIN;
}
template <>
constexpr int16_t lowest() {
  return INT16_MIN;
}
template <>
constexpr int32_t lowest() {
  return INT32_MIN;
}
template <>
constexpr int64_t lowest() {
  return INT64_MIN;
}
template <>
constexpr uint8_t lowest() {
  return 0;
}
template <>
constexpr uint16_t lowest() {
  return 0;
}

template <class T>
struct Max {
  T start() const { return lowest<T>(); }
  template <class V>
  static inline __attribute__((always_inline)) V step(V acc, V x) {
    return x > acc ? x : acc;
  }
  template <class V>
  static inline __attribute__((always_inline)) V finish(V acc, T) {
    return acc;
  }
};

template <class T>
struct Sum {
  T start() const { return T(0); }
  template <class V>
  static inline __attribute__((always_inline)) V step(V acc, V x) {
    return acc + x;
  }
  template <class V>
  static inline __attribute__((always_inline)) V finish(V acc, T scale) {
    return acc * scale;
  }
};

// One or two vectors of channels at a time stay in registers over all taps.
template <class Op, class T>
inline __attribute__((always_inline)) void reduce(const T* const* taps, int64_t count, T scale, T* out, int64_t n) {
  typedef T V __attribute__((vector_size(kVectorBytes), aligned(sizeof(T)), may_alias));
  constexpr int64_t kLanes = kVectorBytes / sizeof(T);
  const V start = V{} + Op().start();
  int64_t c = 0;
  for (; c + 2 * kLanes <= n; c += 2 * kLanes) {
    V a = start, b = start;
    for (int64_t t = 0; t < count; ++t) {
      a = Op::step(a, *reinterpret_cast<const V*>(taps[t] + c));
      b = Op::step(b, *reinterpret_cast<const V*>(taps[t] + c + kLanes));
    }
    *reinterpret_cast<V*>(out + c) = Op::finish(a, scale);
    *reinterpret_cast<V*>(out + c + kLanes) = Op::finish(b, scale);
  }
  for (; c + kLanes <= n; c += kLanes) {
    V a = start;
    for (int64_t t = 0; t < count; ++t) a = Op::step(a, *reinterpret_cast<const V*>(taps[t] + c));
    *reinterpret_cast<V*>(out + c) = Op::finish(a, scale);
  }
  for (; c < n; ++c) {
    T a = Op().start();
    for (int64_t t = 0; t < count; ++t) a = Op::step(a, taps[t][c]);
    out[c] = Op::finish(a, scale);
  }
}

template <class T>
void max(const T* const* taps, int64_t count, T* out, int64_t n) {
  reduce<Max<T>>(taps, count, T(1), out, n);
}

template <class T>
void sum(const T* const* taps, int64_t count, T scale, T* out, int64_t n) {
  reduce<Sum<T>>(taps, count, scale, out, n);
}

// A vector of channels and the vector of pixel numbers that goes with it: as many lanes, as wide.
template <class T>
struct Lanes {
  typedef T Value __attribute__((vector_size(kVectorBytes), aligned(sizeof(T)), may_alias));
  using Wide = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;
  typedef Wide Index __attribute__((vector_size(kVectorBytes)));
  static constexpr int64_t kCount = kVectorBytes / sizeof(T);
  typedef int32_t Stored __attribute__((vector_size(kCount * sizeof(int32_t)), aligned(sizeof(int32_t)), may_alias));
  static constexpr bool kFits = sizeof(T) >= 4;  // 8- and 16-bit lanes do not hold pixel numbers
};

// kVectors vectors of channels at a time: their comparisons do not wait for each other.
template <int kVectors, class T>
inline __attribute__((always_inline)) void argmax_vectors(const T* const* taps, const int32_t* positions, int64_t count,
                                                          T* best, int32_t* at, int64_t c) {
  using L = Lanes<T>;
  using V = typename L::Value;
  using I = typename L::Index;
  V top[kVectors];
  I where[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    top[v] = *reinterpret_cast<const V*>(taps[0] + c + v * L::kCount);
    where[v] = I{} + positions[0];
  }
  for (int64_t t = 1; t < count; ++t) {
    const T* x = taps[t] + c;
    const I here = I{} + positions[t];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const V value = *reinterpret_cast<const V*>(x + v * L::kCount);
      const I greater = value > top[v];
      top[v] = greater ? value : top[v];
      where[v] = greater ? here : where[v];
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    if (best) *reinterpret_cast<V*>(best + c + v * L::kCount) = top[v];
    *reinterpret_cast<typename L::Stored*>(at + c + v * L::kCount) =
        __builtin_convertvector(where[v], typename L::Stored);
  }
}

template <class T>
void argmax(const T* const* taps, const int32_t* positions, int64_t count, T* best, int32_t* at, int64_t n) {
  int64_t c = 0;
  if constexpr (Lanes<T>::kFits) {
    constexpr int64_t kCount = Lanes<T>::kCount;
    for (; c + 4 * kCount <= n; c += 4 * kCount) argmax_vectors<4>(taps, positions, count, best, at, c);
    for (; c + kCount <= n; c += kCount) argmax_vectors<1>(taps, positions, count, best, at, c);
    if (c < n && n > kCount) {  // the last vector overlaps the one before
      argmax_vectors<1>(taps, positions, count, best, at, n - kCount);
      c = n;
    }
  }
  for (; c < n; ++c) {
    T top = taps[0][c];
    at[c] = positions[0];
    for (int64_t t = 1; t < count; ++t)
      if (taps[t][c] > top) {
        top = taps[t][c];
        at[c] = positions[t];
      }
    if (best) best[c] = top;
  }
}

template <int kVectors, class T>
inline __attribute__((always_inline)) void select_vectors(const T* const* g, const int32_t* const* at, int32_t position,
                                                          int64_t count, T* out, int64_t c) {
  using L = Lanes<T>;
  using V = typename L::Value;
  using I = typename L::Index;
  const I wanted = I{} + position;
  V sum[kVectors] = {};
  for (int64_t j = 0; j < count; ++j)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t k = c + v * L::kCount;
      const I where = __builtin_convertvector(*reinterpret_cast<const typename L::Stored*>(at[j] + k), I);
      sum[v] += where == wanted ? *reinterpret_cast<const V*>(g[j] + k) : V{};
    }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) *reinterpret_cast<V*>(out + c + v * L::kCount) = sum[v];
}

template <class T>
void select(const T* const* g, const int32_t* const* at, int32_t position, int64_t count, T* out, int64_t n) {
  int64_t c = 0;
  if constexpr (Lanes<T>::kFits) {
    constexpr int64_t kCount = Lanes<T>::kCount;
    for (; c + 4 * kCount <= n; c += 4 * kCount) select_vectors<4>(g, at, position, count, out, c);
    for (; c + kCount <= n; c += kCount) select_vectors<1>(g, at, position, count, out, c);
  }
  for (; c < n; ++c) {
    T sum = T(0);
    for (int64_t j = 0; j < count; ++j) sum += at[j][c] == position ? g[j][c] : T(0);
    out[c] = sum;
  }
}

// A vector from element i on, of which the first `done` lanes are left alone.
template <class T>
inline __attribute__((always_inline)) void send_vector(const T* g, const int32_t* at, int32_t position, T* out,
                                                       int64_t i, int64_t done) {
  using L = Lanes<T>;
  using I = typename L::Index;
  using V = typename L::Value;
  I lane;
  for (int k = 0; k < L::kCount; ++k) lane[k] = k;
  const I where = __builtin_convertvector(*reinterpret_cast<const typename L::Stored*>(at + i), I);
  const I wanted = (where == I{} + position) & (lane >= I{} + static_cast<typename L::Wide>(done));
  *reinterpret_cast<V*>(out + i) += wanted ? *reinterpret_cast<const V*>(g + i) : V{};
}

template <class T>
void send(const T* g, const int32_t* at, int32_t position, T* out, int64_t n) {
  int64_t i = 0;
  if constexpr (Lanes<T>::kFits) {
    constexpr int64_t kCount = Lanes<T>::kCount;
    for (; i + kCount <= n; i += kCount) send_vector(g, at, position, out, i, 0);
    if (i < n && n > kCount) {
      send_vector(g, at, position, out, n - kCount, kCount - (n - i));
      i = n;
    }
  }
  for (; i < n; ++i) out[i] += at[i] == position ? g[i] : T(0);
}

template <int kVectors, class T>
inline __attribute__((always_inline)) void weighted_vectors(const T* const* taps, const T* scales, int64_t count,
                                                            T* out, int64_t c) {
  using L = Lanes<T>;
  using V = typename L::Value;
  V sum[kVectors] = {};
  for (int64_t t = 0; t < count; ++t)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sum[v] += scales[t] * *reinterpret_cast<const V*>(taps[t] + c + v * L::kCount);
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) *reinterpret_cast<V*>(out + c + v * L::kCount) = sum[v];
}

template <class T>
void weighted(const T* const* taps, const T* scales, int64_t count, T* out, int64_t n) {
  int64_t c = 0;
  if constexpr (Lanes<T>::kFits) {
    constexpr int64_t kCount = Lanes<T>::kCount;
    for (; c + 4 * kCount <= n; c += 4 * kCount) weighted_vectors<4>(taps, scales, count, out, c);
    for (; c + kCount <= n; c += kCount) weighted_vectors<1>(taps, scales, count, out, c);
  }
  for (; c < n; ++c) {
    T sum = T(0);
    for (int64_t t = 0; t < count; ++t) sum += scales[t] * taps[t][c];
    out[c] = sum;
  }
}

// Calls fn(from, to) for tap k of every output: elements of the line and of the outputs. The steps that matter
// are constants, for the compiler to make vectors of.
template <class Fn>
inline __attribute__((always_inline)) void along(int64_t step, int64_t taps, int64_t count, int64_t n, const Fn& fn) {
  for (int64_t k = 0; k < taps; ++k) {
    const int64_t first = k * n;
    if (step == n)
      for (int64_t i = 0; i < count * n; ++i) fn(first + i, i);
    else if (step == 2 && n == 1)
      for (int64_t i = 0; i < count; ++i) fn(first + 2 * i, i);
    else
      for (int64_t i = 0; i < count; ++i)
        for (int64_t c = 0; c < n; ++c) fn(first + i * step + c, i * n + c);
  }
}

template <class Op, class T>
inline __attribute__((always_inline)) void reduce_along(const T* __restrict line, int64_t step, int64_t taps,
                                                        T* __restrict out, int64_t count, int64_t n) {
  for (int64_t i = 0; i < count * n; ++i) out[i] = Op().start();
  along(step, taps, count, n, [=](int64_t from, int64_t to) { out[to] = Op::step(out[to], line[from]); });
}

template <class T>
void max_along(const T* line, int64_t step, int64_t taps, T* out, int64_t count, int64_t n) {
  reduce_along<Max<T>>(line, step, taps, out, count, n);
}

template <class T>
void sum_along(const T* line, int64_t step, int64_t taps, T* out, int64_t count, int64_t n) {
  reduce_along<Sum<T>>(line, step, taps, out, count, n);
}

template <class T>
void spread(const T* __restrict x, T* __restrict line, int64_t step, int64_t taps, int64_t count, int64_t n) {
  along(step, taps, count, n, [=](int64_t to, int64_t from) { line[to] += x[from]; });
}

#define TFMINI_LOOPS(T) \
  {max<T>, argmax<T>, select<T>, send<T>, sum<T>, weighted<T>, max_along<T>, sum_along<T>, spread<T>}

}  // namespace

const PoolTable pool_table = {TFMINI_LOOPS(float),   TFMINI_LOOPS(double),  TFMINI_LOOPS(int8_t),
                              TFMINI_LOOPS(int16_t), TFMINI_LOOPS(int32_t), TFMINI_LOOPS(int64_t),
                              TFMINI_LOOPS(uint8_t), TFMINI_LOOPS(uint16_t)};

}  // namespace tfmini::simd::TFMINI_ISA
