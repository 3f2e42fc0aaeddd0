// Where rows and columns have their largest or smallest element, and a search for elements above a bound.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "simd/dispatch.h"

namespace tfmini::simd {

// The first of equal elements counts. NaNs are beyond nothing; what has nothing else gives 0.
template <class T>
struct ArgLoops {
  int64_t (*max_of_row)(const T* x, int64_t n);
  int64_t (*min_of_row)(const T* x, int64_t n);
  // out[c] = row of the extreme among x[r * stride + c], r < rows, for c < cols.
  void (*max_of_columns)(const T* x, int64_t* out, int64_t rows, int64_t cols, int64_t stride);
  void (*min_of_columns)(const T* x, int64_t* out, int64_t rows, int64_t cols, int64_t stride);
  // The first i >= begin with x[i] greater than bound, or either of them NaN; n if there is none.
  int64_t (*find_above)(const T* x, int64_t begin, int64_t n, ComputeType<T> bound);
};

struct ArgTable {
  ArgLoops<float> f32;
  ArgLoops<double> f64;
  ArgLoops<Half> f16;
  ArgLoops<BFloat16> bf16;
  ArgLoops<int8_t> i8;
  ArgLoops<int16_t> i16;
  ArgLoops<int32_t> i32;
  ArgLoops<int64_t> i64;
  ArgLoops<uint8_t> u8;
  ArgLoops<uint16_t> u16;
  ArgLoops<uint32_t> u32;
  ArgLoops<uint64_t> u64;
};

TFMINI_SIMD_TABLE(ArgTable, arg_table)

template <class T>
const ArgLoops<T>& arg_loops() {
  const ArgTable& t = arg_table();
  if constexpr (std::is_same_v<T, float>)
    return t.f32;
  else if constexpr (std::is_same_v<T, double>)
    return t.f64;
  else if constexpr (std::is_same_v<T, Half>)
    return t.f16;
  else if constexpr (std::is_same_v<T, BFloat16>)
    return t.bf16;
  else if constexpr (std::is_same_v<T, int8_t>)
    return t.i8;
  else if constexpr (std::is_same_v<T, int16_t>)
    return t.i16;
  else if constexpr (std::is_same_v<T, int32_t>)
    return t.i32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return t.i64;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return t.u8;
  else if constexpr (std::is_same_v<T, uint16_t>)
    return t.u16;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return t.u32;
  else
    return t.u64;
}

}  // namespace tfmini::simd
