#include "passes/homes.h"

#include "core/devices.h"
#include "core/registry.h"
#include "graph/function.h"
#include "passes/effects.h"

namespace tfmini {

DeviceRequest parse_device(const std::string& name) {
  // The type is the last part: "/job:localhost/device:GPU:1". Names are canonical by the time they are in a graph, but
  // for those of a GraphDef, which may be as short as "/gpu:0".
  const size_t slash = name.rfind('/');
  std::string last = slash == std::string::npos ? name : name.substr(slash + 1);
  for (char& c : last) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (last.starts_with("DEVICE:")) last = last.substr(7);
  DeviceRequest request;
  if (last.starts_with("CPU")) request.kind = DeviceRequest::kCpu;
  if (last.starts_with("GPU")) request.kind = DeviceRequest::kGpu;
  if (request.kind != DeviceRequest::kAny && last.size() > 4 && last[3] == ':' && last[4] != '*')
    request.index = std::atoi(last.c_str() + 4);
  return request;
}

uint8_t gpu_ordinal(const PassOptions& options, int index) {
  return static_cast<size_t>(index) < options.gpus.size() ? options.gpus[static_cast<size_t>(index)] : uint8_t{0};
}

std::string missing_gpu(const PassOptions& options, int index) {
  std::string reason = cuda_status();
  if (reason.empty()) {
    reason = detail::concat("this session has ", options.gpus.size(), " GPU", options.gpus.size() == 1 ? "" : "s");
    if (options.gpus.empty()) reason += " (see device_count and gpu_options.visible_device_list)";
  }
  return detail::concat("there is no /device:GPU:", index, ": ", reason);
}

void VariableHomes::scan(const Graph& graph, std::set<const Graph*>& seen) {
  if (!seen.insert(&graph).second) return;
  std::vector<std::string> names(static_cast<size_t>(graph.size()));  // of the variable a reference stands for
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& n = graph.node(i);
    if (n.op->name == "VariableV2" || n.op->name == "Variable") {
      names[i] = variable_name(n.attrs, n.name);
      Uses& uses = uses_[names[i]];
      if (uses.node.empty()) uses.node = n.name;
      if (uses.device.empty()) uses.device = n.device;
      uses.dtype = n.dtypes[0];
      uses.is_scalar = n.attrs.has("shape") && n.attrs.shape("shape").rank() == 0;
      continue;
    }
    for (const auto& [name, value] : n.attrs)
      if (const auto* f = std::get_if<std::shared_ptr<Function>>(&value)) scan(*(*f)->graph, seen);
    const bool anywhere =
        n.op->alias || n.op->reads_shapes || Registry::get().find_kernel(*n.op, DeviceKind::kCUDA, n.attrs);
    for (Out t : n.inputs) {
      const std::string& variable = names[t.node];
      if (variable.empty() || t.index != 0) continue;
      // Whoever reads the value reads a copy where it needs one; only references tie.
      if (!n.op->writes_variable && !n.op->inputs[0].is_ref) continue;
      if (!n.op->outputs.empty() && n.op->outputs[0].is_ref && n.inputs[0] == t) names[i] = variable;
      if (!anywhere && uses_[variable].not_on_gpu.empty())
        uses_[variable].not_on_gpu = detail::concat(n.op->name, " '", n.name, "'");
    }
  }
}

uint8_t VariableHomes::find(const std::string& variable, const PassOptions& options) {
  if (const auto it = homes_.find(variable); it != homes_.end()) return it->second;
  if (!uses_.contains(variable)) {  // the first one, or the graph has grown
    std::set<const Graph*> seen;
    scan(graph_, seen);
  }
  const Uses& uses = uses_[variable];
  const DeviceRequest request = parse_device(uses.device);
  const bool fits = is_pod(uses.dtype) && uses.not_on_gpu.empty();
  uint8_t home = 0;
  if (request.kind == DeviceRequest::kGpu) {
    home = gpu_ordinal(options, request.index);
    if ((home == 0 || !fits) && !options.soft_placement) {
      std::string reason = missing_gpu(options, request.index);
      if (home != 0)
        reason = uses.not_on_gpu.empty() ? detail::concat("GPUs hold no ", dtype_name(uses.dtype), " variables")
                                         : uses.not_on_gpu + " uses it, and has no CUDA kernel";
      Error e(Code::kInvalidArgument,
              detail::concat("Cannot assign a device for operation ", uses.node, ": it was explicitly assigned to ",
                             uses.device, ", but ", reason,
                             ". Remove the tf.device, or use tf.ConfigProto(allow_soft_placement=True)"));
      e.set_node(uses.node);
      throw e;
    }
    if (!fits) home = 0;
  } else if (request.kind == DeviceRequest::kAny && fits && uses.dtype != DType::kInt32 &&
             !(uses.is_scalar && is_integer(uses.dtype))) {
    // Small integers and counters stay on the host: what depends on them is decided there.
    home = gpu_ordinal(options, 0);
  }
  return homes_[variable] = home;
}

}  // namespace tfmini
