#include "runtime/executor.h"

#include "core/interrupt.h"
#include "runtime/variables.h"

namespace tfmini {
namespace {

// Shape inference when an instruction runs: every input is at hand.
class RunContext final : public InferContext {
 public:
  RunContext(const IrNode& node, const KernelContext& c) : c_(c) {
    def_ = node.op;
    attrs_ = node.attrs.get();
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const int k = static_cast<int>(i);
      if (i < node.variables.size() && !node.variables[i].empty()) {
        const Variable& v = c.variable(k);
        inputs_.push_back(v.initialized() ? v.read().shape() : v.shape());
        input_dtypes_.push_back(v.dtype());
      } else {
        inputs_.push_back(c.input(k).shape());
        input_dtypes_.push_back(c.input(k).dtype());
      }
    }
    outputs_.assign(node.dtypes.size(), Shape::unknown());
  }
  const Tensor* constant(int i) override { return &c_.input(i); }
  Shape constant_as_shape(int i) override {
    const Tensor& t = c_.input(i);
    Shape s;
    for (int64_t k = 0; k < t.num_elements(); ++k) s.add_dim(t.int_at(k));
    return s;
  }

 private:
  const KernelContext& c_;
};

void check_promise(const Shape& actual, const Shape& promised) {
  check(actual.compatible_with(promised), "the result has shape ", actual, ", but its static shape says ", promised,
        " (set_shape or a variable's declared shape does not hold)");
}

// Does output i name a variable? (Ops with such outputs have no list outputs.)
bool is_reference(const OpDef& op, int i) {
  return static_cast<size_t>(i) < op.outputs.size() && op.outputs[static_cast<size_t>(i)].is_ref;
}

void allocate_inferred(const IrNode& node, const KernelContext& c) {
  RunContext infer(node, c);
  node.op->shape_fn(infer);
  for (int i = 0; i < c.num_outputs(); ++i) {
    check_promise(infer.output(i), node.shapes[i]);
    if (is_reference(*node.op, i)) continue;
    if (node.op->alias)
      c.set_output(i, c.input(0).reshaped(infer.output(i)));
    else
      c.allocate_output(i, infer.output(i));
  }
}

void step(const Plan& plan, const Instr& instr, RunState& state, const KernelContext::Call& call) {
  for (int32_t a = 0; a < instr.num_allocs; ++a) {
    const int32_t s = plan.allocs()[instr.first_alloc + a];
    state.slots[s] = Tensor(plan.slot_dtypes()[s], plan.slot_shapes()[s]);
  }
  KernelContext context(call);
  const IrNode& node = plan.nodes()[instr.node];
  if (instr.infer) [[unlikely]]
    allocate_inferred(node, context);
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
  for (int32_t r = 0; r < instr.num_releases; ++r) state.slots[plan.releases()[instr.first_release + r]] = Tensor();
}

}  // namespace

void Executor::run(const Plan& plan, RunState& state) {
  const auto& instrs = plan.instrs();
  for (size_t i = 0; i < instrs.size(); ++i) {
    // Kernels that take long poll by themselves; this is for long lists of short ones.
    if ((i & 63) == 63) throw_if_interrupted();
    try {
      step(plan, instrs[i], state, state.calls[i]);
    } catch (Error& e) {
      e.set_node(plan.nodes()[instrs[i].node].name);
      throw;
    } catch (const std::bad_alloc&) {
      Error e(Code::kResourceExhausted, "out of memory");
      e.set_node(plan.nodes()[instrs[i].node].name);
      throw e;
    }
  }
}

}  // namespace tfmini
