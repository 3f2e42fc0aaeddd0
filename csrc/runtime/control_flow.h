// Ops that own sub-graphs: If and While. Their functions are compiled into plans of their own when
// the outer plan is made.
#pragma once

#include "core/registry.h"
#include "passes/ir.h"
#include "runtime/plan.h"

namespace tfmini {

// `inner`: the plans it owns are added there.
Kernel control_flow_kernel(Session& session, const IrNode& node, const Ir& ir, const PassOptions& options,
                           std::vector<InnerPlan>& inner);

}  // namespace tfmini
