// What factorizations and triangular systems of stacks of matrices are made of: a panel of columns in one block, up to
// kWhole rows of a system in one block per 32 right-hand sides, and the product of panels that updates the rest.
#pragma once

#include <algorithm>

#include "core/launch.cuh"
#include "core/reduce.cuh"

namespace tfmini::cuda {

// A matrix, or a part of one, in a stack of many. Strides may be negative: an upper triangle is a lower one seen from
// its other end.
template <class T>
struct View {
  T* at;                      // element (0, 0) of the first matrix
  int64_t down, right, next;  // to the next row, column, matrix

  __host__ __device__ View block(int64_t i, int64_t j) const { return {at + i * down + j * right, down, right, next}; }
  View transposed() const { return {at, right, down, next}; }
  View from_last(int64_t rows, int64_t columns) const {
    return {at + (rows - 1) * down + (columns - 1) * right, -down, -right, next};
  }
  View rows_from_last(int64_t rows) const { return {at + (rows - 1) * down, -down, right, next}; }
  __device__ __forceinline__ View of_matrix(int64_t k) const { return {at + k * next, down, right, next}; }
  __device__ __forceinline__ T& operator()(int64_t i, int64_t j) const { return at[i * down + j * right]; }
};

// Orders up to which a matrix is factored, or a triangle solved, in one go; and the width of panels beyond.
template <class T>
inline constexpr int kWhole = sizeof(T) == 4 ? 128 : 96;
inline constexpr int kPanel = 32;
template <class T>
int64_t panel_width(int64_t n) {
  return n <= kWhole<T> ? n : kPanel;
}
inline constexpr size_t kMostShared = 96 << 10;  // bytes a block: what the chips from sm_80 on have

// Rows in shared memory start in different banks.
__host__ __device__ inline int64_t padded(int64_t columns) { return columns | 1; }

// The first matrix that something is wrong with; the least of several threads' is the same in any order.
__device__ __forceinline__ void report(int32_t* wrong, int64_t matrix) {
  atomicMin(wrong, static_cast<int32_t>(matrix));
}

// P A = L U of a panel, in place, with partial pivoting: a block per matrix. pivots[k][j]: the row of the panel that
// row j changed places with, in that order.
template <class T>
__global__ void __launch_bounds__(kThreads) factor_lu(View<T> panels, int64_t rows, int64_t columns, int32_t* pivots,
                                                      int64_t order, bool in_shared, int32_t* wrong) {
  __shared__ bool is_zero;
  const View<T> panel = panels.of_matrix(blockIdx.x);
  int32_t* pivot = pivots + blockIdx.x * order;
  View<T> a = panel;
  const int64_t me = threadIdx.x;
  if (in_shared) {
    a = {dynamic_shared<T>(), padded(columns), 1, 0};
    for (int64_t i = me; i < rows * columns; i += kThreads)
      a(i / columns, i % columns) = panel(i / columns, i % columns);
    __syncthreads();
  }
  for (int64_t j = 0; j < columns; ++j) {
    T largest = T(0);
    int64_t first = rows;
    for (int64_t i = j + me; i < rows; i += kThreads)
      if (const T x = simd::math::abs(a(i, j)); first == rows || x > largest) {
        largest = x;
        first = i;
      }
    const T all = block_reduce<Reduction::kMax>(first == rows ? T(0) : largest);
    int64_t best = block_reduce<Reduction::kMin>(first < rows && largest == all ? first : rows);
    if (best == rows) best = j;  // there is a NaN
    for (int64_t c = me; c < columns && best != j; c += kThreads) {
      const T x = a(j, c);
      a(j, c) = a(best, c);
      a(best, c) = x;
    }
    __syncthreads();
    if (me == 0) {
      pivot[j] = static_cast<int32_t>(best);
      is_zero = a(j, j) == T(0);
      if (is_zero && wrong) report(wrong, blockIdx.x);
    }
    __syncthreads();
    if (is_zero) continue;
    for (int64_t i = j + 1 + me; i < rows; i += kThreads) a(i, j) /= a(j, j);
    __syncthreads();
    const int64_t width = columns - j - 1;
    for (int64_t k = me; k < (rows - j - 1) * width; k += kThreads) {
      const int64_t i = j + 1 + k / width, c = j + 1 + k % width;
      a(i, c) -= a(i, j) * a(j, c);
    }
    __syncthreads();
  }
  if (in_shared)
    for (int64_t i = me; i < rows * columns; i += kThreads)
      panel(i / columns, i % columns) = a(i / columns, i % columns);
}

// The exchanges of rows that factor_lu noted, in `columns` columns: a thread each.
template <class T>
__global__ void __launch_bounds__(kThreads)
    swap_rows(View<T> x, int64_t columns, const int32_t* pivots, int64_t order, int64_t count, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const View<T> a = x.of_matrix(i / columns).block(0, i % columns);
  const int32_t* pivot = pivots + i / columns * order;
  for (int64_t j = 0; j < count; ++j)
    if (const int64_t other = pivot[j]; other != j) {
      const T kept = a(j, 0);
      a(j, 0) = a(other, 0);
      a(other, 0) = kept;
    }
}

// A = L L' of the lower triangle, in place in shared memory: a block per matrix of at most kWhole rows.
template <class T>
__global__ void __launch_bounds__(kThreads) factor_cholesky(View<T> matrices, int64_t n, int32_t* wrong) {
  __shared__ T root;
  const View<T> matrix = matrices.of_matrix(blockIdx.x), a = {dynamic_shared<T>(), padded(n), 1, 0};
  const int64_t me = threadIdx.x;
  for (int64_t i = me; i < n * n; i += kThreads)
    if (i % n <= i / n) a(i / n, i % n) = matrix(i / n, i % n);
  __syncthreads();
  for (int64_t j = 0; j < n; ++j) {
    if (me == 0) {
      if (!(a(j, j) > T(0))) report(wrong, blockIdx.x);  // NaN too
      root = simd::math::sqrt(a(j, j));
    }
    __syncthreads();
    for (int64_t i = j + me; i < n; i += kThreads) a(i, j) /= root;
    __syncthreads();
    const int64_t width = n - j - 1;
    for (int64_t k = me; k < width * width; k += kThreads) {
      const int64_t i = j + 1 + k / width, c = j + 1 + k % width;
      if (c <= i) a(i, c) -= a(i, j) * a(c, j);
    }
    __syncthreads();
  }
  for (int64_t i = me; i < n * n; i += kThreads)
    if (i % n <= i / n) matrix(i / n, i % n) = a(i / n, i % n);
}

// L x = b, in place, for n <= kWhole: a block per matrix and 32 columns of x, which lie in shared memory.
inline constexpr int kSolved = 32, kLanes = kThreads / kSolved;
template <class T>
__global__ void __launch_bounds__(kThreads)
    solve_lower(View<const T> triangles, View<T> systems, int64_t n, int64_t m, bool unit, int32_t* wrong) {
  const int64_t tiles = (m + kSolved - 1) / kSolved, which = blockIdx.x / tiles;
  const View<const T> l = triangles.of_matrix(which);
  const View<T> x = systems.of_matrix(which).block(0, blockIdx.x % tiles * kSolved);
  const int64_t column = threadIdx.x % kSolved, lane = threadIdx.x / kSolved;
  const bool exists = blockIdx.x % tiles * kSolved + column < m;
  T* solved = dynamic_shared<T>() + column;
  for (int64_t i = lane; i < n; i += kLanes) solved[i * kSolved] = exists ? x(i, column) : T(0);
  __syncthreads();
  for (int64_t i = 0; i < n; ++i) {
    if (!unit && lane == 0) {
      const T diagonal = l(i, i);
      if (diagonal == T(0) && wrong) report(wrong, which);
      solved[i * kSolved] /= diagonal;
    }
    __syncthreads();
    for (int64_t r = i + 1 + lane; r < n; r += kLanes) solved[r * kSolved] -= l(r, i) * solved[i * kSolved];
    __syncthreads();
  }
  for (int64_t i = lane; i < n && exists; i += kLanes) x(i, column) = solved[i * kSolved];
}

// C -= A B, of matrices [rows, depth] and [depth, columns]: 64 x 64 elements a block, 4 x 4 a thread. `lower`: C is
// square and its tiles above the diagonal do not matter.
inline constexpr int kSide = 64, kDepth = 16, kEach = 4, kAcross = kSide / kEach;
template <class T>
__global__ void __launch_bounds__(kThreads) subtract_product(View<T> cs, View<const T> as, View<const T> bs,
                                                             int64_t rows, int64_t columns, int64_t depth, bool lower) {
  __shared__ T left[kDepth][kSide + 1], right[kDepth][kSide + 1];
  const int64_t across = (columns + kSide - 1) / kSide, down = (rows + kSide - 1) / kSide;
  const int64_t i0 = blockIdx.x / across % down * kSide, j0 = blockIdx.x % across * kSide;
  const int64_t which = blockIdx.x / across / down;
  if (lower && j0 > i0) return;
  const View<const T> a = as.of_matrix(which).block(i0, 0), b = bs.of_matrix(which).block(0, j0);
  const View<T> c = cs.of_matrix(which).block(i0, j0);
  const int me = static_cast<int>(threadIdx.x), ty = me / kAcross, tx = me % kAcross;
  T sum[kEach][kEach] = {};
  for (int64_t k0 = 0; k0 < depth; k0 += kDepth) {
    for (int t = me; t < kSide * kDepth; t += kThreads) {
      // Neighbours read neighbours, whichever way these lie.
      const bool along_k = a.right == 1 || a.right == -1, b_along_k = b.down == 1 || b.down == -1;
      const int ai = along_k ? t / kDepth : t % kSide, ak = along_k ? t % kDepth : t / kSide;
      const int bj = b_along_k ? t / kDepth : t % kSide, bk = b_along_k ? t % kDepth : t / kSide;
      left[ak][ai] = i0 + ai < rows && k0 + ak < depth ? a(ai, k0 + ak) : T(0);
      right[bk][bj] = j0 + bj < columns && k0 + bk < depth ? b(k0 + bk, bj) : T(0);
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kDepth; ++k) {
      T x[kEach], y[kEach];
#pragma unroll
      for (int e = 0; e < kEach; ++e) {
        x[e] = left[k][ty + e * kAcross];
        y[e] = right[k][tx + e * kAcross];
      }
#pragma unroll
      for (int e = 0; e < kEach; ++e)
#pragma unroll
        for (int f = 0; f < kEach; ++f) sum[e][f] += x[e] * y[f];
    }
    __syncthreads();
  }
#pragma unroll
  for (int e = 0; e < kEach; ++e)
#pragma unroll
    for (int f = 0; f < kEach; ++f) {
      const int64_t i = ty + e * kAcross, j = tx + f * kAcross;
      if (i0 + i < rows && j0 + j < columns) c(i, j) -= sum[e][f];
    }
}

}  // namespace tfmini::cuda
