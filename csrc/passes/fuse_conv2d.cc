// Conv2D with what follows it channel by channel (biases, batch normalization in inference, products
// with a vector, the sum with a shortcut, relu) becomes one _FusedConv2D node.
//
// The last node of a chain is rewritten where it stands, so whoever uses it need not know; the
// others lose their only user. Filters that no run of the plan changes are marked, so that the kernel
// may keep them in the form it wants.
#include <algorithm>

#include "core/registry.h"
#include "passes/effects.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

class ConvFuser {
 public:
  explicit ConvFuser(Ir ir)
      : ir_(std::move(ir)),
        users_(ir_.nodes.size()),
        pinned_(ir_.nodes.size(), 0),
        taken_(ir_.nodes.size(), 0),
        unchanging_(ir_) {
    for (size_t i = 0; i < ir_.nodes.size(); ++i) {
      const IrNode& n = ir_.nodes[i];
      for (Out t : n.inputs) users_[t.node].push_back(static_cast<int32_t>(i));
      for (int32_t c : n.control) pinned_[c] = 1;
    }
    for (Out t : ir_.fetches) pinned_[t.node] = 1;
    for (int32_t t : ir_.targets) pinned_[t] = 1;
  }

  Ir run() {
    bool changed = false;
    for (size_t i = 0; i < ir_.nodes.size(); ++i)
      if (ir_.nodes[i].op->name == "Conv2D" && ir_.nodes[i].values.empty()) changed |= fuse(static_cast<int32_t>(i));
    return changed ? remove_dead(std::move(ir_)) : std::move(ir_);
  }

 private:
  struct Chain {
    int32_t last;  // the node that computes the chain's result so far
    std::vector<int32_t> members;
    std::vector<std::string> ops;
    std::vector<Out> args;
    float epsilon = 0.0f;
    bool added = false;      // no channel-wise step may follow
    bool activated = false;  // nothing may follow
  };

  bool fuse(int32_t conv) {
    const DType dtype = ir_.nodes[conv].dtypes[0];
    static const OpDef& fused = Registry::get().find("_FusedConv2D");
    if (dtype != DType::kFloat && dtype != DType::kDouble) return false;
    if (!has_kernel(fused, *ir_.nodes[conv].attrs, ir_.nodes[conv])) return false;
    Chain chain{conv, {conv}, {}, {}};
    while (extend(chain, conv)) {
    }
    const bool keep = unchanging_(ir_, ir_.nodes[conv].inputs[1]);
    if (chain.ops.empty() && !keep) return false;
    for (int32_t i : chain.members) taken_[i] = 1;
    const IrNode& from = ir_.nodes[conv];
    auto attrs = std::make_shared<Attrs>(*from.attrs);
    attrs->set("num_args", static_cast<int64_t>(chain.args.size()));
    attrs->set("fused_ops", std::move(chain.ops));
    attrs->set("epsilon", chain.epsilon);
    attrs->set("_keep_filter", keep);
    std::vector<Out> inputs = from.inputs;
    inputs.insert(inputs.end(), chain.args.begin(), chain.args.end());
    IrNode& n = ir_.nodes[chain.last];
    n.op = &fused;
    n.attrs = std::move(attrs);
    n.inputs = std::move(inputs);
    n.dtypes = {dtype};
    n.shapes.resize(1);
    n.variables.clear();
    return true;
  }

  // Takes the only user of the chain's result into the chain, if it can be.
  bool extend(Chain& chain, int32_t conv) {
    if (chain.activated || pinned_[chain.last] || users_[chain.last].size() != 1) return false;
    const int32_t i = users_[chain.last][0];
    const IrNode& n = ir_.nodes[i];
    const Out value{chain.last, 0};
    if (taken_[i] || !n.control.empty() || !n.values.empty() || n.place != ir_.nodes[conv].place) return false;
    if (n.dtypes.empty() || n.dtypes[0] != ir_.nodes[conv].dtypes[0] || !(n.shapes[0] == ir_.nodes[conv].shapes[0]))
      return false;
    if (!take(chain, n, value, ir_.nodes[conv])) return false;
    chain.last = i;
    chain.members.push_back(i);
    return true;
  }

  bool take(Chain& chain, const IrNode& n, Out value, const IrNode& conv) {
    const std::string& op = n.op->name;
    const std::string& format = conv.attrs->string("data_format");
    const auto step = [&](const char* name, std::vector<Out> args) {
      chain.ops.emplace_back(name);
      chain.args.insert(chain.args.end(), args.begin(), args.end());
      return true;
    };
    if (op == "Relu" || op == "Relu6") {
      chain.activated = true;
      return step(op.c_str(), {});
    }
    if (chain.added) return false;
    if (op == "BiasAdd") return n.attrs->string("data_format") == format && step("BiasAdd", {n.inputs[1]});
    if (op == "FusedBatchNorm" || op == "FusedBatchNormV2" || op == "FusedBatchNormV3") {
      if (!normalizes(chain, n, value) || n.attrs->string("data_format") != format) return false;
      chain.epsilon = n.attrs->real("epsilon");
      return step("FusedBatchNorm", {n.inputs.begin() + 1, n.inputs.begin() + 5});
    }
    if (op != "Add" && op != "AddV2" && op != "Mul") return false;
    if (format != "NHWC") return false;
    const Out other = n.inputs[0] == value ? n.inputs[1] : n.inputs[0];
    if (other == value) return false;
    const Shape& shape = ir_.shape(other);
    if (shape.rank() == 1 && shape[0] == conv.shapes[0][3]) return step(op == "Mul" ? "Mul" : "BiasAdd", {other});
    if (op == "Mul" || !(shape == conv.shapes[0]) || !shape.fully_defined()) return false;
    chain.added = true;
    return step("Add", {other});
  }

  // In inference, nothing but the image used, and what a _FusedConv2D can express.
  bool normalizes(const Chain& chain, const IrNode& n, Out value) const {
    if (n.attrs->flag("is_training") || !(n.inputs[0] == value)) return false;
    if (chain.epsilon != 0.0f && chain.epsilon != n.attrs->real("epsilon")) return false;
    for (int k = 1; k <= 4; ++k)
      if (ir_.dtype(n.inputs[k]) != n.dtypes[0]) return false;
    const auto is_statistic = [&](Out t) { return &ir_.nodes[t.node] == &n && t.index != 0; };
    for (int32_t u : users_[&n - ir_.nodes.data()])
      if (std::ranges::any_of(ir_.nodes[u].inputs, is_statistic)) return false;
    return std::ranges::none_of(ir_.fetches, is_statistic);
  }

  Ir ir_;
  std::vector<std::vector<int32_t>> users_;
  std::vector<char> pinned_;  // fetched, or somebody waits for it
  std::vector<char> taken_;   // part of a chain
  Unchanging unchanging_;
};

}  // namespace

Ir fuse_conv2d(Ir ir) { return ConvFuser(std::move(ir)).run(); }

}  // namespace tfmini
