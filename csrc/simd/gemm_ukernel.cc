#include "simd/gemm_ukernel.h"

#include "simd/gemm_tile.h"

namespace tfmini::simd {
namespace {

template <class T>
__attribute__((noinline)) void finish_row(const GemmTile<T>& t, const T* sums, T* c, int cols) {
  const T* bias = t.bias;
  for (int j = 0; j < cols; ++j) {
    T x = sums[j];
    if (t.accumulate) x += c[j];
    if (bias) x += bias[j];
    c[j] = t.relu && x < T{} ? T{} : x;
  }
}

template <class T, int kRows, int kVecs>
void micro_kernel(const GemmTile<T>& t) {
  Vec<T> acc[kRows][kVecs] = {};
  for (int i = 0; i < kRows; ++i) __builtin_prefetch(t.c + i * t.ldc);

  const T* a = t.a;
  const T* b = t.b;
  const int64_t b_step = t.b_step;
  for (int64_t p = t.k; p > 0; --p, a += kTileRows, b += b_step) {
    Vec<T> bv[kVecs];
    for (int j = 0; j < kVecs; ++j) bv[j] = load(b + j * kLanes<T>);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const Vec<T> av = broadcast(a[i]);
      for (int j = 0; j < kVecs; ++j) acc[i][j] += av * bv[j];
    }
  }

  constexpr int kCols = kVecs * kLanes<T>;
  if (t.cols >= kCols && !t.bias && !t.relu) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
      for (int j = 0; j < kVecs; ++j) {
        T* c = t.c + i * t.ldc + j * kLanes<T>;
        store(c, t.accumulate ? acc[i][j] + load(c) : acc[i][j]);
      }
    return;
  }
  // Edges and epilogues, once per tile: through memory, in loops that stay small.
  T tile[kRows][kCols];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kVecs; ++j) store(&tile[i][j * kLanes<T>], acc[i][j]);
  for (int i = 0; i < kRows; ++i) finish_row(t, tile[i], t.c + i * t.ldc, t.cols < kCols ? t.cols : kCols);
}

template <class T, int kRows = kTileRows>
constexpr void fill(GemmKernels<T>& table) {
  table.kernel[kRows - 1] = micro_kernel<T, kRows, kTileVecs>;
  table.narrow[kRows - 1] = micro_kernel<T, kRows, kTileVecs / 2>;
  if constexpr (kRows > 1) fill<T, kRows - 1>(table);
}

template <class T>
constexpr GemmKernels<T> kernels() {
  GemmKernels<T> table{kTileRows, kTileCols<T>, {}, {}};
  fill(table);
  return table;
}

}  // namespace

namespace TFMINI_ISA {
constinit const GemmKernelTable gemm_kernel_table = {kernels<float>(), kernels<double>()};
}

}  // namespace tfmini::simd
