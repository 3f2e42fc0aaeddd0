// Groups of elementwise nodes of one shape and dtype become one _FusedElementwise node each.
//
// A node joins the group of a producer if no path leads from the group to the node through a node
// outside (the fused node could not be ordered then). Groups may have several results: a value that
// something outside needs is written while it is in cache.
#include <algorithm>
#include <map>

#include "core/registry.h"
#include "ops/fused.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

// Paths are searched this many nodes back; farther nodes are taken to depend on everything.
constexpr int32_t kSearchRange = 2000;

struct Group {
  std::vector<int32_t> members;  // in topological order
  int steps = 0;
};

class Fuser {
 public:
  explicit Fuser(Ir ir) : ir_(std::move(ir)), group_(ir_.nodes.size(), -1), steps_(ir_.nodes.size(), 0), dead_(ir_.nodes.size(), 0) {}

  Ir run() {
    for (size_t i = 0; i < ir_.nodes.size(); ++i) steps_[i] = fusable_steps(ir_.nodes[i]);
    for (size_t i = 0; i < ir_.nodes.size(); ++i)
      if (steps_[i]) join(static_cast<int32_t>(i));
    bool changed = false;
    for (const Group& g : groups_)
      if (g.members.size() > 1) changed |= build(g);
    if (!changed) return std::move(ir_);
    return sort_topologically(remove_dead(std::move(ir_)));
  }

 private:
  // How many steps the node would be; 0 if it cannot be fused.
  int fusable_steps(const IrNode& n) const {
    if (!n.op->elementwise || !n.control.empty() || !n.values.empty() || n.dtypes.size() != 1) return 0;
    if (!n.shapes[0].fully_defined() || !n.device.empty()) return 0;
    for (Out t : n.inputs)
      if (ir_.dtype(t) != n.dtypes[0] || !ir_.shape(t).fully_defined()) return 0;
    const bool sum = n.op->name == "AddN";
    if (fused_opcode(sum ? "AddV2" : n.op->name, n.dtypes[0]) < 0) return 0;
    return sum ? static_cast<int>(n.inputs.size()) - 1 : 1;
  }

  bool compatible(const Group& g, int32_t i) const {
    const IrNode &a = ir_.nodes[g.members[0]], &b = ir_.nodes[i];
    return a.dtypes[0] == b.dtypes[0] && a.shapes[0] == b.shapes[0] && g.steps + steps_[i] <= kMaxFusedSteps;
  }

  // Does any of `from` depend on a member of group g, directly or not?
  bool depends(const std::vector<int32_t>& from, int32_t g) {
    const int32_t first = groups_[g].members.front();
    std::vector<int32_t> stack = from;
    ++generation_;
    mark_.resize(ir_.nodes.size(), 0);
    while (!stack.empty()) {
      const int32_t i = stack.back();
      stack.pop_back();
      // Nothing before g's first member depends on g, unless a group makes it part of something later.
      if (i < first && (group_[i] < 0 || groups_[group_[i]].members.back() < first)) continue;
      if (mark_[i] == generation_) continue;
      if (group_[i] == g) return true;
      mark_[i] = generation_;
      // A node of another group stands for the whole of it.
      const auto visit = [&](int32_t k) {
        for (Out t : ir_.nodes[k].inputs) stack.push_back(t.node);
        for (int32_t c : ir_.nodes[k].control) stack.push_back(c);
      };
      if (group_[i] >= 0)
        for (int32_t k : groups_[group_[i]].members) visit(k);
      else
        visit(i);
    }
    return false;
  }

  // Inputs of `nodes` that lie in neither of the two groups.
  std::vector<int32_t> outside_inputs(const std::vector<int32_t>& nodes, int32_t g, int32_t h) const {
    std::vector<int32_t> out;
    for (int32_t i : nodes)
      for (Out t : ir_.nodes[i].inputs)
        if (group_[t.node] != g && (h < 0 || group_[t.node] != h)) out.push_back(t.node);
    return out;
  }

  void join(int32_t i) {
    group_[i] = static_cast<int32_t>(groups_.size());
    groups_.push_back({{i}, steps_[i]});
    for (Out t : std::vector<Out>(ir_.nodes[i].inputs)) {
      const int32_t g = group_[t.node], own = group_[i];
      if (g < 0 || g == own || i - groups_[g].members.front() > kSearchRange) continue;
      if (!compatible(groups_[g], groups_[own].members[0])) continue;
      if (groups_[g].steps + groups_[own].steps > kMaxFusedSteps) continue;
      if (outside_inputs(merged(g, own), g, own).size() > static_cast<size_t>(kMaxFusedInputs) * 4) continue;
      if (depends(outside_inputs(groups_[own].members, g, own), g)) continue;
      if (depends(outside_inputs(groups_[g].members, g, own), own)) continue;
      if (distinct_inputs(merged(g, own), g, own) > kMaxFusedInputs) continue;
      groups_[g].members = merged(g, own);
      groups_[g].steps += groups_[own].steps;
      for (int32_t k : groups_[own].members) group_[k] = g;
      groups_[own] = {};
    }
  }

  std::vector<int32_t> merged(int32_t g, int32_t h) const {
    std::vector<int32_t> all = groups_[g].members;
    all.insert(all.end(), groups_[h].members.begin(), groups_[h].members.end());
    std::sort(all.begin(), all.end());
    return all;
  }

