// A sum of products of tall matrices becomes one product of taller ones: sum_t A_t' B_t = A' B, where A
// and B are the A_t and B_t on top of each other. This is the gradient of a weight that is used many
// times, by the steps of a recurrent network: one large product for many thin ones, without their results.
#include <algorithm>

#include "core/registry.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

bool is_tall_product(const IrNode& n) {
  return n.op->name == "MatMul" && n.values.empty() && n.control.empty() && n.attrs->flag("transpose_a") &&
         !n.attrs->flag("transpose_b") && (n.dtypes[0] == DType::kFloat || n.dtypes[0] == DType::kDouble);
}

}  // namespace

Ir join_products(Ir ir) {
  const std::vector<int32_t> uses = count_uses(ir);
  static const OpDef& joined = Registry::get().find("_SumOfProducts");
  bool changed = false;
  for (IrNode& sum : ir.nodes) {
    if (sum.op->name != "AddN" || sum.inputs.size() < 2 || !sum.values.empty()) continue;
    const bool joins = std::all_of(sum.inputs.begin(), sum.inputs.end(), [&](Out t) {
      const IrNode& product = ir.nodes[t.node];
      return uses[t.node] == 1 && is_tall_product(product) && product.place == sum.place;
    });
    if (!joins) continue;
    std::vector<Out> left, right;
    for (Out t : sum.inputs) {
      left.push_back(ir.nodes[t.node].inputs[0]);
      right.push_back(ir.nodes[t.node].inputs[1]);
    }
    auto attrs = std::make_shared<Attrs>();
    attrs->set("N", static_cast<int64_t>(left.size()));
    attrs->set("T", sum.dtypes[0]);
    if (!has_kernel(joined, *attrs, sum)) continue;
    sum.op = &joined;
    sum.attrs = std::move(attrs);
    sum.inputs = std::move(left);
    sum.inputs.insert(sum.inputs.end(), right.begin(), right.end());
    changed = true;
  }
  return changed ? remove_dead(std::move(ir)) : ir;
}

}  // namespace tfmini
