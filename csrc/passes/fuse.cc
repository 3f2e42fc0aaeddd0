// Groups of elementwise nodes of one shape become one _FusedElementwise node each.
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
  explicit Fuser(Ir ir)
      : ir_(std::move(ir)), group_(ir_.nodes.size(), -1), steps_(ir_.nodes.size(), 0), dead_(ir_.nodes.size(), 0) {}

  Ir run() {
    for (size_t i = 0; i < ir_.nodes.size(); ++i) steps_[i] = fusable_steps(ir_.nodes[i]);
    for (size_t i = 0; i < ir_.nodes.size(); ++i)
      if (steps_[i]) join(static_cast<int32_t>(i));
    bool changed = false;
    for (size_t g = 0; g < groups_.size(); ++g)  // build() may split a group and append the second half
      if (groups_[g].members.size() > 1) changed |= build(static_cast<int32_t>(g));
    if (!changed) return std::move(ir_);
    return sort_topologically(remove_dead(std::move(ir_)));
  }

 private:
  // How many steps the node would be; 0 if it cannot be fused.
  int fusable_steps(const IrNode& n) const {
    if (!n.op->elementwise || !n.control.empty() || !n.values.empty() || n.dtypes.size() != 1) return 0;
    if (!n.shapes[0].fully_defined() || !n.device.empty() || !fusable_type(n.dtypes[0])) return 0;
    for (Out t : n.inputs)
      if (!fusable_type(ir_.dtype(t)) || !ir_.shape(t).fully_defined()) return 0;
    const std::string& op = n.op->name;
    const auto has_loop = [&](const char* function) { return fused_opcode(function, n.dtypes[0]) >= 0; };
    if (op == "Cast" || op == "SelectV2") return 1;
    // The form of Select whose condition chooses rows does not broadcast the usual way.
    if (op == "Select") return ir_.shape(n.inputs[0]).rank() == 0 || ir_.shape(n.inputs[0]) == n.shapes[0] ? 1 : 0;
    if (op == "AddN") return has_loop("AddV2") ? static_cast<int>(n.inputs.size()) - 1 : 0;
    if (op == "ClipByValue") return has_loop("Maximum") ? 2 : 0;
    if (op == "LeakyRelu") return has_loop("LeakyRelu") ? 1 : 0;
    if (op == "LeakyReluGrad") return has_loop("LeakyRelu") ? 2 : 0;
    if ((op == "Equal" || op == "NotEqual") && !n.attrs->flag("incompatible_shape_error")) return 0;
    return fused_opcode(op, ir_.dtype(n.inputs[0])) >= 0 ? 1 : 0;
  }

  bool compatible(const Group& g, int32_t i) const {
    return ir_.nodes[g.members[0]].shapes[0] == ir_.nodes[i].shapes[0] && g.steps + steps_[i] <= kMaxFusedSteps;
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

  // Adds a fused node for the group and redirects the users of its results.
  bool build(int32_t id) {
    const std::vector<int32_t> members = groups_[id].members;
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
    const auto add_input = [&](Out t) {
      if (inputs.emplace(std::pair(t.node, t.index), static_cast<int64_t>(fused.inputs.size())).second)
        fused.inputs.push_back(t);
    };
    std::map<int32_t, Out> slopes;  // leaky relu -> its slope
    std::vector<int32_t> outputs;
    for (int32_t i : members) {
      for (Out t : ir_.nodes[i].inputs)
        if (group_[t.node] != id) add_input(t);
      if (needed_outside[i]) outputs.push_back(i);
    }
    for (int32_t i : members)
      if (ir_.nodes[i].op->name.starts_with("LeakyRelu")) add_input(slopes[i] = slope_of(ir_.nodes[i]));
    if (outputs.empty()) return false;
    if (fused.inputs.size() > static_cast<size_t>(kMaxFusedInputs) ||
        outputs.size() > static_cast<size_t>(kMaxFusedOutputs))
      return split(id);

    std::map<int32_t, int64_t> registers;  // member -> register of its value
    FusedProgram program;
    program.num_inputs = static_cast<int>(fused.inputs.size());
    const auto reg = [&](Out t) { return group_[t.node] == id ? registers.at(t.node) : inputs.at({t.node, t.index}); };
    for (int32_t i : members) {
      std::vector<int64_t> operands;
      for (Out t : ir_.nodes[i].inputs) operands.push_back(reg(t));
      if (slopes.contains(i)) operands.push_back(reg(slopes[i]));
      registers[i] = emit(program, ir_.nodes[i], operands);
    }
    std::vector<int64_t> results;
    for (int32_t i : outputs) results.push_back(registers.at(i));
    replace(id, std::move(fused), outputs, std::move(program.steps), std::move(results));
    return true;
  }

  // The steps of one node; returns the register of its value.
  int64_t emit(FusedProgram& p, const IrNode& n, const std::vector<int64_t>& in) const {
    const std::string& op = n.op->name;
    const DType dtype = n.dtypes[0];
    const auto opcode = [&](const char* function) { return fused_opcode(function, dtype); };
    if (op == "Cast") return p.emit(fused_cast_opcode(dtype), in[0]);
    if (op == "Select" || op == "SelectV2") return p.emit(fused_select_opcode(), in[0], in[1], in[2]);
    if (op == "ClipByValue") return p.emit(opcode("Minimum"), p.emit(opcode("Maximum"), in[0], in[1]), in[2]);
    if (op == "LeakyReluGrad") return p.emit(opcode("Mul"), in[0], p.emit(opcode("LeakyReluSlope"), in[1], in[2]));
    if (op == "AddN") {
      int64_t sum = in[0];
      for (size_t k = 1; k < in.size(); ++k) sum = p.emit(opcode("AddV2"), sum, in[k]);
      return sum;
    }
    return p.emit(fused_opcode(op, ir_.dtype(n.inputs[0])), in[0], in.size() > 1 ? in[1] : -1);
  }

  // The slope of a leaky relu as a constant node.
  Out slope_of(const IrNode& n) {
    const float alpha = n.attrs->real("alpha");
    IrNode constant;
    constant.op = &Registry::get().find("Const");
    constant.attrs = std::make_shared<Attrs>();
    constant.name = n.name + "/alpha";
    constant.origin = n.origin;
    constant.dtypes = n.dtypes;
    constant.shapes = {Shape{}};
    constant.values = {n.dtypes[0] == DType::kDouble ? Tensor::scalar<double>(alpha) : Tensor::scalar<float>(alpha)};
    return {append(std::move(constant)), 0};
  }

  int32_t append(IrNode node) {
    ir_.nodes.push_back(std::move(node));
    group_.push_back(-1);
    steps_.push_back(0);
    dead_.push_back(0);
    return static_cast<int32_t>(ir_.nodes.size()) - 1;
  }

  // Too many values cross the group's border: the later half becomes a group of its own. Both halves
  // of a topological order can still be ordered as wholes.
  bool split(int32_t id) {
    std::vector<int32_t>& members = groups_[id].members;
    const auto half = members.begin() + static_cast<std::ptrdiff_t>(members.size() / 2);
    const std::vector<int32_t> later(half, members.end());
    members.erase(half, members.end());
    for (int32_t i : later) group_[i] = static_cast<int32_t>(groups_.size());
    groups_.push_back({later, 0});
    return groups_[id].members.size() > 1 && build(id);
  }

  void replace(int32_t id, IrNode fused, const std::vector<int32_t>& outputs, std::vector<int64_t> program,
               std::vector<int64_t> results) {
    const IrNode& last = ir_.nodes[groups_[id].members.back()];
    fused.op = &Registry::get().find("_FusedElementwise");
    fused.name = last.name;
    fused.origin = last.origin;
    std::vector<DType> types;
    for (Out t : fused.inputs) types.push_back(ir_.dtype(t));
    for (int32_t i : outputs) fused.dtypes.push_back(ir_.nodes[i].dtypes[0]);
    fused.shapes.assign(outputs.size(), last.shapes[0]);
    auto attrs = std::make_shared<Attrs>();
    attrs->set("Tin", std::move(types));
    attrs->set("Tout", fused.dtypes);
    attrs->set("program", std::move(program));
    attrs->set("results", std::move(results));
    fused.attrs = std::move(attrs);
    std::map<int32_t, int32_t> output_number;
    for (size_t k = 0; k < outputs.size(); ++k) output_number[outputs[k]] = static_cast<int32_t>(k);
    const auto where = static_cast<int32_t>(ir_.nodes.size());
    const auto redirect = [&](Out& t) {
      if (group_[t.node] == id) t = {where, output_number.at(t.node)};
    };
    for (size_t i = 0; i < ir_.nodes.size(); ++i)
      if (group_[i] != id)
        for (Out& t : ir_.nodes[i].inputs)
          if (t.node < where) redirect(t);
    for (Out& t : ir_.fetches)
      if (t.node < where) redirect(t);
    for (int32_t& t : ir_.targets)
      if (t < where && group_[t] == id) t = where;
    for (int32_t i : groups_[id].members) dead_[i] = 1;
    append(std::move(fused));
  }

  Ir ir_;
  std::vector<int32_t> group_;  // per node; -1: none
  std::vector<int> steps_;
  std::vector<char> dead_;  // replaced by a fused node
  std::vector<Group> groups_;
  std::vector<int32_t> mark_;
  int32_t generation_ = 0;
};

}  // namespace

Ir fuse(Ir ir) { return Fuser(std::move(ir)).run(); }

}  // namespace tfmini
