// The GEMM micro-kernel: one register tile of C = A B.
//
// The kernel reads `rows` elements of A and `cols` contiguous elements of B per
// step of k. B is a panel packed by gemm_pack.h or a strip of a row-major
// matrix; A is a packed panel or a matrix as it lies in memory, since
// broadcasts take any stride. Each element of C is one sum in ascending k,
// whatever tile it falls into, so results depend neither on tiling nor on
// threads.
#pragma once

#include <cstdint>

#include "simd/dispatch.h"

namespace tfmini::simd {

template <class T>
struct GemmTile {
  const T* a;
  int64_t a_row;  // from one row of a to the next
  const T* b;
  // From one step of k to the next. Not beside a_row: strides copied from a MatrixRef as a pair, just after they were
  // written one by one, would have to wait for memory.
  int64_t a_step;
  int64_t b_step;
  int64_t k;
  T* c;
  int64_t ldc;
  int cols;         // columns of C to write, at most the panel's
  bool accumulate;  // C += A B instead of C = A B
  const T* bias;    // then C += bias (`cols` elements, one per column), unless null
  const T* add;     // then C += add, whose rows are ldc apart too, unless null
  bool relu;        // then C = max(C, 0); NaN stays NaN
  T* a_copy;        // where copying_a puts the panel of A, packed
  T* b_copy;        // where copying_b puts the panel of B, packed
};

template <class T>
using GemmFn = void (*)(const GemmTile<T>&);

constexpr int kMaxTileRows = 14;
// Steps by which copying_b fetches ahead: 64 times 6 cycles are the latency of
// memory. Rows of a matrix whose width is a multiple of 1024 all fall into 16
// sets of 8 ways of a second-level cache of 512 KiB, so a whole panel fetched
// in advance would push itself out.
constexpr int kCopyAhead = 64;
// The same from the second-level cache: what a row of a panel has in its last line.
constexpr int kCopySoon = 8;

template <class T>
struct GemmKernels {
  int rows;  // of a panel of A
  int cols;  // of a panel of B
  // Most rows of narrow and wide tiles, for which A need not be packed.
  int narrow_rows, wide_rows;
  // [r - 1] computes r rows, over the whole width of a panel of B.
  GemmFn<T> packed[kMaxTileRows] = {};     // of a packed panel of A: a_row = 1, a_step = rows
  GemmFn<T> row_major[kMaxTileRows] = {};  // a_step = 1
  GemmFn<T> any[kMaxTileRows] = {};
  GemmFn<T> narrow[kMaxTileRows] = {};  // any, for up to cols / 2 columns
  GemmFn<T> wide[kMaxTileRows] = {};    // any, for more than cols and up to cols * 3 / 2 columns
  // Any, and pack an operand on the way, in the shadow of the multiplications.
  GemmFn<T> copying_a[kMaxTileRows] = {};
  GemmFn<T> copying_b[kMaxTileRows] = {};
  // Any, for tiles with fewer columns. Where there are masked loads, it, narrow and wide read no more than those of B;
  // where not, this is null.
  GemmFn<T> edge[kMaxTileRows] = {};
};

struct GemmKernelTable {
  GemmKernels<float> f32;
  GemmKernels<double> f64;
};

TFMINI_SIMD_TABLE(GemmKernelTable, gemm_kernel_table)

}  // namespace tfmini::simd
