// Where nodes run: where the program says; else on the first GPU if the op has a kernel there; else on the CPU.
//
// Aliases stay with what they show. Whoever uses a variable by reference goes where it lives (passes/homes.h). Integer
// arithmetic whose operands are on the host (shapes, counters, loop conditions) stays there, as in TensorFlow: its
// results are read on the host, and a queue must not be waited for to learn the size of an array. So does what turns
// integers of the host into others that are needed there, such as the classes a sampler is given.
#include <algorithm>
#include <iostream>

#include "core/registry.h"
#include "graph/function.h"
#include "passes/effects.h"
#include "passes/homes.h"

namespace tfmini {
namespace {

bool is_host_type(DType d) { return !is_pod(d) || d == DType::kInt32 || d == DType::kBool; }

bool is_whole(DType d) { return is_integer(d) || d == DType::kBool; }

// Does any node of the function, or of one inside, have a kernel for a GPU? What is done with integers alone does not
// count: such a function counts steps.
bool has_gpu_work(const Function& f) {
  for (int32_t i = 0; i < f.graph->size(); ++i) {
    const Node& n = f.graph->node(i);
    const bool counts = std::all_of(n.inputs.begin(), n.inputs.end(),
                                    [&](Out t) { return is_whole(f.graph->node(t.node).dtypes[t.index]); });
    if (n.op->outputs.empty() || is_host_type(n.dtypes[0]) || (counts && is_whole(n.dtypes[0]))) continue;
    if (Registry::get().find_kernel(*n.op, DeviceKind::kCUDA, n.attrs)) return true;
  }
  return false;
}

bool has_gpu_work(const IrNode& n) {
  return std::any_of(n.attrs->begin(), n.attrs->end(), [](const auto& a) {
    const auto* f = std::get_if<std::shared_ptr<Function>>(&a.second);
    return f && has_gpu_work(**f);
  });
}

class Placer {
 public:
  Placer(Ir ir, const PassOptions& options, VariableHomes& homes)
      : ir_(std::move(ir)), options_(options), homes_(homes) {}

  Ir run() {
    for (IrNode& n : ir_.nodes) {
      if (n.op->name == "_Arg") continue;  // fed: where the fed value is
      n.place = choose(n);
      if (options_.log_placement)
        std::cerr << n.name << ": (" << n.op->name << "): /job:localhost/replica:0/task:0/device:"
                  << (n.place ? detail::concat("GPU:", gpu_number(n.place)) : "CPU:0") << '\n';
    }
    bring_home();
    return std::move(ir_);
  }

 private:
  // Integers that come from the host and are needed there do not visit a device.
  void bring_home() {
    std::vector<char> needed(ir_.nodes.size());  // on the host, by a node
    for (size_t i = ir_.nodes.size(); i-- > 0;) {
      IrNode& n = ir_.nodes[i];
      if (n.place && needed[i] && n.device.empty() && moves_host_integers(n)) n.place = 0;
      const std::vector<int32_t> declared = declared_inputs(n);
      for (size_t k = 0; k < n.inputs.size(); ++k)
        if (wanted_location(ir_, n, k, declared[k]) == 0) needed[n.inputs[k].node] = 1;
    }
  }

  bool moves_host_integers(const IrNode& n) const {
    return !n.op->alias && !n.op->stateful && std::all_of(n.dtypes.begin(), n.dtypes.end(), is_whole) &&
           std::all_of(n.inputs.begin(), n.inputs.end(),
                       [&](Out t) { return location(ir_.nodes[t.node], t.index) == 0 && is_whole(ir_.dtype(t)); });
  }

  uint8_t choose(const IrNode& n) {
    const bool is_variable = n.op->name == "VariableV2" || n.op->name == "Variable";
    if (!options_.gpus.empty()) {
      const auto variable = std::find_if(n.variables.begin(), n.variables.end(), [](auto& v) { return !v.empty(); });
      if (variable != n.variables.end()) return with_variable(n, *variable);
      if (is_variable) return homes_.find(variable_name(*n.attrs, n.name), options_);
    }
    if (n.device.empty() && options_.gpus.empty()) return 0;
    const DeviceRequest request = parse_device(n.device);
    if (request.kind == DeviceRequest::kCpu) return 0;
    if (request.kind == DeviceRequest::kGpu) {
      const uint8_t gpu = gpu_ordinal(options_, request.index);
      if (gpu != 0 && stays_on_host(n)) return 0;
      if (gpu != 0 && can_run_on_gpu(n)) return gpu;
      if (!options_.soft_placement) refuse(n, gpu == 0 ? missing_gpu(options_, request.index) : no_kernel(n));
    }
    if (options_.gpus.empty()) return 0;
    if (n.op->alias) return location(ir_.nodes[n.inputs[0].node], n.inputs[0].index);
    return can_run_on_gpu(n) && !stays_on_host(n) ? options_.gpus[0] : uint8_t{0};
  }

