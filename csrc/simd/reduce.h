// Reductions of contiguous rows and of columns. The order of the additions is fixed by the counts
// alone, so that every instruction set and any number of threads gives the same bits.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "simd/dispatch.h"

namespace tfmini::simd {

// kMax and kMin of a row with NaN are NaN. On bools (as uint8) they are "any" and "all".
enum class Reduction { kSum, kSumSquares, kProd, kMax, kMin };
inline constexpr int kReductions = 5;

template <class T>
struct ReduceLoops {
  using C = ComputeType<T>;
  // (kSumSquares only for floats.)
  // out[r] = reduction of x[r*n .. r*n + n), n >= 1. Float rows are summed in blocks of 4096
  // elements, the block sums in double.
  void (*rows)(const T* x, C* out, int64_t rows, int64_t n);
  // out[c] = reduction over r of x[r*stride + c], rows >= 1, c < cols.
  void (*columns)(const T* x, C* out, int64_t rows, int64_t cols, int64_t stride);
};

struct ReduceTable {
  ReduceLoops<float> f32[kReductions];
  ReduceLoops<double> f64[kReductions];
  ReduceLoops<Half> f16[kReductions];
  ReduceLoops<BFloat16> bf16[kReductions];
  ReduceLoops<int8_t> i8[kReductions];
  ReduceLoops<int16_t> i16[kReductions];
  ReduceLoops<int32_t> i32[kReductions];
  ReduceLoops<int64_t> i64[kReductions];
  ReduceLoops<uint8_t> u8[kReductions];
  ReduceLoops<uint16_t> u16[kReductions];
  ReduceLoops<uint32_t> u32[kReductions];
  ReduceLoops<uint64_t> u64[kReductions];
};

TFMINI_SIMD_TABLE(ReduceTable, reduce_table)

template <class T>
const ReduceLoops<T>& reduce_loops(Reduction op) {
  const ReduceTable& t = reduce_table();
  const int i = static_cast<int>(op);
  if constexpr (std::is_same_v<T, float>)
    return t.f32[i];
  else if constexpr (std::is_same_v<T, double>)
    return t.f64[i];
  else if constexpr (std::is_same_v<T, Half>)
    return t.f16[i];
  else if constexpr (std::is_same_v<T, BFloat16>)
    return t.bf16[i];
  else if constexpr (std::is_same_v<T, int8_t>)
    return t.i8[i];
  else if constexpr (std::is_same_v<T, int16_t>)
    return t.i16[i];
  else if constexpr (std::is_same_v<T, int32_t>)
    return t.i32[i];
  else if constexpr (std::is_same_v<T, int64_t>)
    return t.i64[i];
  else if constexpr (std::is_same_v<T, uint8_t>)
    return t.u8[i];
  else if constexpr (std::is_same_v<T, uint16_t>)
    return t.u16[i];
  else if constexpr (std::is_same_v<T, uint32_t>)
    return t.u32[i];
  else
    return t.u64[i];
}

}  // namespace tfmini::simd
