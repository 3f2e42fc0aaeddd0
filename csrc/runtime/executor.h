// Runs plans: a loop over instructions.
#pragma once

#include "runtime/plan.h"

namespace tfmini {

class Executor {
 public:
  // Feeds are in their slots; afterwards the fetched slots hold values. Throws Error naming the
  // node at fault, or CancelledError if the run was interrupted. `first`: the instruction to start with.
  static void run(const Plan& plan, RunState& state, int32_t first = 0);
  // One instruction, without what is cleared after it.
  static void step(const Plan& plan, RunState& state, int32_t instr);
  static void release(const Plan& plan, RunState& state, int32_t instr);
};

}  // namespace tfmini