  int distinct_inputs(const std::vector<int32_t>& members, int32_t g, int32_t h) const {
    std::vector<std::pair<int32_t, int32_t>> seen;
    for (int32_t i : members)
      for (Out t : ir_.nodes[i].inputs)
        if (group_[t.node] != g && group_[t.node] != h) seen.emplace_back(t.node, t.index);
    std::sort(seen.begin(), seen.end());
    return static_cast<int>(std::unique(seen.begin(), seen.end()) - seen.begin());
  }

  // Replaces the group's last member by a fused node and redirects the users of its results.
  bool build(const Group& g) {
    const int32_t id = group_[g.members[0]];
    std::vector<char> needed_outside(ir_.nodes.size(), 0);
    for (size_t i = 0; i < ir_.nodes.size(); ++i) {
      if (group_[i] == id || dead_[i]) continue;
      for (Out t : ir_.nodes[i].inputs) needed_outside[t.node] = 1;
      for (int32_t c : ir_.nodes[i].control)
        if (group_[c] == id) return false;  // somebody waits for a member: leave the nodes alone
    }
    for (Out t : ir_.fetches) needed_outside[t.node] = 1;
    for (int32_t t : ir_.targets) needed_outside[t] = 1;

    IrNode fused;
    std::map<std::pair<int32_t, int32_t>, int64_t> inputs;  // outside value -> register
    for (int32_t i : g.members)
      for (Out t : ir_.nodes[i].inputs)
        if (group_[t.node] != id && inputs.emplace(std::pair(t.node, t.index), 0).second) fused.inputs.push_back(t);
    if (fused.inputs.size() > static_cast<size_t>(kMaxFusedInputs)) return false;
    for (size_t k = 0; k < fused.inputs.size(); ++k)
      inputs[{fused.inputs[k].node, fused.inputs[k].index}] = static_cast<int64_t>(k);

    std::map<int32_t, int64_t> registers;  // member -> register of its value
    std::vector<int64_t> program, results;
    auto next = static_cast<int64_t>(fused.inputs.size());
    const auto reg = [&](Out t) { return group_[t.node] == id ? registers.at(t.node) : inputs.at({t.node, t.index}); };
    const auto emit = [&](int64_t opcode, int64_t a, int64_t b) {
      program.insert(program.end(), {opcode, a, b});
      return next++;
    };
    std::vector<int32_t> outputs;
    for (int32_t i : g.members) {
      const IrNode& n = ir_.nodes[i];
      const DType dtype = n.dtypes[0];
      int64_t value;
      if (n.op->name == "AddN") {
        value = reg(n.inputs[0]);
        for (size_t k = 1; k < n.inputs.size(); ++k)
          value = emit(fused_opcode("AddV2", dtype), value, reg(n.inputs[k]));
      } else {
        value = emit(fused_opcode(n.op->name, dtype), reg(n.inputs[0]), n.inputs.size() > 1 ? reg(n.inputs[1]) : -1);
      }
      registers[i] = value;
      if (needed_outside[i]) {
        results.push_back(value);
        outputs.push_back(i);
      }
    }
    if (outputs.empty() || outputs.size() > static_cast<size_t>(kMaxFusedOutputs)) return false;
    return replace(g, id, std::move(fused), outputs, std::move(program), std::move(results));
  }

  bool replace(const Group& g, int32_t id, IrNode fused, const std::vector<int32_t>& outputs,
               std::vector<int64_t> program, std::vector<int64_t> results) {
    static const OpDef& op = Registry::get().find("_FusedElementwise");
    const IrNode& last = ir_.nodes[g.members.back()];
    fused.op = &op;
    fused.name = last.name;
    fused.origin = last.origin;
    auto attrs = std::make_shared<Attrs>();
    attrs->set("N", static_cast<int64_t>(fused.inputs.size()));
    attrs->set("M", static_cast<int64_t>(outputs.size()));
    attrs->set("T", last.dtypes[0]);
    attrs->set("program", std::move(program));
    attrs->set("results", std::move(results));
    fused.attrs = std::move(attrs);
    fused.dtypes.assign(outputs.size(), last.dtypes[0]);
    fused.shapes.assign(outputs.size(), last.shapes[0]);
    const auto where = static_cast<int32_t>(ir_.nodes.size());
    std::map<int32_t, int32_t> output_number;
    for (size_t k = 0; k < outputs.size(); ++k) output_number[outputs[k]] = static_cast<int32_t>(k);
    const auto redirect = [&](Out& t) {
      if (t.node < static_cast<int32_t>(group_.size()) && group_[t.node] == id) t = {where, output_number.at(t.node)};
    };
    for (size_t i = 0; i < ir_.nodes.size(); ++i)
      if (i >= group_.size() || group_[i] != id)
        for (Out& t : ir_.nodes[i].inputs) redirect(t);
    for (Out& t : ir_.fetches) redirect(t);
    for (int32_t& t : ir_.targets)
      if (t < static_cast<int32_t>(group_.size()) && group_[t] == id) t = where;
    ir_.nodes.push_back(std::move(fused));
    group_.push_back(-1);
    steps_.push_back(0);
    dead_.push_back(0);
    for (int32_t i : g.members) dead_[i] = 1;
    return true;
  }

  Ir ir_;
  std::vector<int32_t> group_;  // per node; -1: none
  std::vector<int> steps_;
  std::vector<char> dead_;      // replaced by a fused node
  std::vector<Group> groups_;
  std::vector<int32_t> mark_;
  int32_t generation_ = 0;
};

}  // namespace

Ir fuse(Ir ir) { return Fuser(std::move(ir)).run(); }

}  // namespace tfmini
