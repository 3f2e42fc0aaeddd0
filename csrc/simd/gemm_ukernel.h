// The GEMM micro-kernel: one register tile of C = A B.
//
// The kernel reads `rows` elements of A and `cols` contiguous elements of B per step of k. B is a panel
// packed by gemm_pack.h or a strip of a row-major matrix; A is a packed panel or a matrix as it lies in
// memory, since broadcasts take any stride. Each element of C is one sum in ascending k, whatever tile
// it falls into, so results depend neither on tiling nor on threads.
#pragma once

#include <cstdint>

#include "simd/dispatch.h"

namespace tfmini::simd {

template <class T>
struct GemmTile {
  const T* a;
  int64_t a_row;   // from one row of a to the next
  int64_t a_step;  // from one step of k to the next
  const T* b;
  int64_t b_step;
  int64_t k;
  T* c;
  int64_t ldc;
  int cols;         // columns of C to write, at most the panel's
  bool accumulate;  // C += A B instead of C = A B
  bool relu;        // then C = max(C, 0); NaN stays NaN
  const T* bias;    // then, before relu, C += bias (`cols` elements, one per column), unless null
  T* b_copy;        // where a copying kernel puts the panel of B, packed
};

constexpr int kMaxTileRows = 14;

template <class T>
struct GemmKernels {
  int rows;  // of a panel of A
  int cols;  // of a panel of B
  // kernel[r - 1] computes r rows; it reads the whole width of a panel of B. narrow[r - 1] does the same
  // for the first cols / 2 columns.
  void (*kernel[kMaxTileRows])(const GemmTile<T>&);
  void (*narrow[kMaxTileRows])(const GemmTile<T>&);
  // kernel[r - 1] that packs the panel of B on the way, in the shadow of the multiplications.
  void (*copying[kMaxTileRows])(const GemmTile<T>&);
};

struct GemmKernelTable {
  GemmKernels<float> f32;
  GemmKernels<double> f64;
};

TFMINI_SIMD_TABLE(GemmKernelTable, gemm_kernel_table)

}  // namespace tfmini::simd
