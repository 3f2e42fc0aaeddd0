#include "runtime/plan.h"

#include <sstream>

#include "core/devices.h"
#include "runtime/session.h"

namespace tfmini {

Instr::Instr(Instr&& o) noexcept
    : kernel(std::move(o.kernel)),
      node(o.node),
      alias(o.alias),
      infer(o.infer),
      check_shapes(o.check_shapes),
      finish(o.finish),
      device(o.device),
      first_id(o.first_id),
      num_inputs(o.num_inputs),
      num_outputs(o.num_outputs),
      first_alloc(o.first_alloc),
      num_allocs(o.num_allocs),
      first_release(o.first_release),
      num_releases(o.num_releases),
      owned_inputs(o.owned_inputs),
      variables(std::move(o.variables)),
      name(std::move(o.name)) {}

bool is_small(DType dtype, const Shape& shape) {
  return is_pod(dtype) && shape.fully_defined() &&
         static_cast<size_t>(shape.num_elements()) <= kSmallBytes / dtype_size(dtype);
}

std::unique_ptr<RunState> Plan::acquire() const {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto state = std::move(idle_.back());
      idle_.pop_back();
      return state;
    }
  }
  return make_state();
}

void Plan::release(std::unique_ptr<RunState> state) const {
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(state));
}

Error Plan::too_large(uint8_t device, const Error& cause) const {
  const IrNode* largest = nullptr;
  int32_t slot = -1;
  size_t most = 0;
  for (const Instr& instr : instrs_) {
    for (int32_t k = 0; k < instr.num_outputs; ++k) {
      const int32_t s = ids(instr)[instr.num_inputs + k];
      if (offsets_[s] < 0 || devices_[s] != device) continue;
      const size_t bytes = static_cast<size_t>(shapes_[s].num_elements()) * dtype_size(dtypes_[s]);
      if (largest && bytes <= most) continue;
      largest = &nodes_[instr.node], slot = s, most = bytes;
    }
  }
  std::string text = detail::concat(cause.message(), "; it was wanted for the intermediate values of a run of ",
                                    instrs_.size(), " instructions");
  if (largest) text += detail::concat(", of which this ", dtype_name(dtypes_[slot]), shapes_[slot], " is the largest");
  Error error(cause.code(), text + ": try a smaller batch");
  if (largest) error.set_node(largest->name);
  return error;
}

std::unique_ptr<RunState> Plan::make_state() const {
  auto state = std::make_unique<RunState>();
  char* arenas[256] = {};  // by device
  for (const ArenaSize& a : arenas_) {
    try {
      state->arenas.push_back(device_at(a.device).allocate(a.bytes));
    } catch (const Error& e) {
      if (e.code() != Code::kResourceExhausted) throw;
      throw too_large(a.device, e);
    }
    arenas[a.device] = static_cast<char*>(state->arenas.back()->data());
  }
  state->recorded.resize(segments_.size());
  state->slots.resize(dtypes_.size());
  for (size_t s = 0; s < dtypes_.size(); ++s) {
    if (constants_[s].defined())
      state->slots[s] = constants_[s];
    else if (offsets_[s] >= 0)  // borrowed: the arena outlives every use
      state->slots[s] = Tensor(dtypes_[s], shapes_[s], BufferRef(), arenas[devices_[s]] + offsets_[s], devices_[s]);
  }
  state->calls.reserve(instrs_.size());
  for (const Instr& instr : instrs_) {
    KernelContext::Call call;
    call.slots = state->slots.data();
    call.inputs = ids(instr);
    call.outputs = ids(instr) + instr.num_inputs;
    call.output_dtypes = nodes_[instr.node].dtypes.data();
    call.num_inputs = instr.num_inputs;
    call.num_outputs = instr.num_outputs;
    call.owned_inputs = instr.owned_inputs;
    call.device = &device_at(instr.device);
    call.env = session_;
    call.instr = &instr;
    state->calls.push_back(call);
  }
  return state;
}

std::string Plan::str() const {
  std::ostringstream out;
  int copies = 0;
  for (const Instr& instr : instrs_) {
    const IrNode& n = nodes_[instr.node];
    out << n.op->name << " '" << n.name << "' (";
    for (int32_t i = 0; i < instr.num_inputs; ++i) out << (i ? " " : "") << '%' << ids(instr)[i];
    out << ") ->";
    for (int32_t i = 0; i < instr.num_outputs; ++i) {
      const int32_t s = ids(instr)[instr.num_inputs + i];
      out << " %" << s << ' ' << dtype_name(dtypes_[s]) << shapes_[s].str();
      if (offsets_[s] >= 0) out << '@' << offsets_[s];
    }
    if (instr.infer) out << " dynamic";
    if (instr.device) out << " on " << device_at(instr.device).name();
    copies += n.op->name == "_CopyToHost" || n.op->name == "_CopyToDevice";
    out << '\n';
    for (const InnerPlan& inner : inner_) {
      if (inner.node != instr.node) continue;
      out << "  " << inner.role << ":\n";
      std::istringstream lines(inner.plan->str());
      for (std::string line; std::getline(lines, line);) out << "    " << line << '\n';
    }
  }
  for (const Segment& s : segments_)
    out << "recorded on " << device_at(s.device).name() << ": " << s.count - s.steps.size() << " kernels\n";
  if (copies) out << "copies between devices: " << copies << '\n';
  if (arenas_.empty()) out << "arena: 0 bytes\n";
  for (const ArenaSize& a : arenas_) {
    out << "arena";
    if (a.device) out << " on " << device_at(a.device).name();
    out << ": " << a.bytes << " bytes\n";
  }
  return out.str();
}

}  // namespace tfmini
