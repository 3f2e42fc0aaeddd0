// Where the micro-kernel finds its operands: matrices cut into panels, packed or as they lie in memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "gemm/gemm.h"
#include "simd/gemm_pack.h"
#include "simd/gemm_ukernel.h"

namespace tfmini {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t unit) { return ceil_div(a, unit) * unit; }
// Divides `total` evenly into as few blocks of at most `limit` as will do; the size is a multiple of `unit`.
inline int64_t even_block(int64_t total, int64_t limit, int64_t unit) {
  const int64_t blocks = ceil_div(total, std::max(limit, unit));
  return std::max(unit, round_up(ceil_div(total, std::max<int64_t>(blocks, 1)), unit));
}

template <class T>
const simd::GemmKernels<T>& gemm_kernels() {
  const auto& table = simd::gemm_kernel_table();
  if constexpr (std::is_same_v<T, float>)
    return table.f32;
  else
    return table.f64;
}

template <class S, class T>
const simd::GemmPackers<S, T>& gemm_packers() {
  const auto& table = simd::gemm_pack_table();
  if constexpr (std::is_same_v<S, float>)
    return table.f32;
  else if constexpr (std::is_same_v<S, double>)
    return table.f64;
  else if constexpr (std::is_same_v<S, Half>)
    return table.f16;
  else
    return table.bf16;
}

// Rows in as few panels of at most `width` as will do, of equal height but for one: a panel of one row
// would keep the multipliers waiting.
struct RowPanels {
  int64_t count, height, taller;  // the first `taller` ones have a row more
  RowPanels(int64_t rows, int64_t width) : count(rows > 0), height(rows), taller(0) {
    if (rows <= width) return;  // divisions would be felt
    count = ceil_div(rows, width);
    height = rows / count;
    taller = rows - count * height;
  }
  int64_t first(int64_t q) const { return q * height + std::min(q, taller); }
  int64_t rows(int64_t q) const { return height + (q < taller ? 1 : 0); }
};

// Panels packed for a product of depth k, which is taken in blocks of `depth` steps: all panels of a
// block lie next to each other, in the order in which the micro-kernel passes over them.
template <class T>
struct PackedPanels {
  T* data;
  int64_t panels, width, k, depth;

  static int64_t elements(int64_t panels, int64_t width, int64_t k) { return panels * width * k; }
  // Panel q of the block that starts at step p.
  T* at(int64_t q, int64_t p) const { return data + (p * panels + q * steps(p)) * width; }
  int64_t steps(int64_t p) const { return std::min(depth, k - p); }
};

}  // namespace tfmini
