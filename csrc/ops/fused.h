// Programs of fused elementwise chains: how passes/fuse.cc and the kernel in fused.cc agree.
//
// A program is a list of steps over numbered registers. Registers 0..N-1 are the inputs; step i
// writes register N+i. Steps are quadruples (opcode, a, b, c) of a list(int) attribute; unused
// operands are -1. Every register has an element type, which follows from the inputs' types.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/dtype.h"

namespace tfmini {

inline constexpr int kMaxFusedSteps = 256;
inline constexpr int kMaxFusedInputs = 24;
inline constexpr int kMaxFusedOutputs = 16;

// The opcode of a function of simd/functors.h (an op's name) for operands of this type; -1 if it has
// no loop for them or can fail on some values.
int64_t fused_opcode(std::string_view function, DType operands);
// c[i] ? a[i] : b[i], with the condition first.
int64_t fused_select_opcode();
int64_t fused_cast_opcode(DType to);

// May values of this type be registers?
bool fusable_type(DType dtype);

struct FusedProgram {
  std::vector<int64_t> steps;
  int num_inputs = 0;

  // Appends a step and returns the register it writes.
  int64_t emit(int64_t opcode, int64_t a, int64_t b = -1, int64_t c = -1) {
    steps.insert(steps.end(), {opcode, a, b, c});
    return num_inputs + static_cast<int64_t>(steps.size()) / 4 - 1;
  }
};

}  // namespace tfmini
