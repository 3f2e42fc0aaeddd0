// What the elementary functions are made of: bit casts, fused multiply-add, polynomials, sign and rounding.
#pragma once

#include <cstdint>

#include "core/half.h"

#if defined(__CUDA_ARCH__)
#define TFMINI_LIBM(name) ::name
#else
#define TFMINI_LIBM(name) __builtin_##name
#endif

namespace tfmini::simd::math {

#define TFMINI_FN TFMINI_ALWAYS_INLINE

template <class To, class From>
TFMINI_FN To bits(From from) {
  return __builtin_bit_cast(To, from);
}

inline constexpr float kInfF = __builtin_inff();
inline constexpr float kNanF = __builtin_nanf("");
inline constexpr double kPi = 3.14159265358979323846;

// a * b + c: fused where the machine can, two roundings elsewhere. Constants below are chosen to work with both.
TFMINI_FN float madd(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__CUDA_ARCH__)
  return TFMINI_LIBM(fmaf)(a, b, c);
#else
  return a * b + c;
#endif
}
TFMINI_FN double madd(double a, double b, double c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__CUDA_ARCH__)
  return TFMINI_LIBM(fma)(a, b, c);
#else
  return a * b + c;
#endif
}

// c0 + c1 x + c2 x^2 + ..., by Horner's rule in x^2 over pairs of terms: one multiplication more than in x, half as
// long a chain of operations that wait for each other. Loops over these functions are bound by how much of them fits
// into the registers of a processor at once, which is work times that length.
namespace detail {
template <class T>
TFMINI_FN T pairs(T, T, T c0) {
  return c0;
}
template <class T, class... Rest>
TFMINI_FN T pairs(T x, T x2, T c0, T c1, Rest... rest) {
  if constexpr (sizeof...(Rest) == 0)
    return madd(x, c1, c0);
  else
    return madd(x2, pairs(x, x2, rest...), madd(x, c1, c0));
}
}  // namespace detail
template <class T, class... C>
TFMINI_FN T poly(T x, C... c) {
  return detail::pairs(x, x * x, c...);
}

TFMINI_FN float abs(float x) { return bits<float>(bits<uint32_t>(x) & 0x7fffffffu); }
TFMINI_FN double abs(double x) { return bits<double>(bits<uint64_t>(x) & 0x7fffffffffffffffull); }
TFMINI_FN float copysign(float x, float sign) {
  return bits<float>((bits<uint32_t>(x) & 0x7fffffffu) | (bits<uint32_t>(sign) & 0x80000000u));
}
TFMINI_FN double copysign(double x, double sign) {
  return bits<double>((bits<uint64_t>(x) & 0x7fffffffffffffffull) | (bits<uint64_t>(sign) & 0x8000000000000000ull));
}
// The same for x >= 0 (or NaN).
TFMINI_FN float with_sign(float x, float sign) {
  return bits<float>(bits<uint32_t>(x) | (bits<uint32_t>(sign) & 0x80000000u));
}
template <class T>
TFMINI_FN bool is_nan(T x) {
  return x != x;
}
// A NaN x passes through both.
template <class T>
TFMINI_FN T at_least(T x, T bound) {
  return x < bound ? bound : x;
}
template <class T>
TFMINI_FN T at_most(T x, T bound) {
  return x > bound ? bound : x;
}
// Both comparisons look at x: GCC would make seven operations of one after the other.
template <class T>
TFMINI_FN T clamp(T x, T low, T high) {
  const bool below = x<low, above = x> high;
  const T y = below ? low : x;
  return above ? high : y;
}

// --- rounding ------------------------------------------------------------------------------------
// Adding 2^23 (2^52) leaves no fraction bits, so the adder rounds to nearest even; below SSE4.1 there is nothing
// faster.
TFMINI_FN float rint(float x) {
  const float a = abs(x), r = (a + 8388608.0f) - 8388608.0f;
  return a < 8388608.0f ? copysign(r, x) : x;
}
TFMINI_FN double rint(double x) {
  const double a = abs(x), r = (a + 4503599627370496.0) - 4503599627370496.0;
  return a < 4503599627370496.0 ? copysign(r, x) : x;
}
template <class T>
TFMINI_FN T floor(T x) {
  const T r = rint(x);
  return copysign(r > x ? r - T(1) : r, x);
}
template <class T>
TFMINI_FN T ceil(T x) {
  const T r = rint(x);
  return copysign(r < x ? r + T(1) : r, x);
}
template <class T>
TFMINI_FN T trunc(T x) {
  const T r = rint(x);
  return copysign(abs(r) > abs(x) ? abs(r) - T(1) : r, x);
}
TFMINI_FN float sqrt(float x) { return TFMINI_LIBM(sqrtf)(x); }
TFMINI_FN double sqrt(double x) { return TFMINI_LIBM(sqrt)(x); }

}  // namespace tfmini::simd::math
