// Fused programs decoded: registers with their tiles, and how one step runs on one tile.
#pragma once

#include <cstdint>
#include <vector>

#include "core/attrs.h"
#include "ops/fused.h"
#include "simd/reduce.h"

namespace tfmini {

struct FusedStep {
  enum class Kind : uint8_t { kUnary, kBinary, kSelect, kCast, kSpread, kReduce };
  Kind kind;
  DType type;        // of the operands (of the chosen values, for select)
  DType to;          // of a cast's result
  bool mean;         // a sum to be divided by its count
  int16_t function;  // in its table; which reduction
  int16_t a, b, c;   // registers
  int16_t tile;      // where a full result goes (a reduction's operand, if it must be written out),
  int16_t output;    // unless it can go to this output at once; -1: it is none
};

struct FusedRegister {
  DType type;
  int size;  // bytes per element
  Extent extent;
  int16_t slot = -1;  // position among the registers of its extent, for all but full ones
  int16_t last = -1;  // step that reads it last
};

// A register's elements for one tile.
struct FusedValue {
  const void* data;
  bool scalar;  // one for all
};

struct FusedSteps {
  explicit FusedSteps(const Attrs& attrs);

  int num_inputs = 0;
  int num_tiles = 0;    // of full registers that are alive at once
  int num_rows = 0;     // row registers that steps write
  int num_columns = 0;  // results of kColumn and kAll: each accumulates on its own
  int widest = 1;       // bytes per element
  double cost = 0;      // ns per element, roughly
  std::vector<FusedStep> steps;
  std::vector<FusedRegister> registers;
  std::vector<int16_t> results;  // registers that are outputs

 private:
  void assign_tiles();
};

// Every kind but kSpread and kReduce: `n` elements into `out`; says where the result is.
FusedValue run_fused_step(const FusedStep& step, const FusedValue* values, void* out, int64_t n);
// One value over and over; it may lie in `out`.
void fill_fused(const void* value, void* out, int64_t n, DType dtype);

}  // namespace tfmini
