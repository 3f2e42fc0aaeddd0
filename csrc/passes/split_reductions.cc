// Reductions over axes on both sides of others (the batch and the positions of NCHW images) become one over the last
// axes, which a fused kernel can do, and one of its few results.
#include <optional>

#include "core/registry.h"
#include "passes/frame.h"

namespace tfmini {
namespace {

// The last axes that node n reduces, if it reduces others before those it keeps.
std::optional<std::vector<int64_t>> inner_axes(const Ir& ir, const IrNode& n) {
  if (!n.device.empty() || !n.values.empty() || n.dtypes.size() != 1 ||
      fused_reduce_opcode(n.op->name, Extent::kRow, n.dtypes[0]) < 0)
    return std::nullopt;
  const Tensor* axes = ir.value(n.inputs[1]);
  const Shape& in = ir.shape(n.inputs[0]);
  if (!axes || !in.fully_defined()) return std::nullopt;
  const uint32_t reduced = reduced_axes(*axes, in.rank());
  const auto is_kept = [&](int i) { return in[i] != 1 && !(reduced >> i & 1); };
  const auto is_reduced = [&](int i) { return in[i] != 1 && (reduced >> i & 1); };
  std::vector<int64_t> inner;
  int64_t row = 1;
  int i = in.rank() - 1;
  for (; i >= 0 && !is_kept(i); --i)
    if (is_reduced(i)) {
      inner.push_back(i);
      row *= in[i];
    }
  bool outer = false;
  for (; i >= 0; --i) outer |= is_reduced(i);
  if (!outer || row <= 1 || row > kMaxFusedRow) return std::nullopt;
  return inner;
}

Tensor axes_tensor(const std::vector<int64_t>& axes, DType dtype) {
  if (dtype == DType::kInt64) return Tensor::vector(axes);
  return Tensor::vector(std::vector<int32_t>(axes.begin(), axes.end()));
}

}  // namespace

Ir split_reductions(Ir ir) {
  const auto count = static_cast<int32_t>(ir.nodes.size());
  for (int32_t i = 0; i < count; ++i) {
    const auto inner = inner_axes(ir, ir.nodes[i]);
    if (!inner) continue;
    IrNode rows = ir.nodes[i];
    IrNode axes = constant_for(rows, "/inner_axes", axes_tensor(*inner, ir.dtype(rows.inputs[1])));
    auto attrs = std::make_shared<Attrs>(*rows.attrs);
    attrs->set("keep_dims", true);
    rows.attrs = std::move(attrs);
    rows.name += "/inner";
    rows.inputs[1] = {static_cast<int32_t>(ir.nodes.size()), 0};
    rows.shapes[0] = ir.shape(rows.inputs[0]);
    for (int64_t axis : *inner) rows.shapes[0].set_dim(static_cast<int>(axis), 1);
    ir.nodes.push_back(std::move(axes));
    ir.nodes.push_back(std::move(rows));
    ir.nodes[i].inputs[0] = {static_cast<int32_t>(ir.nodes.size()) - 1, 0};
  }
  return static_cast<int32_t>(ir.nodes.size()) == count ? ir : sort_topologically(std::move(ir));
}

}  // namespace tfmini
