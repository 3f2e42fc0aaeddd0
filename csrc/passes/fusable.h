// Which nodes can be steps of a fused kernel, and which steps.
#pragma once

#include <vector>

#include "passes/frame.h"

namespace tfmini {

// How many steps the elementwise node would be; 0 if it cannot be fused.
int fusable_steps(const Ir& ir, const IrNode& n);

// Adds the steps of a node with these operands, a reduction to `result` or, if that is Extent::kFull, an elementwise
// one. Returns the register of its value.
int64_t emit_steps(FusedProgram& p, const Ir& ir, const IrNode& n, Extent result, const std::vector<int64_t>& in);

}  // namespace tfmini
