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

template <class T>
void argmax(const T* const* taps, const int32_t* positions, int64_t count, T* best, int32_t* at, int64_t n) {
  int64_t c = 0;
  if constexpr (Lanes<T>::kFits) {
    using L = Lanes<T>;
    using V = typename L::Value;
    using I = typename L::Index;
    using S = typename L::Stored;
    for (; c + L::kCount <= n; c += L::kCount) {
      V top = *reinterpret_cast<const V*>(taps[0] + c);
      I where = I{} + positions[0];
      for (int64_t t = 1; t < count; ++t) {
        const V x = *reinterpret_cast<const V*>(taps[t] + c);
        const I greater = x > top;
        top = greater ? x : top;
        where = greater ? I{} + positions[t] : where;
      }
      *reinterpret_cast<V*>(best + c) = top;
      *reinterpret_cast<S*>(at + c) = __builtin_convertvector(where, S);
    }
  }
  for (; c < n; ++c) {
    best[c] = taps[0][c];
    at[c] = positions[0];
    for (int64_t t = 1; t < count; ++t)
      if (taps[t][c] > best[c]) {
        best[c] = taps[t][c];
        at[c] = positions[t];
      }
  }
}

template <class T>
void select(const T* const* g, const int32_t* const* at, int32_t position, int64_t count, T* out, int64_t n) {
  int64_t c = 0;
  if constexpr (Lanes<T>::kFits) {
    using L = Lanes<T>;
    using V = typename L::Value;
    using I = typename L::Index;
    using S = typename L::Stored;
    for (; c + L::kCount <= n; c += L::kCount) {
      V sum = {};
      for (int64_t j = 0; j < count; ++j) {
        const I where = __builtin_convertvector(*reinterpret_cast<const S*>(at[j] + c), I);
        sum += where == I{} + position ? *reinterpret_cast<const V*>(g[j] + c) : V{};
      }
      *reinterpret_cast<V*>(out + c) = sum;
    }
  }
  for (; c < n; ++c) {
    T sum = T(0);
    for (int64_t j = 0; j < count; ++j) sum += at[j][c] == position ? g[j][c] : T(0);
    out[c] = sum;
  }
}

template <class T>
void weighted(const T* const* taps, const T* scales, int64_t count, T* __restrict out, int64_t n) {
  for (int64_t c = 0; c < n; ++c) out[c] = T(0);
  for (int64_t t = 0; t < count; ++t) {
    const T* x = taps[t];
    const T scale = scales[t];
    for (int64_t c = 0; c < n; ++c) out[c] += scale * x[c];
  }
}

#define TFMINI_LOOPS(T) {max<T>, argmax<T>, select<T>, sum<T>, weighted<T>}

}  // namespace

const PoolTable pool_table = {TFMINI_LOOPS(float),   TFMINI_LOOPS(double),  TFMINI_LOOPS(int8_t),
                              TFMINI_LOOPS(int16_t), TFMINI_LOOPS(int32_t), TFMINI_LOOPS(int64_t),
                              TFMINI_LOOPS(uint8_t), TFMINI_LOOPS(uint16_t)};

}  // namespace tfmini::simd::TFMINI_ISA
