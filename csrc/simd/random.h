// Philox4x32-10 random numbers, many counters at a time.
#pragma once

#include <cstdint>

#include "core/philox.h"
#include "simd/dispatch.h"

namespace tfmini::simd {

struct RandomTable {
  // out[4 * i .. 4 * i + 3] = block i * stride of the stream that starts at `generator`.
  void (*words)(const Philox& generator, uint32_t* out, int64_t blocks, int64_t stride);
  // unit_float() of n words; y may lie where x does.
  void (*uniform)(const uint32_t* x, float* y, int64_t n);
  // Standard normal numbers from pairs of words (Box and Muller), n even: the bits that the C library's logf, sinf and
  // cosf give.
  void (*normal)(const uint32_t* x, float* y, int64_t n);
};

TFMINI_SIMD_TABLE(RandomTable, random_table)

}  // namespace tfmini::simd
