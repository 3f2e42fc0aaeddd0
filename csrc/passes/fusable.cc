#include "passes/fusable.h"

namespace tfmini {

int fusable_steps(const Ir& ir, const IrNode& n) {
  const std::string& op = n.op->name;
  if (op == "BroadcastTo") return 1;
  if (!n.op->elementwise) return 0;
  const auto has_loop = [&](const char* function) { return fused_opcode(function, n.dtypes[0]) >= 0; };
  if (op == "Cast" || op == "SelectV2") return 1;
  // The form of Select whose condition chooses rows does not broadcast the usual way.
  if (op == "Select") return ir.shape(n.inputs[0]).rank() == 0 || ir.shape(n.inputs[0]) == n.shapes[0] ? 1 : 0;
  if (op == "AddN") return has_loop("AddV2") ? static_cast<int>(n.inputs.size()) - 1 : 0;
  if (op == "ClipByValue") return has_loop("Maximum") ? 2 : 0;
  if (op == "LeakyRelu") return has_loop("LeakyRelu") ? 1 : 0;
  if (op == "LeakyReluGrad") return has_loop("LeakyRelu") ? 2 : 0;
  if ((op == "Equal" || op == "NotEqual") && !n.attrs->flag("incompatible_shape_error")) return 0;
  return fused_opcode(op, ir.dtype(n.inputs[0])) >= 0 ? 1 : 0;
}

int64_t emit_steps(FusedProgram& p, const Ir& ir, const IrNode& n, Extent result, const std::vector<int64_t>& in) {
  const std::string& op = n.op->name;
  const DType dtype = n.dtypes[0];
  const auto opcode = [&](const char* function) { return fused_opcode(function, dtype); };
  if (result != Extent::kFull) return p.emit(fused_reduce_opcode(op, result, dtype), in[0]);
  if (op == "BroadcastTo") return in[0];
  if (op == "Cast") return p.emit(fused_cast_opcode(dtype), in[0]);
  if (op == "Select" || op == "SelectV2") return p.emit(fused_select_opcode(), in[0], in[1], in[2]);
  if (op == "ClipByValue") return p.emit(opcode("Minimum"), p.emit(opcode("Maximum"), in[0], in[1]), in[2]);
  if (op == "LeakyReluGrad") return p.emit(opcode("Mul"), in[0], p.emit(opcode("LeakyReluSlope"), in[1], in[2]));
  if (op == "AddN") {
    int64_t sum = in[0];
    for (size_t k = 1; k < in.size(); ++k) sum = p.emit(opcode("AddV2"), sum, in[k]);
    return sum;
  }
  return p.emit(fused_opcode(op, ir.dtype(n.inputs[0])), in[0], in.size() > 1 ? in[1] : -1);
}

}  // namespace tfmini
