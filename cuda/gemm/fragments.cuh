// How sums leave the registers of tensor core instructions: mma.sync and wgmma lay them out alike. Lane l of a warp
// has, in sums[4 j] on, columns 8 j + 2 (l % 4) and the next one of row l / 4, then of the row eight further down.
//
// Everything the stores depend on is decided once per tile, not per element: registers cannot be indexed, so that loops
// over them are unrolled, and their code should stay in the instruction cache.
#pragma once

#include "core/ptx.cuh"
#include "gemm/args.cuh"

namespace tfmini::cuda {

// A lane's part of a tile: its two rows in memory at its first column, and how many rows and columns there are from
// there.
template <class T>
struct FragmentLines {
  T* line[2];
  int rows, cols;

  TFMINI_ALWAYS_INLINE bool has_row(int lower) const { return 8 * lower < rows; }
};

// Four lanes write 32 bytes of a row.
template <int kColumns>
__device__ __forceinline__ void store_lines(const FragmentLines<float>& to, bool aligned,
                                            const float (&sums)[kColumns / 2]) {
#pragma unroll
  for (int lower = 0; lower < 2; ++lower) {
    if (!to.has_row(lower)) continue;
#pragma unroll
    for (int j = 0; j < kColumns / 8; ++j) {
      float* p = to.line[lower] + 8 * j;
      const float v[2] = {sums[4 * j + 2 * lower], sums[4 * j + 2 * lower + 1]};
      if (aligned) {
        if (8 * j < to.cols) *reinterpret_cast<float2*>(p) = {v[0], v[1]};
      } else {
        if (8 * j < to.cols) p[0] = v[0];
        if (8 * j + 1 < to.cols) p[1] = v[1];
      }
    }
  }
}
// The same with elements of 16 bits: lanes next to each other swap, so that each has four columns of one block of
// eight.
template <int kColumns, class T>
  requires(sizeof(T) == 2)
__device__ __forceinline__ void store_lines(const FragmentLines<T>& to, bool aligned,
                                            const float (&sums)[kColumns / 2]) {
  const bool odd = threadIdx.x & 1;
#pragma unroll
  for (int lower = 0; lower < 2; ++lower)
#pragma unroll
    for (int j = 0; j < kColumns / 8; j += 2) {
      uint32_t v[2];
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const int at = 4 * (j + i) + 2 * lower;
        v[i] = pack2<T>(sums[at], sums[at + 1]);
      }
      if (aligned) {
        const uint32_t got = __shfl_xor_sync(0xffffffffu, odd ? v[0] : v[1], 1);
        const int col = 8 * j + (odd ? 6 : 0);
        if (to.has_row(lower) && col < to.cols)
          *reinterpret_cast<uint2*>(to.line[lower] + col) = {odd ? got : v[0], odd ? v[1] : got};
      } else if (to.has_row(lower)) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int col = 8 * (j + i / 2) + i % 2;
          if (col < to.cols) to.line[lower][col].bits = static_cast<uint16_t>(v[i / 2] >> (16 * (i % 2)));
        }
      }
    }
}

// fn(sum, row: 0 or 1, column from the lane's first one) for all sums.
template <int kColumns, class Fn>
__device__ __forceinline__ void each_sum(float (&sums)[kColumns / 2], const Fn& fn) {
#pragma unroll
  for (int j = 0; j < kColumns / 8; ++j)
#pragma unroll
    for (int i = 0; i < 4; ++i) fn(sums[4 * j + i], i / 2, 8 * j + i % 2);
}

// Applies the epilogue. `col`: of the lane's first column; channels are columns, products apart.
template <int kColumns, class T>
__device__ __forceinline__ void finish(const Epilogue<T>& e, int product, int col, const FragmentLines<T>& lines,
                                       const T* output, float (&sums)[kColumns / 2]) {
  const int64_t channel = product * e.batch + col;
  if (e.scale)
    each_sum<kColumns>(sums, [&](float& v, int, int c) {
      if (c < lines.cols) v *= static_cast<float>(e.scale[channel + c]);
    });
  if (e.bias)
    each_sum<kColumns>(sums, [&](float& v, int, int c) {
      if (c < lines.cols) v += static_cast<float>(e.bias[channel + c]);
    });
  if (e.add)
    each_sum<kColumns>(sums, [&](float& v, int lower, int c) {
      if (c < lines.cols && lines.has_row(lower)) v += static_cast<float>(e.add[lines.line[lower] - output + c]);
    });
  if (e.limits()) each_sum<kColumns>(sums, [&](float& v, int, int) { v = e.limited(v); });
}

// `row`, `col`: the lane's first. All lanes of a warp call it.
template <int kColumns, class T>
__device__ __forceinline__ void store_fragments(const Output<T>& out, int product, int row, int col,
                                                float (&sums)[kColumns / 2]) {
  const int rows = out.m - row, cols = out.n - col;
  if (out.partial) {
    float* first = out.partial + (int64_t{product} * out.m + row) * out.n + col;
    return store_lines<kColumns>(FragmentLines<float>{{first, first + int64_t{8} * out.n}, rows, cols}, out.n % 2 == 0,
                                 sums);
  }
  T* const data = out.data + product * out.batch + col;
  const FragmentLines<T> lines{{data + out.rows.offset(row), data + out.rows.offset(row + 8)}, rows, cols};
  finish<kColumns>(out.epilogue, product, col, lines, out.data, sums);
  store_lines<kColumns>(lines, out.aligned && out.n % 4 == 0, sums);
}

}  // namespace tfmini::cuda
