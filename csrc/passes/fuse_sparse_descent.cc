// A sparse step of gradient descent, ScatterSub(var, indices, Mul(rows, rate)), becomes one _SparseApplyGradientDescent
// node: the scaled rows, as large as all rows looked up, are never written.
#include <algorithm>

#include "core/registry.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

bool is_float(DType t) {
  return t == DType::kFloat || t == DType::kDouble || t == DType::kHalf || t == DType::kBFloat16;
}

// Which input of a product is a scalar that scales the other, which is the result's shape; -1: none.
int scale_input(const Ir& ir, const IrNode& product) {
  for (int k : {0, 1}) {
    const Shape &scale = ir.shape(product.inputs[k]), &rows = ir.shape(product.inputs[1 - k]);
    if (scale.known_rank() && scale.rank() == 0 && rows.fully_defined() && rows == product.shapes[0]) return k;
  }
  return -1;
}

}  // namespace

Ir fuse_sparse_descent(Ir ir) {
  static const OpDef& fused = Registry::get().find("_SparseApplyGradientDescent");
  const std::vector<int32_t> uses = count_uses(ir);
  bool changed = false;
  for (IrNode& n : ir.nodes) {
    if (n.op->name != "ScatterSub") continue;
    const IrNode& product = ir.nodes[n.inputs[2].node];
    if (product.op->name != "Mul" || uses[n.inputs[2].node] != 1 || !is_float(product.dtypes[0])) continue;
    if (!product.values.empty() || !product.control.empty() || product.place != n.place) continue;
    // ScatterSub takes indices of any rank, and one number for all rows.
    const Shape &var = ir.shape(n.inputs[0]), &indices = ir.shape(n.inputs[1]), &rows = product.shapes[0];
    if (!var.known_rank() || !indices.known_rank() || indices.rank() != 1 || rows.rank() != var.rank()) continue;
    const int scale = scale_input(ir, product);
    if (scale < 0) continue;
    auto attrs = std::make_shared<Attrs>();
    for (const char* name : {"T", "Tindices", "use_locking"}) attrs->set(name, *n.attrs->find(name));
    if (!has_kernel(fused, *attrs, n)) continue;
    n.op = &fused;
    n.attrs = std::move(attrs);
    n.inputs = {n.inputs[0], product.inputs[scale], product.inputs[1 - scale], n.inputs[1]};
    n.variables.resize(n.inputs.size());
    changed = true;
  }
  return changed ? remove_dead(std::move(ir)) : ir;
}

}  // namespace tfmini
