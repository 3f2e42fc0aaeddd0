// Batch normalization in training takes the relu that follows it, with the sum of a residual block before that, and its
// gradient takes relu's: what relu lets through is known from the image that is normalized, which the gradient reads
// anyway. What relu would move by itself, two images forward and three backward, is not moved.
#include <algorithm>

#include "core/registry.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

class BatchNormFuser {
 public:
  explicit BatchNormFuser(Ir ir) : ir_(std::move(ir)), uses_(ir_.nodes.size(), 0), waited_(ir_.nodes.size(), 0) {
    for (const IrNode& n : ir_.nodes) {
      for (Out t : n.inputs) uses_[t.node] += t.index == 0;
      for (int32_t c : n.control) waited_[c] = 1;
    }
    for (Out t : ir_.fetches) uses_[t.node] += 2 * (t.index == 0);
    for (int32_t t : ir_.targets) waited_[t] = 1;
  }

  Ir run() {
    bool changed = false;
    for (size_t i = 0; i < ir_.nodes.size(); ++i) {
      const auto id = static_cast<int32_t>(i);
      const std::string& op = ir_.nodes[i].op->name;
      if (op == "Relu") changed |= fuse_relu(id);
      if (op.starts_with("FusedBatchNormGrad")) changed |= fuse_gradient(id);
    }
    return changed ? remove_dead(std::move(ir_)) : std::move(ir_);
  }

 private:
  // Is this the image made by a batch normalization in training?
  bool is_normalized(Out t) const {
    const IrNode& n = ir_.nodes[t.node];
    const std::string& op = n.op->name;
    return t.index == 0 && (op == "FusedBatchNorm" || op == "FusedBatchNormV2" || op == "FusedBatchNormV3") &&
           n.values.empty() && n.attrs->flag("is_training") && n.shapes[0].fully_defined();
  }

  bool fuse_relu(int32_t relu) {
    const IrNode& last = ir_.nodes[relu];
    if (!is_plain(last) || waited_[relu]) return false;
    Out norm = last.inputs[0], side;
    const IrNode& sum = ir_.nodes[norm.node];
    if ((sum.op->name == "AddV2" || sum.op->name == "Add" || sum.op->name == "AddN") && sum.inputs.size() == 2) {
      if (!is_plain(sum) || waited_[norm.node] || uses_[norm.node] != 1 || sum.place != last.place) return false;
      // The later of two: the other cannot depend on it.
      const bool second = sum.inputs[1].node > sum.inputs[0].node;
      norm = sum.inputs[second];
      side = sum.inputs[!second];
      if (ir_.shape(side) != ir_.shape(norm)) return false;
    }
    static const OpDef& fused = Registry::get().find("_BatchNormRelu");
    if (!is_normalized(norm) || uses_[norm.node] != 1) return false;
    IrNode& n = ir_.nodes[norm.node];
    if (n.place != last.place || side.node == norm.node) return false;
    auto attrs = std::make_shared<Attrs>(*n.attrs);
    attrs->set("U", n.dtypes[1]);
    attrs->set("num_side_inputs", int64_t{side.node >= 0});
    if (!has_kernel(fused, *attrs, n)) return false;
    n.op = &fused;
    n.attrs = std::move(attrs);
    if (side.node >= 0) n.inputs.push_back(side);
    if (n.dtypes.size() == 5) {  // versions before the third
      n.dtypes.push_back(n.dtypes[1]);
      n.shapes.push_back(Shape{});
    }
    uses_[norm.node] = 0;
    const auto redirect = [&](Out& t) {
      if (t != Out{relu, 0}) return;
      t = norm;
      ++uses_[norm.node];
    };
    for (IrNode& user : ir_.nodes) std::ranges::for_each(user.inputs, redirect);
    std::ranges::for_each(ir_.fetches, redirect);
    return true;
  }

  bool fuse_gradient(int32_t id) {
    IrNode& n = ir_.nodes[id];
    if (!n.values.empty()) return false;
    const IrNode& relu = ir_.nodes[n.inputs[0].node];
    if (relu.op->name != "ReluGrad" || !is_plain(relu) || waited_[n.inputs[0].node] || uses_[n.inputs[0].node] != 1)
      return false;
    const Out y = relu.inputs[1];
    const IrNode& norm = ir_.nodes[y.node];
    static const OpDef& fused = Registry::get().find("_BatchNormReluGrad");
    if (norm.op->name != "_BatchNormRelu" || y.index != 0 || norm.inputs.size() != 5) return false;
    // Its own gradient: of the same image, with the statistics of the same run.
    const Out own[] = {norm.inputs[0], norm.inputs[1], {y.node, 3}, {y.node, 4}};
    if (!std::equal(own, own + 4, n.inputs.begin() + 1) || n.place != norm.place || relu.place != n.place) return false;
    for (const char* name : {"epsilon", "data_format", "is_training"})
      if (!same_value(*n.attrs->find(name), *norm.attrs->find(name))) return false;
    auto attrs = std::make_shared<Attrs>(*n.attrs);
    attrs->set("U", n.dtypes[1]);
    if (!has_kernel(fused, *attrs, n)) return false;
    n.op = &fused;
    n.attrs = std::move(attrs);
    n.inputs = {relu.inputs[0], own[0], own[1], own[2], own[3], norm.inputs[2]};
    return true;
  }

  Ir ir_;
  std::vector<int> uses_;     // of each node's first result
  std::vector<char> waited_;  // somebody waits for the node, or it is a target
};

}  // namespace

Ir fuse_batch_norm(Ir ir) { return BatchNormFuser(std::move(ir)).run(); }

}  // namespace tfmini
