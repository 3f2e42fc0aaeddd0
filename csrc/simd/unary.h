// Loops y[i] = f(x[i]) for every unary function of functors.h.
#pragma once

#include "simd/dispatch.h"
#include "simd/functors.h"

namespace tfmini::simd {

// y may be x when both have the same element size.
using UnaryLoop = void (*)(const void* x, void* y, int64_t n);

struct UnaryTable {
  // nullptr where the function does not exist for the type.
  UnaryLoop loops[kNumUnary][kNumDTypes];
  UnaryLoop at(Unary f, DType t) const { return loops[static_cast<int>(f)][static_cast<int>(t)]; }
};

TFMINI_SIMD_TABLE(UnaryTable, unary_table)

}  // namespace tfmini::simd
