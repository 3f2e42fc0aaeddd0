// Shape inference with the fed shapes, and constant folding, in one walk: shapes make constants
// (Shape, BroadcastGradientArgs, ...) and constants make shapes (Reshape, Slice, ...).
#include "core/registry.h"
#include "graph/constant_eval.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

class PlanContext final : public InferContext {
 public:
  PlanContext(const Ir& ir, const IrNode& node) : ir_(ir), node_(node) {
    def_ = node.op;
    attrs_ = node.attrs.get();
    for (Out t : node.inputs) {
      inputs_.push_back(ir.shape(t));
      input_dtypes_.push_back(ir.dtype(t));
    }
    outputs_.assign(node.dtypes.size(), Shape::unknown());
  }
  const Tensor* constant(int i) override { return ir_.value(node_.inputs[i]); }
  Shape constant_as_shape(int i) override {
    if (const Tensor* t = constant(i)) return t->to_shape();
    const Shape& s = input(i);
    return s.known_rank() && s.rank() == 1 && s[0] >= 0 && s[0] <= Shape::kMaxRank
               ? Shape::unknown_of_rank(static_cast<int>(s[0]))
               : Shape::unknown();
  }
  std::vector<Shape>& outputs() { return outputs_; }

 private:
  const Ir& ir_;
  const IrNode& node_;
};

void infer(const Ir& ir, IrNode& n) {
  if (n.op->inputs.empty() || !n.op->shape_fn) return;  // sources keep the shapes they came with
  PlanContext context(ir, n);
  try {
    context.infer();
  } catch (Error& e) {
    e.set_node(n.name);
    throw;
  }
  for (size_t i = 0; i < n.shapes.size(); ++i) {
    // set_shape() may know more than the rule. What a kernel writes must rest on shapes that are
    // certain, so here its word counts only where the kernel itself allocates (and is then checked).
    const Shape& inferred = context.outputs()[i];
    const bool trusted = n.op->dynamic_output && inferred.compatible_with(n.shapes[i]);
    n.shapes[i] = trusted ? merge(inferred, n.shapes[i]) : inferred;
  }
}

// Constants may grow while folding (Fill, Tile), but not so far that plans become large.
bool worth_folding(const Ir& ir, const IrNode& n) {
  int64_t in = 0, out = 0;
  for (Out t : n.inputs) in += ir.shape(t).num_elements();
  for (const Shape& s : n.shapes) {
    if (!s.fully_defined()) return n.op->dynamic_output && in <= kMaxFoldedElements;
    out += s.num_elements();
  }
  constexpr int64_t kSmall = 16 << 10;
  return out <= kSmall || out <= in;
}

bool foldable(const Ir& ir, const IrNode& n) {
  if (n.op->stateful || !n.control.empty() || n.inputs.empty()) return false;
  for (Out t : n.inputs)
    if (!ir.value(t)) return false;
  for (DType d : n.dtypes)
    if (d == DType::kVariant) return false;
  return worth_folding(ir, n);
}

// Makes a node whose results follow from the shapes of its inputs a constant.
bool fold_shapes(const Ir& ir, IrNode& n) {
  if (n.inputs.empty() || n.inputs.size() != n.dtypes.size() || !n.control.empty()) return false;
  std::vector<Tensor> values;
  for (size_t i = 0; i < n.inputs.size(); ++i) {
    values.push_back(shape_op_value(*n.op, n.dtypes[i], ir.shape(n.inputs[i])));
    if (!values.back().defined()) return false;
  }
  for (size_t i = 0; i < values.size(); ++i) n.shapes[i] = values[i].shape();
  n.values = std::move(values);
  return true;
}

void evaluate(const Ir& ir, IrNode& n) {
  std::vector<Tensor> inputs;
  for (Out t : n.inputs) inputs.push_back(*ir.value(t));
  if (n.op->alias) {
    if (n.shapes[0].fully_defined()) n.values = {inputs[0].reshaped(n.shapes[0])};
    return;
  }
  const KernelFactory* factory = Registry::get().find_kernel(*n.op, DeviceKind::kCPU, *n.attrs);
  if (!factory) return;
  try {
    n.values = call_kernel((*factory)(*n.attrs), inputs, n.dtypes, n.shapes, n.op->dynamic_output);
  } catch (Error& e) {
    e.set_node(n.name);
    throw;
  }
  for (size_t i = 0; i < n.values.size(); ++i) n.shapes[i] = n.values[i].shape();
}

}  // namespace

Ir fold(Ir ir, bool evaluate_constants) {
  std::vector<Out> forward(ir.nodes.size(), Out{});  // output 0 of a dropped node -> what it is
  const auto resolve = [&](Out& t) {
    if (t.index == 0 && forward[t.node].node >= 0) t = forward[t.node];
  };
  for (size_t i = 0; i < ir.nodes.size(); ++i) {
    IrNode& n = ir.nodes[i];
    for (Out& t : n.inputs) resolve(t);
    // Still here, so it is not fed: it is its default, which must have the shape declared for it.
    if (n.op->name == "PlaceholderWithDefault") n.op = &Registry::get().find("EnsureShape");
    infer(ir, n);
    if (fold_shapes(ir, n)) continue;
    if (evaluate_constants && n.values.empty() && foldable(ir, n)) evaluate(ir, n);
    // Of scalars, the shape says nothing about axes that are not known yet.
    if ((n.op->alias || (n.op->same_if_same_shape && n.shapes[0].rank() > 0)) && n.control.empty() &&
        n.values.empty() && n.shapes[0].fully_defined() && n.shapes[0] == ir.shape(n.inputs[0]))
      forward[i] = n.inputs[0];
  }
  // Constants no longer need what they were computed from.
  for (IrNode& n : ir.nodes)
    if (!n.values.empty()) {
      n.inputs.clear();
      n.variables.clear();
    }
  for (Out& t : ir.fetches) resolve(t);
  return remove_dead(std::move(ir));
}

}  // namespace tfmini