  uint8_t with_variable(const IrNode& n, const std::string& variable) {
    const uint8_t home = homes_.find(variable, options_);
    if (n.op->reads_shapes || home == 0 || can_run_on_gpu(n)) return n.op->reads_shapes ? uint8_t{0} : home;
    refuse(n, detail::concat("the variable '", variable, "' lives on a GPU since its first use, and ", no_kernel(n),
                             "; create this op before that, or the variable under tf.device('/cpu:0')"));
  }

  bool can_run_on_gpu(const IrNode& n) const {
    if (is_control_flow(*n.op)) return has_gpu_work(n);
    for (size_t k = 0; k < n.dtypes.size(); ++k) {
      // A list is an object of the host whose elements are anywhere; the ops of lists know.
      const bool is_list = n.dtypes[k] == DType::kVariant && n.op->outputs[k].dtype == DType::kVariant;
      if (!is_pod(n.dtypes[k]) && !is_list) return false;
    }
    return n.op->alias || Registry::get().find_kernel(*n.op, DeviceKind::kCUDA, *n.attrs);
  }

  // What a GPU would have the host do: values known there, waiting, shapes, arithmetic with small integers.
  bool stays_on_host(const IrNode& n) const {
    return n.is_constant() || n.op->reads_shapes || n.op->name == "NoOp" || (!n.op->alias && is_host_arithmetic(n));
  }

  bool is_host_arithmetic(const IrNode& n) const {
    if (is_control_flow(*n.op) || !std::all_of(n.dtypes.begin(), n.dtypes.end(), is_host_type)) return false;
    return std::all_of(n.inputs.begin(), n.inputs.end(),
                       [&](Out t) { return location(ir_.nodes[t.node], t.index) == 0 && is_host_type(ir_.dtype(t)); });
  }

  std::string no_kernel(const IrNode& n) const {
    std::string text = n.op->name + " has no CUDA kernel";
    if (!n.op->kernel_attr.empty()) {
      text += detail::concat(" for ", dtype_name(n.attrs->dtype(n.op->kernel_attr)));
      const auto dtypes = Registry::get().kernel_dtypes(n.op->name, DeviceKind::kCUDA);
      for (size_t i = 0; i < dtypes.size(); ++i)
        text += (i ? ", " : ", only for ") + std::string(dtype_name(dtypes[i]));
    }
    return text;
  }

  [[noreturn]] static void refuse(const IrNode& n, const std::string& reason) {
    std::string asked;
    if (!n.device.empty()) asked = detail::concat(" it was explicitly assigned to ", n.device, ", but");
    Error e(Code::kInvalidArgument,
            detail::concat("Cannot assign a device for operation ", n.name, ":", asked, " ", reason,
                           ". Remove the tf.device, or use tf.ConfigProto(allow_soft_placement=True)"));
    e.set_node(n.name);
    throw e;
  }

  size_t gpu_number(uint8_t ordinal) const {
    return static_cast<size_t>(std::find(options_.gpus.begin(), options_.gpus.end(), ordinal) - options_.gpus.begin());
  }

  Ir ir_;
  const PassOptions& options_;
  VariableHomes& homes_;
};

}  // namespace

bool has_kernel(const OpDef& op, const Attrs& attrs, const IrNode& n) {
  return Registry::get().find_kernel(op, n.place ? DeviceKind::kCUDA : DeviceKind::kCPU, attrs);
}

bool is_control_flow(const OpDef& op) { return op.name == "If" || op.name == "While"; }

uint8_t location(const IrNode& n, int32_t output) {
  const DType dtype = n.dtypes[output];
  return !is_pod(dtype) || (is_control_flow(*n.op) && is_host_type(dtype)) ? uint8_t{0} : n.place;
}

uint8_t wanted_location(const Ir& ir, const IrNode& n, size_t k, int32_t declared) {
  if (n.op->reads_shapes || (k < n.variables.size() && !n.variables[k].empty())) return Request::kAnywhere;
  const auto& host = n.op->host_inputs;
  if (!is_pod(ir.dtype(n.inputs[k]))) return 0;
  if (std::find(host.begin(), host.end(), declared) != host.end()) return 0;
  if (!is_control_flow(*n.op)) return n.place;
  const bool is_condition = n.op->name == "If" && k == 0;
  return is_condition || is_host_type(ir.dtype(n.inputs[k])) ? uint8_t{0} : n.place;
}

std::vector<int32_t> declared_inputs(const IrNode& n) {
  std::vector<int32_t> out;
  for (size_t k = 0; k < n.op->inputs.size(); ++k) {
    const ArgDef& arg = n.op->inputs[k];
    size_t count = 1;
    if (!arg.number_attr.empty()) count = static_cast<size_t>(n.attrs->integer(arg.number_attr));
    if (!arg.type_list_attr.empty()) count = n.attrs->get<std::vector<DType>>(arg.type_list_attr).size();
    out.insert(out.end(), count, static_cast<int32_t>(k));
  }
  out.resize(n.inputs.size(), -1);
  return out;
}

Ir place(Ir ir, const PassOptions& options, VariableHomes& homes) {
  return Placer(std::move(ir), options, homes).run();
}

}  // namespace tfmini
