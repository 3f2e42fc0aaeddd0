// A matrix that multiplies many others, as the weights of a recurrent cell do, is packed once for all these products:
// in a plan that unrolls the steps as a node before the first of them, in the body of a loop, whose iterations share
// it, as a node that runs in the first one.
#include <map>
#include <tuple>

#include "core/registry.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

// Packing takes as long as this many products of a few rows save.
constexpr size_t kManyProducts = 6;
// Smaller matrices stay in the second-level cache as they are; with fewer rows, reading the matrix takes as long as
// the arithmetic, and a copy is read no faster.
constexpr int64_t kPackElements = 16 << 10, kManyRows = 5;

bool is_candidate(const Ir& ir, const IrNode& n) {
  const bool fused = n.op->name == "_FusedMatMul";
  if ((!fused && n.op->name != "MatMul") || !n.values.empty() || n.place != 0) return false;
  if (n.dtypes[0] != DType::kFloat && n.dtypes[0] != DType::kDouble) return false;
  if (fused && n.attrs->flag("_keep_weights")) return false;  // packed once for good
  const Shape &weights = ir.shape(n.inputs[1]), &out = n.shapes[0];
  return weights.fully_defined() && out.fully_defined() && weights.num_elements() >= kPackElements &&
         out[0] >= kManyRows && !ir.value(n.inputs[1]);
}

// The node's attributes as those of _PackedMatMul.
std::shared_ptr<Attrs> packed_attrs(const IrNode& n) {
  auto attrs = std::make_shared<Attrs>();
  for (const char* name : {"transpose_a", "transpose_b"}) attrs->set(name, n.attrs->flag(name));
  attrs->set("T", n.dtypes[0]);
  attrs->set("num_args", static_cast<int64_t>(n.inputs.size()) - 2);
  attrs->set("fused_ops", n.op->name == "_FusedMatMul" ? n.attrs->get<std::vector<std::string>>("fused_ops")
                                                       : std::vector<std::string>());
  return attrs;
}

}  // namespace

Ir pack_weights(Ir ir, const std::vector<char>& lasting_feeds) {
  std::vector<char> lasts(ir.nodes.size(), 0);
  for (size_t k = 0; k < lasting_feeds.size(); ++k)
    if (lasting_feeds[k] && ir.feeds[k] >= 0) lasts[ir.feeds[k]] = 1;

  struct Key {
    Out weights;
    bool transposed;
    bool operator<(const Key& o) const {
      return std::tie(weights.node, weights.index, transposed) <
             std::tie(o.weights.node, o.weights.index, o.transposed);
    }
  };
  std::map<Key, std::vector<int32_t>> products;
  for (size_t i = 0; i < ir.nodes.size(); ++i)
    if (const IrNode& n = ir.nodes[i]; is_candidate(ir, n))
      products[{n.inputs[1], n.attrs->flag("transpose_b")}].push_back(static_cast<int32_t>(i));

  static const OpDef &pack = Registry::get().find("_PackMatrix"), &multiply = Registry::get().find("_PackedMatMul");
  bool changed = false;
  for (const auto& [key, users] : products) {
    const bool once = lasts[key.weights.node];
    if (!once && users.size() < kManyProducts) continue;
    changed = true;
    IrNode packed;
    packed.op = &pack;
    auto attrs = std::make_shared<Attrs>();
    attrs->set("T", ir.dtype(key.weights));
    attrs->set("transpose_b", key.transposed);
    packed.attrs = std::move(attrs);
    packed.name = ir.nodes[key.weights.node].name + "/packed";
    packed.origin = ir.nodes[users.front()].origin;
    packed.once = once;
    packed.inputs = {key.weights};
    packed.dtypes = {DType::kVariant};
    packed.shapes = {Shape{}};
    for (int32_t i : users) {
      IrNode& n = ir.nodes[i];
      n.attrs = packed_attrs(n);
      n.op = &multiply;
      n.inputs.insert(n.inputs.begin() + 2, Out{static_cast<int32_t>(ir.nodes.size()), 0});
      n.variables.clear();
    }
    ir.nodes.push_back(std::move(packed));
  }
  return changed ? sort_topologically(std::move(ir)) : ir;
}

}  // namespace tfmini
