#include "simd/gemv.h"

#include "simd/gemm_tile.h"

namespace tfmini::simd {
namespace {

// Sums per pass: they stay in the first-level cache while rows of b stream by.
constexpr int64_t kStripBytes = 16384;

// kDepth rows of b at once, so that sums are loaded and stored once per kDepth products.
template <class T, int kRows, int kDepth>
TFMINI_ALWAYS_INLINE void add_rows(int64_t n, const T* a, int64_t lda, const T* b, int64_t ldb, T* c, int64_t ldc) {
  int64_t j = 0;
  for (; j + kLanes<T> <= n; j += kLanes<T>) {
    Vec<T> sum[kRows];
    for (int i = 0; i < kRows; ++i) sum[i] = load(c + i * ldc + j);
#pragma GCC unroll 8
    for (int p = 0; p < kDepth; ++p) {
      const Vec<T> bv = load(b + p * ldb + j);
      for (int i = 0; i < kRows; ++i) sum[i] += broadcast(a[i * lda + p]) * bv;
    }
    for (int i = 0; i < kRows; ++i) store(c + i * ldc + j, sum[i]);
  }
  for (; j < n; ++j)
    for (int i = 0; i < kRows; ++i) {
      T sum = c[i * ldc + j];
      for (int p = 0; p < kDepth; ++p) sum += a[i * lda + p] * b[p * ldb + j];
      c[i * ldc + j] = sum;
    }
}

template <class T, int kRows>
void thin_rows(int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c, int64_t ldc,
               bool accumulate) {
  constexpr int64_t kStrip = kStripBytes / (kRows * static_cast<int64_t>(sizeof(T))) / 64 * 64;
  for (int64_t j = 0; j < n; j += kStrip, b += kStrip, c += kStrip) {
    const int64_t cols = n - j < kStrip ? n - j : kStrip;
    if (!accumulate)
      for (int i = 0; i < kRows; ++i) __builtin_memset(c + i * ldc, 0, static_cast<unsigned long>(cols) * sizeof(T));
    int64_t p = 0;
    for (; p + 8 <= k; p += 8) add_rows<T, kRows, 8>(cols, a + p, lda, b + p * ldb, ldb, c, ldc);
    for (; p < k; ++p) add_rows<T, kRows, 1>(cols, a + p, lda, b + p * ldb, ldb, c, ldc);
  }
}

template <class T>
TFMINI_ALWAYS_INLINE T sum_lanes(Vec<T> v) {
  T lanes[kLanes<T>];
  store(lanes, v);
  for (int width = kLanes<T> / 2; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  return lanes[0];
}

// kRows x kCols dot products at once.
template <class T, int kRows, int kCols>
TFMINI_ALWAYS_INLINE void dot_block(int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c, int64_t c_row,
                                    int64_t c_col, bool accumulate) {
  Vec<T> sum[kRows][kCols] = {};
  int64_t p = 0;
  for (; p + kLanes<T> <= k; p += kLanes<T>)
    for (int j = 0; j < kCols; ++j) {
      const Vec<T> bv = load(b + j * ldb + p);
      for (int i = 0; i < kRows; ++i) sum[i][j] += load(a + i * lda + p) * bv;
    }
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kCols; ++j) {
      T total = sum_lanes<T>(sum[i][j]);
      for (int64_t q = p; q < k; ++q) total += a[i * lda + q] * b[j * ldb + q];
      T& out = c[i * c_row + j * c_col];
      out = accumulate ? out + total : total;
    }
}

template <class T, int kRows>
void thin_dots(int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c, int64_t c_row,
               int64_t c_col, bool accumulate) {
  int64_t j = 0;
  for (; j + 4 <= n; j += 4)
    dot_block<T, kRows, 4>(k, a, lda, b + j * ldb, ldb, c + j * c_col, c_row, c_col, accumulate);
  for (; j < n; ++j) dot_block<T, kRows, 1>(k, a, lda, b + j * ldb, ldb, c + j * c_col, c_row, c_col, accumulate);
}

template <class T>
constexpr ThinKernels<T> kernels() {
  return {{thin_rows<T, 1>, thin_rows<T, 2>, thin_rows<T, 3>, thin_rows<T, 4>},
          {thin_dots<T, 1>, thin_dots<T, 2>, thin_dots<T, 3>, thin_dots<T, 4>}};
}

}  // namespace

namespace TFMINI_ISA {
constinit const ThinTable thin_table = {kernels<float>(), kernels<double>()};
}

}  // namespace tfmini::simd
