// Loops out[i] = c[i] ? a[i] : b[i], by element size; a and b may be scalars.
#pragma once

#include "simd/dispatch.h"
#include "simd/functors.h"

namespace tfmini::simd {

// out may be a or b.
using SelectLoop = void (*)(const bool* c, const void* a, const void* b, void* out, int64_t n);

struct SelectTable {
  SelectLoop loops[4][2][2];  // [log2 of the element size][a is a scalar][b is a scalar]
  SelectLoop at(int element_size, bool a_scalar, bool b_scalar) const {
    return loops[__builtin_ctz(static_cast<unsigned>(element_size))][a_scalar][b_scalar];
  }
};

TFMINI_SIMD_TABLE(SelectTable, select_table)

}  // namespace tfmini::simd
