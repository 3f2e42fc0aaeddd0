// Native vectors through GCC's vector extension: as wide as the instruction set this file is being
// compiled for, with + - * / and comparisons built in, portable to any target GCC or Clang knows.
// Only for files in csrc/simd; everything is in an anonymous namespace, so that code for one ISA
// never serves another.
#pragma once

#include <cstdint>
#include <cstring>

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

// The first n < kLanes elements at p; the other lanes hold `fill`.
template <class T>
TFMINI_ALWAYS_INLINE Vec<ComputeType<T>> load_partial(const T* p, int64_t n, ComputeType<T> fill) {
  using C = ComputeType<T>;
  C wide[kLanes<C>];
  for (int i = 0; i < kLanes<C>; ++i) wide[i] = fill;
  for (int64_t i = 0; i < n; ++i) wide[i] = static_cast<C>(p[i]);
  Vec<C> v;
  std::memcpy(&v, wide, sizeof v);
  return v;
}

template <class T>
TFMINI_ALWAYS_INLINE void store_partial(T* p, int64_t n, Vec<ComputeType<T>> v) {
  ComputeType<T> wide[kLanes<ComputeType<T>>];
  std::memcpy(wide, &v, sizeof v);
  for (int64_t i = 0; i < n; ++i) p[i] = T(wide[i]);
}

}  // namespace
}  // namespace tfmini::simd
