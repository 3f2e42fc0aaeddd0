// What a matrix kernel is told, and how it ends: sums become elements of the output, or partial sums of it.
#pragma once

#include <cuda_runtime.h>

#include <limits>

#include "core/dtype.h"
#include "gemm/indices.cuh"

namespace tfmini::cuda {

// What happens to a sum before it is stored, in this order; null: nothing.
template <class T>
struct Epilogue {
  using Sum = ComputeType<T>;
  const T* scale = nullptr;  // per column
  const T* bias = nullptr;   // per column
  const T* add = nullptr;    // another matrix like the output
  int64_t batch = 0;         // elements of scale and bias from one product to the next
  Sum low = -std::numeric_limits<Sum>::infinity();
  Sum high = std::numeric_limits<Sum>::infinity();

  TFMINI_ALWAYS_INLINE Sum operator()(Sum v, int64_t col, int64_t at) const {
    if (scale) v *= static_cast<Sum>(scale[col]);
    if (bias) v += static_cast<Sum>(bias[col]);
    if (add) v += static_cast<Sum>(add[at]);
    return limited(v);
  }
  TFMINI_ALWAYS_INLINE bool limits() const {
    return low > -std::numeric_limits<Sum>::infinity() || high < std::numeric_limits<Sum>::infinity();
  }
  TFMINI_ALWAYS_INLINE Sum limited(Sum v) const {
    // So written, NaN stays NaN.
    v = v < low ? low : v;
    return v > high ? high : v;
  }
};

// The matrices of a batch, C[m, n] each, and their partial sums where k is split.
template <class T>
struct Output {
  using Sum = ComputeType<T>;
  T* data = nullptr;
  OutputRows rows;
  int64_t batch = 0;  // elements from one product to the next
  int m = 0, n = 0;
  bool aligned = false;    // runs of 16 bytes lie at multiples of 16 bytes
  Sum* partial = nullptr;  // [batch, splits, m, n]
  int splits = 1;
  Epilogue<T> epilogue;
};

template <class T>
struct alignas(16) Unit {
  static constexpr int kSize = 16 / static_cast<int>(sizeof(T));
  T v[kSize];
};

// The first `left` of kWidth elements, in units of 16 bytes if all of them are wanted and `aligned`.
template <int kWidth, class T>
__device__ __forceinline__ void store_run(T* to, const T (&v)[kWidth], int left, bool aligned) {
  constexpr int kUnit = Unit<T>::kSize;
  if constexpr (kWidth % kUnit == 0) {
    if (left >= kWidth && aligned) {
#pragma unroll
      for (int i = 0; i < kWidth; i += kUnit) {
        Unit<T> u;
#pragma unroll
        for (int j = 0; j < kUnit; ++j) u.v[j] = v[i + j];
        *reinterpret_cast<Unit<T>*>(to + i) = u;
      }
      return;
    }
  }
#pragma unroll
  for (int i = 0; i < kWidth; ++i)
    if (i < left) to[i] = v[i];
}

// kWidth sums of one row, from column `col`, a multiple of kWidth. `product` counts batch and splits.
template <int kWidth, class T>
__device__ __forceinline__ void store_sums(const Output<T>& out, int product, int row, int col,
                                           const ComputeType<T> (&sums)[kWidth]) {
  if (row >= out.m || col >= out.n) return;
  const bool whole = col + kWidth <= out.n;
  if (out.partial) {
    store_run<kWidth>(out.partial + (int64_t{product} * out.m + row) * out.n + col, sums, out.n - col,
                      out.n % kWidth == 0);
    return;
  }
  const int64_t at = product * out.batch + out.rows.offset(row) + col;
  const int64_t channel = product * out.epilogue.batch + col;
  T finished[kWidth];
#pragma unroll
  for (int i = 0; i < kWidth; ++i)
    finished[i] = whole || col + i < out.n ? T(out.epilogue(sums[i], channel + i, at + i)) : T(0);
  store_run<kWidth>(out.data + at, finished, out.n - col, out.aligned);
}

// Everything about one launch.
template <class A, class B>
struct GemmArgs {
  using T = typename A::Element;
  typename A::Matrix a;
  typename B::Matrix b;
  int64_t a_batch = 0, b_batch = 0;  // elements from one product to the next
  bool a_aligned = false, b_aligned = false;
  int k = 0;
  int split_depth = 0;  // steps of one part of k, a multiple of every tile's depth
  TileOrder order;
  Output<T> out;

  // The operands of a product and the part of k that is summed.
  struct Part {
    typename A::Matrix a;
    typename B::Matrix b;
    int begin, end;
  };
  TFMINI_ALWAYS_INLINE Part part(int product) const {
    const int batch = product / out.splits, split = product - batch * out.splits;
    Part p{a, b, split * split_depth, 0};
    p.a.data += batch * a_batch;
    p.b.data += batch * b_batch;
    p.end = p.begin + split_depth < k ? p.begin + split_depth : k;
    return p;
  }
};

}  // namespace tfmini::cuda
