// Programs of fused elementwise chains: how passes/fuse.cc and the kernel in fused.cc agree.
//
// A program works on a frame: a shape seen as a matrix of `row` columns. Registers hold, for the frame's elements,
// one value each ("full"), one for each row ("row"), or a result for the whole frame (columns, all). Registers 0..N-1
// are the inputs; step i writes register N+i. Steps are quadruples (opcode, a, b, c) of a list(int) attribute; unused
// operands are -1. Element types and extents follow from the inputs'.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/dtype.h"

namespace tfmini {

inline constexpr int kMaxFusedSteps = 256;
inline constexpr int kMaxFusedInputs = 24;
inline constexpr int kMaxFusedOutputs = 16;
// Rows that are reduced inside a program stay in cache whole: the second-level one, the longest. (One thread works on a
// row, so there is also a limit to what is left to other threads.)
inline constexpr int64_t kMaxFusedRow = 65536;

// What a register has one value for.
enum class Extent : int64_t { kFull, kRow, kColumn, kAll };

// The opcode of a function of simd/functors.h (an op's name) for operands of this type; -1 if it has
// no loop for them or can fail on some values.
int64_t fused_opcode(std::string_view function, DType operands);
// c[i] ? a[i] : b[i], with the condition first.
int64_t fused_select_opcode();
int64_t fused_cast_opcode(DType to);
// A row register as a full one.
int64_t fused_spread_opcode();
// Sum, Mean, Prod, Max or Min of a full register, of every row, column or of all; -1 for other ops and types.
int64_t fused_reduce_opcode(std::string_view op, Extent result, DType operand);

// Is this the opcode of a function of single elements: neither of a reduction nor of a row register's spreading?
bool is_fused_elementwise(int64_t opcode);
// Nanoseconds per element, roughly.
double fused_cost(int64_t opcode);

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
