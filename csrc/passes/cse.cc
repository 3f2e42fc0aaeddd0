#include <unordered_map>

#include "passes/ir.h"

namespace tfmini {
namespace {

bool mergeable(const IrNode& n) { return !n.op->stateful && n.control.empty() && n.variables.empty(); }

size_t signature(const IrNode& n) {
  size_t h = std::hash<const void*>()(n.op);
  const auto mix = [&h](size_t x) { h = (h ^ x) * 0x9e3779b97f4a7c15u; };
  for (Out t : n.inputs) mix(static_cast<size_t>(t.node) * 31 + static_cast<size_t>(t.index));
  for (const Shape& s : n.shapes)
    for (int64_t d : s) mix(static_cast<size_t>(d));
  return h;
}

bool same(const IrNode& a, const IrNode& b) {
  if (a.op != b.op || a.place != b.place || a.inputs != b.inputs || a.dtypes != b.dtypes) return false;
  if (a.values.empty() != b.values.empty()) return false;
  if (!a.values.empty()) {  // constants: by content
    for (size_t i = 0; i < a.values.size(); ++i)
      if (!same_value(AttrValue(a.values[i]), AttrValue(b.values[i]))) return false;
    return true;
  }
  return same_attrs(*a.attrs, *b.attrs);
}

}  // namespace

Ir cse(Ir ir) {
  std::unordered_multimap<size_t, int32_t> seen;
  std::vector<int32_t> replacement(ir.nodes.size());
  for (size_t i = 0; i < ir.nodes.size(); ++i) {
    IrNode& n = ir.nodes[i];
    const auto id = static_cast<int32_t>(i);
    replacement[i] = id;
    for (Out& t : n.inputs) t.node = replacement[t.node];
    for (int32_t& c : n.control) c = replacement[c];
    if (!mergeable(n)) continue;
    const size_t key = signature(n);
    const auto [begin, end] = seen.equal_range(key);
    for (auto it = begin; it != end && replacement[i] == id; ++it)
      if (same(ir.nodes[it->second], n)) replacement[i] = it->second;
    if (replacement[i] == id) seen.emplace(key, id);
  }
  for (Out& t : ir.fetches) t.node = replacement[t.node];
  for (int32_t& t : ir.targets) t = replacement[t];
  return remove_dead(std::move(ir));
}

}  // namespace tfmini
