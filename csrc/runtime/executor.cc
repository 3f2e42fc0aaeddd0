#include "runtime/executor.h"

#include "core/devices.h"
#include "core/interrupt.h"
#include "runtime/recorder.h"
#include "runtime/variables.h"

namespace tfmini {
namespace {

// Shape inference when an instruction runs: every input is at hand.
class RunContext final : public InferContext {
 public:
  RunContext(const IrNode& node, const Instr& instr, const KernelContext& c) : c_(c) {
    def_ = node.op;
    attrs_ = node.attrs.get();
    for (int i = 0; i < c.num_inputs(); ++i) {
      const Variable* v = static_cast<size_t>(i) < instr.variables.size() ? instr.variables[i] : nullptr;
      inputs_.push_back(v ? v->current_shape() : c.input(i).shape());
      input_dtypes_.push_back(v ? v->dtype() : c.input(i).dtype());
    }
    outputs_.assign(node.dtypes.size(), Shape::unknown());
  }
  // Rules ask for the values of host inputs only.
  const Tensor* constant(int i) override { return c_.input(i).on_host() ? &c_.input(i) : nullptr; }
  Shape constant_as_shape(int i) override { return c_.input(i).on_host() ? c_.input(i).to_shape() : Shape::unknown(); }

 private:
  const KernelContext& c_;
};

void check_promise(const Shape& actual, const Shape& promised) {
  check(actual.compatible_with(promised), "the result has shape ", actual, ", but its static shape says ", promised,
        " (set_shape or a variable's declared shape does not hold)");
}

// Runs the shape rule on actual shapes: its checks, and the outputs' shapes where a plan could not know them.
void infer_now(const IrNode& node, const Instr& instr, const KernelContext& c) {
  RunContext context(node, instr, c);
  context.infer();
  if (node.op->dynamic_output) return;
  for (int i = 0; i < c.num_outputs(); ++i) {
    if (node.op->outputs[0].is_ref) continue;
    check_promise(context.output(i), node.shapes[i]);
    if (node.op->alias)
      c.set_output(i, c.input(0).reshaped(context.output(i)));
    else
      c.allocate_output(i, context.output(i));
  }
}

void run_kernel(const Plan& plan, const Instr& instr, RunState& state, const KernelContext::Call& call) {
  for (int32_t a = 0; a < instr.num_allocs; ++a) {
    const int32_t s = plan.allocs()[instr.first_alloc + a];
    state.slots[s] = Tensor(device_at(plan.slot_devices()[s]), plan.slot_dtypes()[s], plan.slot_shapes()[s]);
  }
  KernelContext context(call);
  const IrNode& node = plan.nodes()[instr.node];
  if (instr.infer) [[unlikely]]
    infer_now(node, instr, context);
  if (instr.alias) {
    if (!instr.infer) context.set_output(0, context.input(0).reshaped(node.shapes[0]));
  } else if (instr.finish) {
    const InterruptMask mask;
    instr.kernel(context);
  } else {
    instr.kernel(context);
  }
  if (instr.check_shapes)
    for (int i = 0; i < instr.num_outputs; ++i)
      if (context.output(i).defined()) check_promise(context.output(i).shape(), node.shapes[i]);
  if (plan.synchronous() && instr.device) call.device->synchronize();
}

}  // namespace

void Executor::release(const Plan& plan, RunState& state, int32_t i) {
  const Instr& instr = plan.instrs()[i];
  for (int32_t r = 0; r < instr.num_releases; ++r) state.slots[plan.releases()[instr.first_release + r]] = Tensor();
}

void Executor::step(const Plan& plan, RunState& state, int32_t i) {
  const Instr& instr = plan.instrs()[i];
  try {
    run_kernel(plan, instr, state, state.calls[i]);
  } catch (Error& e) {
    e.set_node(plan.nodes()[instr.node].name);
    throw;
  } catch (const std::bad_alloc&) {
    Error e(Code::kResourceExhausted, "out of memory");
    e.set_node(plan.nodes()[instr.node].name);
    throw e;
  }
}

void Executor::run(const Plan& plan, RunState& state, int32_t first) {
  const auto count = static_cast<int32_t>(plan.instrs().size());
  const Segment* segment = plan.segments().data();
  const Segment* const last = segment + plan.segments().size();
  for (int32_t i = first; i < count; ++i) {
    // Kernels that take long poll by themselves; this is for long lists of short ones.
    if ((i & 63) == 63) throw_if_interrupted();
    if (segment != last && segment->first == i) [[unlikely]] {
      run_segment(plan, *segment, state);
      i += segment->count - 1;
      ++segment;
      continue;
    }
    step(plan, state, i);
    release(plan, state, i);
  }
  for (uint8_t device : plan.awaited()) device_at(device).synchronize();
}

}  // namespace tfmini
