// Programs of fused elementwise chains: how passes/fuse.cc and the kernel in fused.cc agree.
//
// A program is a list of steps over numbered registers. Registers 0..N-1 are the inputs; step i
// writes register N+i. Steps are triples (opcode, a, b) of a list(int) attribute; opcodes are
// positions in the tables of simd/functors.h, unary functions first; b is -1 for those.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/dtype.h"

namespace tfmini {

inline constexpr int kMaxFusedSteps = 256;
inline constexpr int kMaxFusedInputs = 24;
inline constexpr int kMaxFusedOutputs = 16;

// The opcode of an op for elements of this type; -1 if it cannot be a step (it needs attributes,
// can fail, or is not elementwise).
int64_t fused_opcode(std::string_view op, DType dtype);
bool is_unary_opcode(int64_t opcode);

}  // namespace tfmini
