#include "core/devices.h"
#include "core/registry.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

bool wants_gpu(const std::string& device) {
  return device.find(":GPU") != std::string::npos || device.find("/gpu") != std::string::npos;
}

}  // namespace

Ir place(Ir ir, bool soft_placement) {
  for (const IrNode& n : ir.nodes) {
    if (soft_placement || n.device.empty() || !wants_gpu(n.device)) continue;
    const std::string reason = cuda_status();
    Error e(Code::kInvalidArgument,
            detail::concat("cannot place this node on ", n.device, ": ",
                           reason.empty() ? "the op has no CUDA kernel" : reason,
                           "; remove the tf.device, or use tf.ConfigProto(allow_soft_placement=True)"));
    e.set_node(n.name);
    throw e;
  }
  return ir;
}

}  // namespace tfmini
