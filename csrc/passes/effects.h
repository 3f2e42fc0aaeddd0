// Which variables a node reads and writes, sub-graphs included.
#pragma once

#include <set>
#include <string>

#include "graph/function.h"
#include "passes/ir.h"

namespace tfmini {

struct Effects {
  std::set<std::string> reads;
  std::set<std::string> writes;
};

// The variable that a VariableV2 node names, in the session's store.
std::string variable_name(const Attrs& attrs, const std::string& node_name);

// Effects of running a function's outputs and control outputs.
Effects function_effects(const Function& function);

// What a node reads and writes once lower_references has run.
Effects node_effects(const IrNode& n);

// What does not change during a run: constants, and reads of variables that nothing in the plan writes.
// Kernels may keep what they make of it until they meet another buffer.
class Unchanging {
 public:
  explicit Unchanging(const Ir& ir);
  bool operator()(const Ir& ir, Out t) const;

 private:
  std::set<std::string> written_;
};

}  // namespace tfmini
