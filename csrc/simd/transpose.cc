#include "simd/transpose.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace tfmini::simd::TFMINI_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

#define TFMINI_INLINE inline __attribute__((always_inline))

// GCC drops vector_size on a dependent type's alias, hence one struct per element type.
template <class T, int kBytes>
struct Vec;
#define TFMINI_VEC(T)                                                         \
  template <int kBytes>                                                       \
  struct Vec<T, kBytes> {                                                     \
    typedef T type __attribute__((vector_size(kBytes), aligned(alignof(T)))); \
  };
TFMINI_VEC(uint8_t)
TFMINI_VEC(uint16_t)
TFMINI_VEC(uint32_t)
TFMINI_VEC(uint64_t)

// 0, 1, ..., N - 1 as template arguments.
template <int... I>
struct Lanes {};
template <int N, int... I>
struct MakeLanes : MakeLanes<N - 1, N - 1, I...> {};
template <int... I>
struct MakeLanes<0, I...> {
  using type = Lanes<I...>;
};

template <int L, class V, int... I>
TFMINI_INLINE V interleave_low(V a, V b, Lanes<I...>) {
  return __builtin_shufflevector(a, b, ((I & 1) ? L + I / 2 : I / 2)...);
}
template <int L, class V, int... I>
TFMINI_INLINE V interleave_high(V a, V b, Lanes<I...>) {
  return __builtin_shufflevector(a, b, ((I & 1) ? L + L / 2 + I / 2 : L / 2 + I / 2)...);
}

// A perfect shuffle of rows, with their lanes; log2(L) of them transpose an L x L square. Each is one
// instruction per register on x86-64 and ARM alike.
template <int L, int kLeft, class V>
TFMINI_INLINE void shuffle_rows(V* r) {
  if constexpr (kLeft > 1) {
    V next[L];
    for (int i = 0; i < L / 2; ++i) {
      next[2 * i] = interleave_low<L>(r[i], r[i + L / 2], typename MakeLanes<L>::type{});
      next[2 * i + 1] = interleave_high<L>(r[i], r[i + L / 2], typename MakeLanes<L>::type{});
    }
    for (int i = 0; i < L; ++i) r[i] = next[i];
    shuffle_rows<L, kLeft / 2>(r);
  }
}

template <class T>
TFMINI_INLINE void scalar(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) out[i * out_stride + j] = in[j * in_stride + i];
}

// Two to four rows of a dense source, or columns of a dense destination, as channels of images are: groups of so many
// elements, which the compiler knows how to load and store in vectors.
template <int kParts, class T>
void split(const T* __restrict in, T* __restrict out, int64_t out_stride, int64_t cols) {
  for (int64_t j = 0; j < cols; ++j)
#pragma GCC unroll 4
    for (int i = 0; i < kParts; ++i) out[i * out_stride + j] = in[j * kParts + i];
}
template <int kParts, class T>
void join(const T* __restrict in, int64_t in_stride, T* __restrict out, int64_t rows) {
  for (int64_t i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kParts; ++j) out[i * kParts + j] = in[j * in_stride + i];
}
template <int kParts, class T>
TFMINI_INLINE bool split_or_join(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows,
                                 int64_t cols) {
  if (rows == kParts && in_stride == kParts)
    split<kParts>(in, out, out_stride, cols);
  else if (cols == kParts && out_stride == kParts)
    join<kParts>(in, in_stride, out, rows);
  else
    return false;
  return true;
}
template <class T>
TFMINI_INLINE bool narrow(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows, int64_t cols) {
  return split_or_join<2>(in, in_stride, out, out_stride, rows, cols) ||
         split_or_join<3>(in, in_stride, out, out_stride, rows, cols) ||
         split_or_join<4>(in, in_stride, out, out_stride, rows, cols);
}

// Stores past the cache, where the instruction set has them for whole vectors of V.
template <class V>
TFMINI_INLINE void stream_store(V* out, V value) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64)
    return _mm512_stream_si512(reinterpret_cast<__m512i*>(out), reinterpret_cast<__m512i>(value));
#endif
#if defined(__AVX__)
  if constexpr (sizeof(V) == 32)
    return _mm256_stream_si256(reinterpret_cast<__m256i*>(out), reinterpret_cast<__m256i>(value));
#endif
#if defined(__SSE2__)
  if constexpr (sizeof(V) == 16)
    return _mm_stream_si128(reinterpret_cast<__m128i*>(out), reinterpret_cast<__m128i>(value));
#endif
  *out = value;
}

TFMINI_INLINE void fence() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

// Do all rows of the output begin and end at cache lines?
template <class T>
TFMINI_INLINE bool whole_lines(const T* out, int64_t out_stride, int64_t cols) {
  constexpr int64_t kLine = 64 / sizeof(T);
  return reinterpret_cast<uintptr_t>(out) % 64 == 0 && out_stride % kLine == 0 && cols % kLine == 0;
}

