// Copies between devices as nodes: whoever uses a value elsewhere than where it is made uses a copy of it.
//
// A constant is not copied when the plan runs: it becomes a second constant, which the plan holds on the device. A copy
// to the host is waited for at once if a node needs it; those that are only fetched are waited for together, at the
// end.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "core/registry.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

class Copier {
 public:
  explicit Copier(Ir ir) : ir_(std::move(ir)) {}

  Ir run() {
    for (IrNode& n : ir_.nodes)
      if (n.is_constant()) n.place = 0;
    const size_t count = ir_.nodes.size();
    for (size_t i = 0; i < count; ++i) {
      const std::vector<int32_t> declared = declared_inputs(ir_.nodes[i]);
      for (size_t k = 0; k < declared.size(); ++k) {
        const Out from = ir_.nodes[i].inputs[k];
        const Out at = at_device(from, wanted_location(ir_, ir_.nodes[i], k, declared[k]));
        if (at == from) continue;
        ir_.nodes[i].inputs[k] = at;
        needed_.insert(at.node);
      }
    }
    for (size_t f = 0; f < ir_.fetches.size(); ++f) ir_.fetches[f] = at_device(ir_.fetches[f], ir_.fetch_devices[f]);
    for (const auto& [key, copy] : copies_) finish(ir_.nodes[copy.node], needed_.contains(copy.node));
    return copies_.empty() ? std::move(ir_) : sort_topologically(std::move(ir_));
  }

 private:
  Out at_device(Out t, uint8_t device) {
    if (device == Request::kAnywhere || location(ir_.nodes[t.node], t.index) == device) return t;
    const auto [it, is_new] = copies_.try_emplace({t.node, t.index, device});
    if (!is_new) return it->second;
    const IrNode& from = ir_.nodes[t.node];
    IrNode copy;
    copy.name = from.name;
    copy.origin = from.origin;
    copy.dtypes = {from.dtypes[t.index]};
    copy.shapes = {from.shapes[t.index]};
    copy.place = device;
    if (const Tensor* value = ir_.value(t))
      copy.values = {*value};
    else
      copy.inputs = {t};
    ir_.nodes.push_back(std::move(copy));
    return it->second = {static_cast<int32_t>(ir_.nodes.size()) - 1, 0};
  }

  static void finish(IrNode& copy, bool needed) {
    auto attrs = std::make_shared<Attrs>();
    attrs->set("T", copy.dtypes[0]);
    attrs->set("wait", needed);
    copy.attrs = std::move(attrs);
    const char* op = copy.is_constant() ? "Const" : copy.place == 0 ? "_CopyToHost" : "_CopyToDevice";
    copy.op = &Registry::get().find(op);
  }

  Ir ir_;
  std::map<std::tuple<int32_t, int32_t, uint8_t>, Out> copies_;  // (value, device) -> the copy
  std::set<int32_t> needed_;                                     // by nodes, not only by fetches
};

}  // namespace

Ir copy_between_devices(Ir ir) {
  const bool host_only = std::all_of(ir.nodes.begin(), ir.nodes.end(), [](const IrNode& n) { return n.place == 0; });
  return host_only ? std::move(ir) : Copier(std::move(ir)).run();
}

}  // namespace tfmini
