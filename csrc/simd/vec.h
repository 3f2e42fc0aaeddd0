// Native vectors through GCC's vector extension: as wide as the instruction set this file is being
// compiled for, with + - * / and comparisons built in, portable to any target GCC or Clang knows.
// Only for files in csrc/simd; everything is in an anonymous namespace, so that code for one ISA
// never serves another.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "core/dtype.h"

namespace tfmini::simd {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(kVectorBytes)));
};
template <class T>
using Vec = typename VectorOf<T>::type;
template <class T>
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

template <class T>
TFMINI_ALWAYS_INLINE Vec<T> splat(T value) {
  return Vec<T>{} + value;
}

// The vector at p, unaligned; 16-bit floats are widened to float.
template <class T>
TFMINI_ALWAYS_INLINE Vec<ComputeType<T>> load(const T* p) {
  using C = ComputeType<T>;
  Vec<C> v;
  if constexpr (sizeof(T) == sizeof(C)) {
    std::memcpy(&v, p, sizeof v);
  } else {
    C wide[kLanes<C>];
    for (int i = 0; i < kLanes<C>; ++i) wide[i] = static_cast<C>(p[i]);
    std::memcpy(&v, wide, sizeof v);
  }
  return v;
}

template <class T>
TFMINI_ALWAYS_INLINE void store(T* p, Vec<ComputeType<T>> v) {
  using C = ComputeType<T>;
  if constexpr (sizeof(T) == sizeof(C)) {
    std::memcpy(p, &v, sizeof v);
  } else {
    C wide[kLanes<C>];
    std::memcpy(wide, &v, sizeof v);
    for (int i = 0; i < kLanes<C>; ++i) p[i] = T(wide[i]);
  }
}

// Lane i gets lane i + by (counted round). Folding with halves, quarters... of the width reduces a vector in registers.
template <int by, class T>
TFMINI_ALWAYS_INLINE T rotate(T v) {
  constexpr int lanes = sizeof(T) / sizeof(v[0]);
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(v, v, (i + by) % lanes...);
  }(std::make_integer_sequence<int, lanes>{});
}

// The first n elements at p, of at most a vector; the other lanes hold `fill`. Only those n are touched.
template <class T>
TFMINI_ALWAYS_INLINE Vec<ComputeType<T>> load_partial(const T* p, int64_t n, ComputeType<T> fill) {
  using C = ComputeType<T>;
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    return (Vec<C>)(_mm512_mask_loadu_ps(_mm512_set1_ps(fill), static_cast<__mmask16>((1u << n) - 1), p));
  else if constexpr (std::is_same_v<T, double>)
    return (Vec<C>)(_mm512_mask_loadu_pd(_mm512_set1_pd(fill), static_cast<__mmask8>((1u << n) - 1), p));
#elif defined(__AVX2__)
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
    using Bits = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
    Vec<Bits> lane;
    for (int i = 0; i < kLanes<T>; ++i) lane[i] = i;
    const Vec<Bits> mask = lane < splat(static_cast<Bits>(n));
    Vec<C> v;
    if constexpr (sizeof(T) == 4)
      v = (Vec<C>)(_mm256_maskload_ps(p, (__m256i)mask));
    else
      v = (Vec<C>)(_mm256_maskload_pd(p, (__m256i)mask));
    return mask ? v : splat<C>(fill);
  }
#endif
  C wide[kLanes<C>];
  for (int i = 0; i < kLanes<C>; ++i) wide[i] = fill;
  for (int64_t i = 0; i < n; ++i) wide[i] = static_cast<C>(p[i]);
  Vec<C> v;
  std::memcpy(&v, wide, sizeof v);
  return v;
}

}  // namespace
}  // namespace tfmini::simd
