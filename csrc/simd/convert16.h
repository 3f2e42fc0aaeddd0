// Blocks of 16-bit floats to float and back, for loops that compute in float. Include only from csrc/simd/*.cc.
#pragma once

#include <cstdint>

#include "core/half.h"

#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace tfmini::simd {
namespace {

// Fits L1 twice over; long enough that a loop's call overhead disappears.
constexpr int64_t kBlock16 = 512;

[[maybe_unused]] __attribute__((noinline)) void to_float(const BFloat16* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = x[i];
}
[[maybe_unused]] __attribute__((noinline)) void from_float(const float* x, BFloat16* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = BFloat16(x[i]);
}
[[maybe_unused]] __attribute__((noinline)) void to_float(const Half* x, float* y, int64_t n) {
  int64_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i))));
#endif
  for (; i < n; ++i) y[i] = x[i];
}
[[maybe_unused]] __attribute__((noinline)) void from_float(const float* x, Half* y, int64_t n) {
  int64_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#endif
  for (; i < n; ++i) y[i] = Half(x[i]);
}

}  // namespace
}  // namespace tfmini::simd
