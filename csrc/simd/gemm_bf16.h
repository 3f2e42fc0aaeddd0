// The micro-kernel for matrices of bfloat16, and the packing of its operands: pairs of neighbouring steps of k lie
// side by side, as the instruction that multiplies and adds pairs (vdpbf16ps) wants them. Sums are float and run over
// all of k in registers, so that they are rounded once; the operands are no larger than in memory.
#pragma once

#include <cstdint>

#include "core/half.h"
#include "simd/dispatch.h"

namespace tfmini::simd {

constexpr int kMaxBf16Rows = 14;

// Packs `lanes` rows of A or columns of B: pair p of lane l becomes panel[p * width + l], the first step of the two in
// its lower half. Reads src[lane * lane_stride + step * step_stride]; after an odd last step comes a zero. Lanes
// beyond `lanes` are zero.
using PackPairsFn = void (*)(const BFloat16* src, int64_t lane_stride, int64_t step_stride, int lanes, int64_t steps,
                             uint32_t* panel);

// c[rows][cols] = the products of `pairs` pairs of steps. Rows of c start ldc elements apart.
using Bf16Fn = void (*)(int64_t pairs, const uint32_t* a, const uint32_t* b, BFloat16* c, int64_t ldc, int cols);

struct Bf16Table {
  int rows, cols;  // of a tile: widths of the panels of A and B
  PackPairsFn pack_a, pack_b;
  // [r - 1] computes r rows. `instruction` needs AVX512_BF16; null where there is no such thing. Both add the
  // second product of a pair first and round after each, and so agree but for denormal numbers, which the instruction
  // takes for zero.
  Bf16Fn portable[kMaxBf16Rows] = {};
  Bf16Fn instruction[kMaxBf16Rows] = {};
};

TFMINI_SIMD_TABLE(Bf16Table, bf16_table)

}  // namespace tfmini::simd
