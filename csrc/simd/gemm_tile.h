// The register tile of the GEMM micro-kernel, per instruction set. Only for csrc/simd/gemm_*.cc.
//
// kRows x kVecs accumulator vectors, kVecs vectors of B and one broadcast of A must fit the vector
// registers: 14 * 2 + 2 + 1 = 31 of 32 for AVX-512, 6 * 2 + 2 + 1 = 15 of 16 for AVX2. So must kNarrowRows x 1 and
// kWideRows x 3.
#pragma once

#include <cstdint>

#include "simd/vec.h"

namespace tfmini::simd {
namespace {

#if defined(__AVX512F__)
constexpr int kTileRows = 14, kNarrowRows = 14, kWideRows = 9;
#elif defined(__AVX2__)
constexpr int kTileRows = 6, kNarrowRows = 12, kWideRows = 4;
#else
constexpr int kTileRows = 4, kNarrowRows = 8, kWideRows = 3;
#endif
constexpr int kTileVecs = 2;
template <class T>
constexpr int kTileCols = kTileVecs * kLanes<T>;

// x - 0 is x for every x, -0 included, so this becomes one broadcast instruction.
template <class T>
TFMINI_ALWAYS_INLINE Vec<T> broadcast(T x) {
  return x - Vec<T>{};
}

// sum += x y. As an expression, the compiler lets the sums wander between
// registers when steps are unrolled, and finally spills them.
template <class T>
TFMINI_ALWAYS_INLINE void add_product(Vec<T>& sum, Vec<T> x, Vec<T> y) {
#if defined(__FMA__)
  if constexpr (sizeof(T) == 4)
    asm("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y));
  else
    asm("vfmadd231pd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y));
#else
  sum += x * y;
#endif
}

}  // namespace
}  // namespace tfmini::simd
