// Matrix products on a GPU: C = A B with all transposes, batches and an epilogue. One entry; which kernel runs
// is decided by choose.cuh. Sums are in float (double for double) and in an order that depends only on the sizes and
// the chip, so that results repeat bit for bit.
#pragma once

#include "core/device.h"
#include "gemm/args.cuh"
#include "gemm/choose.cuh"

namespace tfmini::cuda {

// Where a kernel runs.
struct Place {
  Device& device;
  cudaStream_t stream;
  Chip chip;
};
Place place(Device& device);

// C[m, n] = A[m, k] B[k, n]; transposed operands are stored as [k, m] and [n, k]. Matrices are `*_batch` elements
// apart; 0: all products have the same one.
template <class T>
struct Gemm {
  int64_t m = 0, n = 0, k = 0;
  const T *a = nullptr, *b = nullptr;
  T* c = nullptr;
  bool transpose_a = false, transpose_b = false;
  int64_t lda = 0, ldb = 0, ldc = 0;  // elements from a row in memory to the next
  int64_t batch = 1, a_batch = 0, b_batch = 0, c_batch = 0;
  Epilogue<T> epilogue;
};

// Dense matrices.
template <class T>
Gemm<T> dense_gemm(int64_t m, int64_t n, int64_t k, const T* a, bool transpose_a, const T* b, bool transpose_b, T* c) {
  Gemm<T> g;
  g.m = m, g.n = n, g.k = k;
  g.a = a, g.b = b, g.c = c;
  g.transpose_a = transpose_a, g.transpose_b = transpose_b;
  g.lda = transpose_a ? m : k;
  g.ldb = transpose_b ? k : n;
  g.ldc = n;
  return g;
}

// Instantiated for float, double, Half and BFloat16. The caller has seen to it that m * n is not 0.
template <class T>
void gemm(const Place& place, const Gemm<T>& g);
// By this plan, which must suit the operands: tests.
template <class T>
void gemm(const Place& place, const Gemm<T>& g, const GemmPlan& plan);

}  // namespace tfmini::cuda
