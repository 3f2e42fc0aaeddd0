// Products with at most kThinRows rows on the left: one pass over the big matrix, which is read in
// the order it lies in memory and never copied.
#pragma once

#include <cstdint>

#include "simd/dispatch.h"

namespace tfmini::simd {

constexpr int kThinRows = 4;

template <class T>
struct ThinKernels {
  // c[i][0..n) (+)= sum over p of a[i][p] * b[p][0..n): b row-major. Row i of a starts at a + i * lda.
  void (*rows[kThinRows])(int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c, int64_t ldc,
                          bool accumulate);
  // c[i * c_row + j * c_col] (+)= dot(a[i], b[j]) for j < n: both contiguous along k.
  void (*dots[kThinRows])(int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c, int64_t c_row,
                          int64_t c_col, bool accumulate);
};

struct ThinTable {
  ThinKernels<float> f32;
  ThinKernels<double> f64;
};

TFMINI_SIMD_TABLE(ThinTable, thin_table)

}  // namespace tfmini::simd
