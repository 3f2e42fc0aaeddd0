// The updates of a step's variables become one node per optimizer, _GroupedApplyAdam and the like, so that many small
// variables cost one kernel, shared out among threads as a whole.
//
// An update's level is the largest number of updates on a path to it. Those of a level cannot wait for each other, and
// every path between nodes of two levels leads upwards: making one node of each level makes no cycle. Assignments to
// one variable are ordered by now, so a group holds no variable twice.
#include <algorithm>
#include <map>

#include "core/registry.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

const OpDef* grouped_form(const IrNode& n) {
  if (!n.op->writes_variable) return nullptr;
  const OpDef* const form = Registry::get().lookup("_Grouped" + n.op->name);
  return form && has_kernel(*form, *n.attrs, n) ? form : nullptr;
}

// Makes the first member the node of all. Their inputs and outputs, argument by argument, are lists.
void merge(Ir& ir, const OpDef& op, const std::vector<int32_t>& members) {
  IrNode all = ir.nodes[members[0]];
  all.op = &op;
  auto attrs = std::make_shared<Attrs>(*all.attrs);
  attrs->set("N", static_cast<int64_t>(members.size()));
  all.attrs = std::move(attrs);
  const size_t args = all.inputs.size();
  all.inputs.clear();
  all.variables.clear();
  all.control.clear();
  all.dtypes.clear();
  all.shapes.clear();
  for (size_t arg = 0; arg < args; ++arg)
    for (int32_t m : members) {
      const IrNode& n = ir.nodes[m];
      all.inputs.push_back(n.inputs[arg]);
      all.variables.push_back(arg < n.variables.size() ? n.variables[arg] : std::string());
    }
  for (int32_t m : members) {
    IrNode& n = ir.nodes[m];
    all.control.insert(all.control.end(), n.control.begin(), n.control.end());
    all.dtypes.push_back(n.dtypes[0]);
    all.shapes.push_back(n.shapes[0]);
    IrNode nothing;
    nothing.op = &Registry::get().find("NoOp");
    nothing.attrs = n.attrs;
    n = std::move(nothing);
  }
  ir.nodes[members[0]] = std::move(all);
}

}  // namespace

Ir group_updates(Ir ir) {
  std::map<std::pair<const OpDef*, int>, std::vector<std::vector<int32_t>>> groups;  // by form and level
  std::vector<int> level(ir.nodes.size(), 0);
  std::vector<char> updates(ir.nodes.size(), 0);
  for (size_t i = 0; i < ir.nodes.size(); ++i) {
    const IrNode& n = ir.nodes[i];
    const auto after = [&](int32_t from) { level[i] = std::max(level[i], level[from] + updates[from]); };
    for (Out t : n.inputs) after(t.node);
    for (int32_t c : n.control) after(c);
    const OpDef* form = grouped_form(n);
    if (!form) continue;
    updates[i] = 1;
    auto& candidates = groups[{form, level[i]}];
    const auto it = std::find_if(candidates.begin(), candidates.end(), [&](const auto& members) {
      const IrNode& first = ir.nodes[members[0]];
      return first.place == n.place && same_attrs(*first.attrs, *n.attrs);
    });
    if (it == candidates.end())
      candidates.push_back({static_cast<int32_t>(i)});
    else
      it->push_back(static_cast<int32_t>(i));
  }
  std::vector<Out> place(ir.nodes.size());  // of each node's output 0
  for (size_t i = 0; i < ir.nodes.size(); ++i) place[i] = {static_cast<int32_t>(i), 0};
  bool changed = false;
  for (const auto& [key, candidates] : groups)
    for (const std::vector<int32_t>& members : candidates) {
      if (members.size() < 2) continue;
      for (size_t m = 0; m < members.size(); ++m) place[members[m]] = {members[0], static_cast<int32_t>(m)};
      merge(ir, *key.first, members);
      changed = true;
    }
  if (!changed) return ir;
  const auto moved = [&](Out t) { return Out{place[t.node].node, t.index + place[t.node].index}; };
  for (IrNode& n : ir.nodes) {
    for (Out& t : n.inputs) t = moved(t);
    for (int32_t& c : n.control) c = place[c].node;
  }
  for (Out& t : ir.fetches) t = moved(t);
  for (int32_t& t : ir.targets) t = place[t].node;
  return sort_topologically(remove_dead(std::move(ir)));
}

}  // namespace tfmini
