// Loops z[i] = f(x[i], y[i]) for every binary function of functors.h, with either operand a vector or a scalar.
#pragma once

#include "simd/dispatch.h"
#include "simd/functors.h"

namespace tfmini::simd {

// z may be x or y when element sizes agree.
using BinaryLoop = void (*)(const void* x, const void* y, void* z, int64_t n);

struct BinaryLoops {
  BinaryLoop vector_vector;
  BinaryLoop vector_scalar;  // y points to one element
  BinaryLoop scalar_vector;  // x points to one element
};

struct BinaryTable {
  // Null pointers where the function does not exist for the type.
  BinaryLoops loops[kNumBinary][kNumDTypes];
  const BinaryLoops& at(Binary f, DType t) const { return loops[static_cast<int>(f)][static_cast<int>(t)]; }
};

TFMINI_SIMD_TABLE(BinaryTable, binary_table)

}  // namespace tfmini::simd
