// Loops y[i] = (To)x[i] between all plain element types.
#pragma once

#include "simd/dispatch.h"
#include "simd/functors.h"

namespace tfmini::simd {

// x and y may not overlap unless they are equal and element sizes agree.
using CastLoop = void (*)(const void* x, void* y, int64_t n);

struct CastTable {
  CastLoop loops[kNumDTypes][kNumDTypes];  // [from][to]
  CastLoop at(DType from, DType to) const { return loops[static_cast<int>(from)][static_cast<int>(to)]; }
};

TFMINI_SIMD_TABLE(CastTable, cast_table)

}  // namespace tfmini::simd
