// Biases of channels that come last, and their gradients, become the sums that they are, which fused kernels know.
#include <numeric>

#include "core/registry.h"
#include "ops/fused.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

std::shared_ptr<Attrs> attrs_of_type(const IrNode& n) {
  auto attrs = std::make_shared<Attrs>();
  attrs->set("T", n.dtypes[0]);
  return attrs;
}

}  // namespace

Ir lower_bias(Ir ir) {
  const size_t count = ir.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    IrNode& n = ir.nodes[i];
    const std::string& op = n.op->name;
    const bool sum = op == "BiasAdd" || op == "BiasAddV1";
    if ((!sum && op != "BiasAddGrad") || !n.values.empty() || !fusable_type(n.dtypes[0]) || !channels_last(n)) continue;
    const Shape& value = ir.shape(n.inputs[0]);
    // AddV2 would broadcast one channel, which BiasAdd refuses.
    if (!value.known_rank() || (sum && (value.dim(-1) < 0 || ir.shape(n.inputs[1]).num_elements() != value.dim(-1))))
      continue;
    auto attrs = attrs_of_type(n);
    if (!sum) {
      const int rank = value.rank();
      std::vector<int32_t> leading(static_cast<size_t>(rank) - 1);
      std::iota(leading.begin(), leading.end(), 0);
      IrNode axes = constant_for(n, "/axes", Tensor::vector(leading));
      attrs->set("Tidx", DType::kInt32);
      attrs->set("keep_dims", false);
      n.inputs.push_back({static_cast<int32_t>(ir.nodes.size()), 0});
      n.op = &Registry::get().find("Sum");
      n.attrs = std::move(attrs);
      ir.nodes.push_back(std::move(axes));
    } else {
      n.op = &Registry::get().find("AddV2");
      n.attrs = std::move(attrs);
    }
  }
  return ir.nodes.size() == count ? ir : sort_topologically(std::move(ir));
}

}  // namespace tfmini
