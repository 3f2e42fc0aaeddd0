// Transposition of a tile that fits into L1, by element size.
#pragma once

#include <cstdint>
#include <type_traits>

#include "simd/dispatch.h"

namespace tfmini::simd {

// out[i * out_stride + j] = in[j * in_stride + i] for i < rows, j < cols. `large`: the whole output is
// larger than the caches, so that it need not stay in them.
template <class T>
using TransposeFn = void (*)(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows, int64_t cols,
                             bool large);

struct TransposeTable {
  TransposeFn<uint8_t> u8;
  TransposeFn<uint16_t> u16;
  TransposeFn<uint32_t> u32;
  TransposeFn<uint64_t> u64;
};

TFMINI_SIMD_TABLE(TransposeTable, transpose_table)

template <class T>
TransposeFn<T> transpose_fn() {
  if constexpr (sizeof(T) == 1)
    return transpose_table().u8;
  else if constexpr (sizeof(T) == 2)
    return transpose_table().u16;
  else if constexpr (sizeof(T) == 4)
    return transpose_table().u32;
  else
    return transpose_table().u64;
}

// The same for numbers, whose bits are moved.
template <class T>
void transpose(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows, int64_t cols) {
  using Wide = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  using Narrow = std::conditional_t<sizeof(T) == 2, uint16_t, uint8_t>;
  using Bits = std::conditional_t<(sizeof(T) > 2), Wide, Narrow>;
  transpose_fn<Bits>()(reinterpret_cast<const Bits*>(in), in_stride, reinterpret_cast<Bits*>(out), out_stride, rows,
                       cols, false);
}

}  // namespace tfmini::simd
