// The GEMM micro-kernel: one register tile of C = A B over packed panels.
//
// A panel of A holds `rows` rows, k steps of `rows` elements; a panel of B holds `cols` columns, k
// steps of `cols` elements (see gemm_pack.h), or is a strip of a row-major matrix itself. Each element of C is one sum
// in ascending k, whatever tile it falls into, so results depend neither on tiling nor on threads.
#pragma once

#include <cstdint>

#include "simd/dispatch.h"

namespace tfmini::simd {

template <class T>
struct GemmTile {
  const T* a;
  const T* b;
  int64_t b_step;  // from one step of b to the next
  int64_t k;
  T* c;
  int64_t ldc;
  int cols;         // columns of C to write, at most the panel's
  bool accumulate;  // C += A B instead of C = A B
  bool relu;        // then C = max(C, 0); NaN stays NaN
  const T* bias;    // then, before relu, C += bias (`cols` elements, one per column), unless null
};

constexpr int kMaxTileRows = 14;

template <class T>
struct GemmKernels {
  int rows;  // of a panel of A
  int cols;  // of a panel of B
  // kernel[r - 1] computes r rows of a panel of A; it needs the whole panel of B. narrow[r - 1] does
  // the same for the first cols / 2 columns.
  void (*kernel[kMaxTileRows])(const GemmTile<T>&);
  void (*narrow[kMaxTileRows])(const GemmTile<T>&);
};

struct GemmKernelTable {
  GemmKernels<float> f32;
  GemmKernels<double> f64;
};

TFMINI_SIMD_TABLE(GemmKernelTable, gemm_kernel_table)

}  // namespace tfmini::simd
