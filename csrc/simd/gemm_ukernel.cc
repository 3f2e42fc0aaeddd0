#include "simd/gemm_ukernel.h"

#include "simd/gemm_tile.h"

namespace tfmini::simd {
namespace {

// What follows the products, for edges and epilogues: once per tile and out of line, so that one copy
// serves all kernels. `sums` are rows of `width` elements.
template <class T>
__attribute__((noinline)) void finish(const GemmTile<T>& t, const T* sums, int rows, int width) {
  constexpr int N = kLanes<T>;
  const int cols = t.cols < width ? t.cols : width;
  const T* const bias = t.bias;
  const bool accumulate = t.accumulate, relu = t.relu;
  T* c = t.c;
  for (int i = 0; i < rows; ++i, c += t.ldc, sums += width) {
    int j = 0;
    for (; j + N <= cols; j += N) {
      Vec<T> x = load(sums + j);
      if (accumulate) x += load(c + j);
      if (bias) x += load(bias + j);
      if (relu) x = x < Vec<T>{} ? Vec<T>{} : x;
      store(c + j, x);
    }
    for (; j < cols; ++j) {
      T x = sums[j];
      if (accumulate) x += c[j];
      if (bias) x += bias[j];
      c[j] = relu && x < T{} ? T{} : x;
    }
  }
}

template <class T, int kRows, int kVecs, bool kCopy = false>
void micro_kernel(const GemmTile<T>& t) {
  // x86 adds one or two strides to an address for nothing: three rows share a pointer.
  constexpr int kGroups = (kRows + 2) / 3;
  const int64_t a_row = t.a_row, a_step = t.a_step, b_step = t.b_step, ldc = t.ldc;
  const T* a[kGroups];
#pragma GCC unroll 8
  for (int g = 0; g < kGroups; ++g) a[g] = t.a + 3 * g * a_row;
  const T* b = t.b;
  T* copy = t.b_copy;
  T* const c = t.c;
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) __builtin_prefetch(c + i * ldc, 1);

  Vec<T> acc[kRows][kVecs] = {};
  for (int64_t p = t.k; p > 0; --p) {
    Vec<T> bv[kVecs];
    for (int j = 0; j < kVecs; ++j) {
      bv[j] = load(b + j * kLanes<T>);
      if constexpr (kCopy) store(copy + j * kLanes<T>, bv[j]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const Vec<T> av = broadcast(a[i / 3][i % 3 * a_row]);
      for (int j = 0; j < kVecs; ++j) acc[i][j] += av * bv[j];
    }
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) {
      a[g] += a_step;
      asm("" : "+r"(a[g]));  // or the compiler would keep a pointer per row
    }
    b += b_step;
    if constexpr (kCopy) copy += kVecs * kLanes<T>;
  }

  constexpr int kCols = kVecs * kLanes<T>;
  if (t.cols >= kCols && !t.bias && !t.relu) {
    if (t.accumulate) {
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i)
        for (int j = 0; j < kVecs; ++j) acc[i][j] += load(c + i * ldc + j * kLanes<T>);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
      for (int j = 0; j < kVecs; ++j) store(c + i * ldc + j * kLanes<T>, acc[i][j]);
    return;
  }
  T sums[kRows][kCols];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kVecs; ++j) store(&sums[i][j * kLanes<T>], acc[i][j]);
  finish(t, &sums[0][0], kRows, kCols);
}

template <class T, int kRows = kTileRows>
constexpr void fill(GemmKernels<T>& table) {
  table.kernel[kRows - 1] = micro_kernel<T, kRows, kTileVecs>;
  table.narrow[kRows - 1] = micro_kernel<T, kRows, kTileVecs / 2>;
  table.copying[kRows - 1] = micro_kernel<T, kRows, kTileVecs, true>;
  if constexpr (kRows > 1) fill<T, kRows - 1>(table);
}

template <class T>
constexpr GemmKernels<T> kernels() {
  GemmKernels<T> table{kTileRows, kTileCols<T>, {}, {}, {}};
  fill(table);
  return table;
}

}  // namespace

namespace TFMINI_ISA {
constinit const GemmKernelTable gemm_kernel_table = {kernels<float>(), kernels<double>()};
}

}  // namespace tfmini::simd
