// Products with a vector: each element of the matrix is read once and used once, so all that counts is reading it in
// units of 16 bytes, many at a time.
#pragma once

#include "core/launch.cuh"
#include "gemm/args.cuh"
#include "gemm/operands.cuh"

namespace tfmini::cuda {

// A stored matrix times a vector of x.size elements: along its rows, y[row] = sum over c of a[row][c] x[c], or down its
// columns, y[col] = sum over r of a[r][col] x[r].
template <class T>
struct GemvArgs {
  DenseMatrix<T> a;
  const T* x;
  int64_t a_batch, x_batch;
  bool aligned;  // units of 16 bytes of a, and of x
  bool y_is_row;
  Output<T> out;

  template <class Sum>
  __device__ void store(int product, int i, Sum sum) const {
    const Sum sums[1] = {sum};
    store_sums<1, T>(out, product, y_is_row ? 0 : i, y_is_row ? i : 0, sums);
  }
};

inline constexpr int kGemvThreads = 256;

// One warp per row; grid (rows / 8, products).
template <class T>
__global__ void __launch_bounds__(kGemvThreads) gemv_rows(const GemvArgs<T> args) {
  using Sum = ComputeType<T>;
  constexpr int kUnit = Unit<T>::kSize, kStep = 32 * kUnit;
  const int lane = static_cast<int>(threadIdx.x) % 32, product = static_cast<int>(blockIdx.y);
  const int row = static_cast<int>(blockIdx.x) * (kGemvThreads / 32) + static_cast<int>(threadIdx.x) / 32;
  if (row >= args.a.rows) return;  // the whole warp
  const T* a = args.a.data + product * args.a_batch + row * args.a.ld;
  const T* x = args.x + product * args.x_batch;
  const int n = args.a.cols;
  Sum sums[kUnit] = {};
  int c = 0;
  if (args.aligned) {
#pragma unroll 4
    for (c = lane * kUnit; c < n; c += kStep) {
      const auto u = *reinterpret_cast<const Unit<T>*>(a + c), v = *reinterpret_cast<const Unit<T>*>(x + c);
#pragma unroll
      for (int j = 0; j < kUnit; ++j) sums[j] += static_cast<Sum>(u.v[j]) * static_cast<Sum>(v.v[j]);
    }
  } else {
#pragma unroll 4
    for (c = lane; c < n; c += 32) sums[0] += static_cast<Sum>(a[c]) * static_cast<Sum>(x[c]);
  }
  Sum sum = 0;
#pragma unroll
  for (int j = 0; j < kUnit; ++j) sum += sums[j];
#pragma unroll
  for (int bit = 16; bit > 0; bit /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, bit);
  if (lane == 0) args.store(product, row, sum);
}

// A warp takes 32 runs of kRun columns, each of its block's eight warps every eighth row of the block's part of the
// rows; grid (columns / (32 * kRun), parts, products).
template <class T, int kRun>
__global__ void __launch_bounds__(kGemvThreads) gemv_cols(const GemvArgs<T> args, int part_rows) {
  using Sum = ComputeType<T>;
  constexpr int kWarps = kGemvThreads / 32;
  struct alignas(kRun * sizeof(T)) Run {
    T v[kRun];
  };
  __shared__ Sum shared[kWarps][kRun][32];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int col = (static_cast<int>(blockIdx.x) * 32 + lane) * kRun, product = static_cast<int>(blockIdx.z);
  const int begin = static_cast<int>(blockIdx.y) * part_rows;
  const int end = begin + part_rows < args.a.rows ? begin + part_rows : args.a.rows;
  const T* a = args.a.data + product * args.a_batch + col;
  const T* x = args.x + product * args.x_batch;
  Sum sums[kRun] = {};
  if (col < args.a.cols) {
#pragma unroll 4
    for (int r = begin + warp; r < end; r += kWarps) {
      const Run u = *reinterpret_cast<const Run*>(a + r * args.a.ld);
      const Sum v = static_cast<Sum>(x[r]);
#pragma unroll
      for (int j = 0; j < kRun; ++j) sums[j] += static_cast<Sum>(u.v[j]) * v;
    }
  }
#pragma unroll
  for (int j = 0; j < kRun; ++j) shared[warp][j][lane] = sums[j];
  __syncthreads();
  if (warp != 0 || col >= args.a.cols) return;
#pragma unroll
  for (int j = 0; j < kRun; ++j) {
    Sum sum = 0;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) sum += shared[w][j][lane];
    args.store(product * args.out.splits + static_cast<int>(blockIdx.y), col + j, sum);
  }
}

}  // namespace tfmini::cuda
