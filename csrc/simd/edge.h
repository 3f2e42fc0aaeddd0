// Parts of vectors, where a row ends: nothing beyond it is read or written. Only for float and double, and only for
// csrc/simd/*.cc.
#pragma once

#include <cstdint>

#include "simd/vec.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace tfmini::simd {
namespace {

// Whether loading a part takes no longer than loading a whole vector.
#if defined(__AVX2__)
constexpr bool kMaskedLoads = true;
#else
constexpr bool kMaskedLoads = false;
#endif

// The first `count` lanes of a vector, at most all of them.
#if defined(__AVX512F__)
template <class T>
class Edge {
 public:
  TFMINI_ALWAYS_INLINE explicit Edge(int64_t count) : mask_(static_cast<__mmask16>((1u << count) - 1)) {}

  // The other lanes are zero.
  TFMINI_ALWAYS_INLINE Vec<T> load(const T* p) const {
    if constexpr (sizeof(T) == 4)
      return (Vec<T>)_mm512_maskz_loadu_ps(mask_, p);
    else
      return (Vec<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask_), p);
  }
  TFMINI_ALWAYS_INLINE void store(T* p, Vec<T> v) const {
    if constexpr (sizeof(T) == 4)
      _mm512_mask_storeu_ps(p, mask_, (__m512)v);
    else
      _mm512_mask_storeu_pd(p, static_cast<__mmask8>(mask_), (__m512d)v);
  }

 private:
  __mmask16 mask_;
};
#elif defined(__AVX2__)
// In 32-bit words, whatever T is. Masked stores take 12 cycles on some processors, so two pieces that overlap are
// stored: the first words, and the last ones, moved to where the first were.
template <class T>
class Edge {
 public:
  TFMINI_ALWAYS_INLINE explicit Edge(int64_t count) : words_(count * static_cast<int64_t>(sizeof(T) / 4)) {
    const __m256i numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const int64_t piece = words_ >= 4 ? 4 : words_ >= 2 ? 2 : 1;
    mask_ = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(words_)), numbers);
    last_ = _mm256_add_epi32(_mm256_set1_epi32(static_cast<int>(words_ - piece)), numbers);
  }

  TFMINI_ALWAYS_INLINE Vec<T> load(const T* p) const {
    return (Vec<T>)_mm256_maskload_ps(reinterpret_cast<const float*>(p), mask_);
  }
  TFMINI_ALWAYS_INLINE void store(T* to, Vec<T> v) const {
    float* const p = reinterpret_cast<float*>(to);
    const __m128 first = _mm256_castps256_ps128((__m256)v);
    const __m128 last = _mm256_castps256_ps128(_mm256_permutevar8x32_ps((__m256)v, last_));
    if (words_ >= 4) {
      _mm_storeu_ps(p, first);
      _mm_storeu_ps(p + words_ - 4, last);
    } else if (words_ >= 2) {
      _mm_storel_pi(reinterpret_cast<__m64*>(p), first);
      _mm_storel_pi(reinterpret_cast<__m64*>(p + words_ - 2), last);
    } else if (words_ == 1) {
      _mm_store_ss(p, first);
    }
  }

 private:
  int64_t words_;
  __m256i mask_, last_;
};
#else
template <class T>
class Edge {
 public:
  TFMINI_ALWAYS_INLINE explicit Edge(int64_t count) : count_(count) {}

  TFMINI_ALWAYS_INLINE Vec<T> load(const T* p) const {
    T lanes[kLanes<T>] = {};
    copy(p, lanes);
    return simd::load(lanes);
  }
  TFMINI_ALWAYS_INLINE void store(T* p, Vec<T> v) const {
    T lanes[kLanes<T>];
    simd::store(lanes, v);
    copy(lanes, p);
  }

 private:
  // As two pieces of a size known to the compiler, which overlap.
  TFMINI_ALWAYS_INLINE void copy(const T* from, T* to) const {
#pragma GCC unroll 5
    for (int piece = kLanes<T>; piece > 0; piece /= 2)
      if (count_ >= piece) {
        const int64_t second = count_ - piece;
        __builtin_memcpy(to, from, static_cast<unsigned long>(piece) * sizeof(T));
        __builtin_memcpy(to + second, from + second, static_cast<unsigned long>(piece) * sizeof(T));
        return;
      }
  }

  int64_t count_;
};
#endif

// The same for whole vectors, for loops that are written once for both.
struct Whole {
  template <class T>
  TFMINI_ALWAYS_INLINE Vec<T> load(const T* p) const {
    return simd::load(p);
  }
  template <class T>
  TFMINI_ALWAYS_INLINE void store(T* p, Vec<T> v) const {
    simd::store(p, v);
  }
};

}  // namespace
}  // namespace tfmini::simd