// 1- and 2-byte elements: squares in 16-byte registers meet in a buffer, from which whole cache lines go out: with
// strides that are a power of two all rows of a tile fall into one cache set, and would push each other out half
// written.
template <class T>
void transpose_buffered(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows, int64_t cols,
                        bool large) {
  using V = typename Vec<T, 16>::type;
  constexpr int L = 16 / sizeof(T);
  constexpr int64_t kSide = 64;
  if (narrow(in, in_stride, out, out_stride, rows, cols)) return;
  if (rows < L || cols < L) return scalar(in, in_stride, out, out_stride, rows, cols);
  alignas(64) T tile[kSide * kSide];
  const bool stream = large && whole_lines(out, out_stride, cols);
  for (int64_t i0 = 0; i0 < rows; i0 += kSide)
    for (int64_t j0 = 0; j0 < cols; j0 += kSide) {
      const int64_t m = rows - i0 < kSide ? rows - i0 : kSide, n = cols - j0 < kSide ? cols - j0 : kSide;
      const int64_t full_m = m - m % L, full_n = n - n % L;
      const T* from = in + j0 * in_stride + i0;
      for (int64_t j = 0; j < full_n; j += L)
        for (int64_t i = 0; i < full_m; i += L) {
          V r[L];
          for (int k = 0; k < L; ++k) r[k] = *reinterpret_cast<const V*>(from + (j + k) * in_stride + i);
          shuffle_rows<L, L>(r);
          for (int k = 0; k < L; ++k) *reinterpret_cast<V*>(tile + (i + k) * kSide + j) = r[k];
        }
      scalar(from + full_n * in_stride, in_stride, tile + full_n, kSide, full_m, n - full_n);
      scalar(from + full_m, in_stride, tile + full_m * kSide, kSide, m - full_m, n);
      for (int64_t i = 0; i < m; ++i) {
        T* to = out + (i0 + i) * out_stride + j0;
        if (stream)
          for (int64_t j = 0; j < n; j += L)
            stream_store(reinterpret_cast<V*>(to + j), *reinterpret_cast<const V*>(tile + i * kSide + j));
        else
          __builtin_memcpy(to, tile + i * kSide, n * sizeof(T));
      }
    }
  if (stream) fence();
}

// Wider elements: squares straight from source to destination. As many side by side as make up cache lines may go out
// past the cache, in the order of the source; otherwise each line of the destination is completed before the next.
template <class T>
void transpose_direct(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows, int64_t cols,
                      bool large) {
  using V = typename Vec<T, kVectorBytes>::type;
  constexpr int L = kVectorBytes / sizeof(T);
  constexpr int kSquares = kVectorBytes >= 32 ? 64 / kVectorBytes : 1;
  if (narrow(in, in_stride, out, out_stride, rows, cols)) return;
  const int64_t full_rows = rows - rows % L, full_cols = cols - cols % L;
  const auto load = [&](int64_t i, int64_t j, V* r) __attribute__((always_inline)) {
    for (int k = 0; k < L; ++k) r[k] = *reinterpret_cast<const V*>(in + (j + k) * in_stride + i);
    shuffle_rows<L, L>(r);
  };
  if (large && kVectorBytes >= 32 && whole_lines(out, out_stride, full_cols)) {
    for (int64_t j = 0; j < full_cols; j += kSquares * L)
      for (int64_t i = 0; i < full_rows; i += L) {
        V r[kSquares][L];
        for (int s = 0; s < kSquares; ++s) load(i, j + s * L, r[s]);
        for (int k = 0; k < L; ++k)
          for (int s = 0; s < kSquares; ++s)
            stream_store(reinterpret_cast<V*>(out + (i + k) * out_stride + j + s * L), r[s][k]);
      }
    fence();
  } else {
    for (int64_t i = 0; i < full_rows; i += L)
      for (int64_t j = 0; j < full_cols; j += L) {
        V r[L];
        load(i, j, r);
        for (int k = 0; k < L; ++k) *reinterpret_cast<V*>(out + (i + k) * out_stride + j) = r[k];
      }
  }
  scalar(in + full_cols * in_stride, in_stride, out + full_cols, out_stride, full_rows, cols - full_cols);
  scalar(in + full_rows, in_stride, out + full_rows * out_stride, out_stride, rows - full_rows, cols);
}

}  // namespace

extern const TransposeTable transpose_table = {transpose_buffered<uint8_t>, transpose_buffered<uint16_t>,
                                               transpose_direct<uint32_t>, transpose_direct<uint64_t>};

}  // namespace tfmini::simd::TFMINI_ISA
