// Groups of elementwise nodes of one shape, with the reductions of their rows, columns or all elements, become one
// _FusedElementwise node each.
//
// A node joins the group of a producer if no path leads from the group to the node through a node outside (the fused
// node could not be ordered then). Groups may have several results: a value that something outside needs is written
// while it is in cache. What is computed from reductions of rows, one element per row, belongs to the group too;
// reductions of columns and of all are only ready when the kernel ends. Groups with a reduction also join others that
// read the same tensor, so that it is read once.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "core/registry.h"
#include "passes/fusable.h"

namespace tfmini {
namespace {

// Paths are searched this many nodes back; farther nodes are taken to depend on everything.
constexpr int32_t kSearchRange = 2000;

struct Group {
  std::vector<int32_t> members;  // in topological order
  int steps = 0;
  Frame frame;
  bool reduces = false;
};

// What a node is in its group.
struct Role {
  int steps = 0;  // 0: it cannot be fused
  bool reduces = false;
  Extent extent = Extent::kFull;
};

class Fuser {
 public:
  explicit Fuser(Ir ir)
      : ir_(std::move(ir)),
        group_(ir_.nodes.size(), -1),
        role_(ir_.nodes.size()),
        users_(ir_.nodes.size()),
        waiting_(ir_.nodes.size()),
        dead_(ir_.nodes.size(), 0),
        wanted_(ir_.nodes.size(), 0),
        late_(ir_.nodes.size(), 0) {
    for (size_t i = 0; i < ir_.nodes.size(); ++i) {
      for (Out t : ir_.nodes[i].inputs) users_[t.node].push_back(static_cast<int32_t>(i));
      for (int32_t c : ir_.nodes[i].control) waiting_[c].push_back(static_cast<int32_t>(i));
    }
    for (Out t : ir_.fetches) wanted_[t.node] = 1;
    for (int32_t t : ir_.targets) wanted_[t] = 1;
  }
  Ir run() {
    for (size_t i = 0; i < ir_.nodes.size(); ++i) join(static_cast<int32_t>(i));
    bool changed = false;
    for (size_t g = 0; g < groups_.size(); ++g)  // build() may split a group and append the second half
      if (groups_[g].members.size() > 1) changed |= build(static_cast<int32_t>(g));
    if (!changed) return std::move(ir_);
    return sort_topologically(remove_dead(std::move(ir_)));
  }

 private:
  using Value = std::pair<int32_t, int32_t>;  // an Out, as a key

  bool is_fusable(const IrNode& n) const {
    if (!n.control.empty() || !n.values.empty() || n.dtypes.size() != 1) return false;
    if (n.place != 0 && !has_kernel(Registry::get().find("_FusedElementwise"), Attrs(), n)) return false;
    if (!fusable_type(n.dtypes[0]) || !n.shapes[0].fully_defined()) return false;
    return std::ranges::all_of(n.inputs,
                               [&](Out t) { return fusable_type(ir_.dtype(t)) && ir_.shape(t).fully_defined(); });
  }

  // The inputs that are values: not the axes of a reduction or the shape of a broadcast.
  std::vector<Out> operands(int32_t i) const {
    const IrNode& n = ir_.nodes[i];
    if (!role_[i].reduces && n.op->name != "BroadcastTo") return n.inputs;
    return {n.inputs[0]};
  }

  // Does node i, a member, work on one element per row?
  bool reads_rows(int32_t i) const { return role_[i].extent == Extent::kRow && !role_[i].reduces; }

  // Does any of `from` depend on a member of group g, directly or not?
  bool depends(const std::vector<Out>& from, int32_t g) {
    const int32_t first = groups_[g].members.front();
    std::vector<int32_t> stack;
    for (Out t : from) stack.push_back(t.node);
    ++generation_;
    mark_.resize(ir_.nodes.size(), 0);
    while (!stack.empty()) {
      const int32_t i = stack.back();
      stack.pop_back();
      if (late_[i] < first) continue;
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

  // Operands of `nodes` that lie in neither of the two groups.
  std::vector<Out> outside_operands(const std::vector<int32_t>& nodes, int32_t g, int32_t h) const {
    std::vector<Out> out;
    for (int32_t i : nodes)
      for (Out t : operands(i))
        if (group_[t.node] != g && group_[t.node] != h) out.push_back(t);
    return out;
  }

  // These nodes depend on one that is as late as `late`; so does, of what has been joined, all that depends on them.
  void raise(std::vector<int32_t> nodes, int32_t late) {
    while (!nodes.empty()) {
      const int32_t k = nodes.back();
      nodes.pop_back();
      if (k > joined_ || late_[k] >= late) continue;
      late_[k] = late;
      nodes.insert(nodes.end(), users_[k].begin(), users_[k].end());
      nodes.insert(nodes.end(), waiting_[k].begin(), waiting_[k].end());
      if (group_[k] < 0) continue;
      const std::vector<int32_t>& members = groups_[group_[k]].members;
      nodes.insert(nodes.end(), members.begin(), members.end());
    }
  }

  // A group of its own for node i, merged with those it can be merged with.
  void join(int32_t i) {
    const IrNode& n = ir_.nodes[i];
    joined_ = late_[i] = i;
    for (Out t : n.inputs) late_[i] = std::max(late_[i], late_[t.node]);
    for (int32_t c : n.control) late_[i] = std::max(late_[i], late_[c]);
    if (!is_fusable(n)) return;
    const FusableReduction reduction = fusable_reduction(ir_, n);
    if (reduction.result != Extent::kFull)
      role_[i] = {1, true, reduction.result};
    else
      role_[i].steps = fusable_steps(ir_, n);
    if (role_[i].steps == 0) return;
    group_[i] = static_cast<int32_t>(groups_.size());
    groups_.push_back({{i}, role_[i].steps, role_[i].reduces ? reduction.frame : Frame{n.shapes[0]}, role_[i].reduces});
    for (Out t : operands(i)) merge(group_[t.node], group_[i]);
    for (Out t : operands(i)) {
      std::vector<int32_t>& readers = readers_[{t.node, t.index}];
      constexpr size_t kReaders = 8;
      for (size_t k = readers.size() - std::min(readers.size(), kReaders); k < readers.size(); ++k) {
        const Group &own = groups_[group_[i]], &other = groups_[group_[readers[k]]];
        if ((own.reduces || other.reduces) && ir_.shape(t) == own.frame.shape) merge(group_[readers[k]], group_[i]);
      }
      readers.push_back(i);
    }
  }

  // Makes the two groups one if they can be.
  void merge(int32_t g, int32_t h) {
    if (g < 0 || g == h) return;
    if (groups_[h].members.back() - groups_[g].members.front() > kSearchRange) return;
    if (groups_[g].steps + groups_[h].steps > kMaxFusedSteps) return;
    if (ir_.nodes[groups_[g].members[0]].place != ir_.nodes[groups_[h].members[0]].place) return;
    const std::optional<Frame> frame = common_frame(g, h);
    if (!frame) return;
    std::vector<int32_t> all = groups_[g].members;
    all.insert(all.end(), groups_[h].members.begin(), groups_[h].members.end());
    std::sort(all.begin(), all.end());
    const std::vector<Out> outside = outside_operands(all, g, h);
    std::set<Value> distinct;
    for (Out t : outside) distinct.emplace(t.node, t.index);
    if (distinct.size() > static_cast<size_t>(kMaxFusedInputs)) return;
    const std::vector<Role> before = roles(all);
    for (int32_t k : {g, h})
      if (groups_[k].frame.shape != frame->shape)
        for (int32_t i : groups_[k].members) role_[i].extent = Extent::kRow;
    const auto fits = [&](int32_t i) { return fits_in(i, g, h, *frame); };
    if (!std::all_of(all.begin(), all.end(), fits) || depends(outside, g) || depends(outside, h)) {
      for (size_t k = 0; k < all.size(); ++k) role_[all[k]] = before[k];
      return;
    }
    for (int32_t k : groups_[h].members) group_[k] = g;
    groups_[g] = {std::move(all), groups_[g].steps + groups_[h].steps, *frame,
                  groups_[g].reduces || groups_[h].reduces};
    groups_[h] = {};
    int32_t late = 0;
    for (int32_t k : groups_[g].members) late = std::max(late, late_[k]);
    raise(groups_[g].members, late);
  }

  std::vector<Role> roles(const std::vector<int32_t>& nodes) const {
    std::vector<Role> out;
    for (int32_t i : nodes) out.push_back(role_[i]);
    return out;
  }

  // The frame of both groups: that of either, or one group works on the rows of the other's frame.
  std::optional<Frame> common_frame(int32_t g, int32_t h) const {
    const Frame &a = groups_[g].frame, &b = groups_[h].frame;
    if (a.shape == b.shape) {
      if (a.row != 0 && b.row != 0 && a.row != b.row) return std::nullopt;
      return Frame{a.shape, std::max(a.row, b.row)};
    }
    const auto is_row_of = [](const Group& rows, const Frame& frame) {
      return !rows.reduces && (is_row_kept(rows.frame.shape, frame) || is_row_dropped(rows.frame.shape, frame));
    };
    if (is_row_of(groups_[h], a)) return a;
    if (is_row_of(groups_[g], b)) return b;
    return std::nullopt;
  }

  // Can member i of one of the two groups get its operands in a kernel for this frame?
  bool fits_in(int32_t i, int32_t g, int32_t h, const Frame& frame) const {
    for (Out t : operands(i)) {
      const Shape& shape = ir_.shape(t);
      if (group_[t.node] != g && group_[t.node] != h) {
        const int64_t elements = shape.num_elements();
        if (reads_rows(i) && elements != 1 && elements != frame.shape.num_elements() / frame.row) return false;
        continue;
      }
      const Extent from = role_[t.node].extent;
      const bool row = from == Extent::kRow;
      if (row && reads_rows(i) && shape == ir_.nodes[i].shapes[0]) continue;
      if (row && !reads_rows(i) && !role_[i].reduces && is_row_kept(shape, frame)) continue;
      if (from != Extent::kFull || reads_rows(i)) return false;
    }
    return true;
  }

  bool is_outside(int32_t i, int32_t g) const { return group_[i] != g && !dead_[i]; }

  // Adds a fused node for the group and redirects the users of its results.
  bool build(int32_t id) {
    const std::vector<int32_t> members = groups_[id].members;
    std::vector<int32_t> outputs;
    for (int32_t i : members)
      if (wanted_[i] || !waiting_[i].empty() ||
          std::ranges::any_of(users_[i], [&](int32_t u) { return is_outside(u, id); }))
        outputs.push_back(i);

    IrNode fused;
    // outside value, and whether it is read by row -> register
    std::map<std::pair<Value, bool>, int64_t> inputs;
    std::vector<int64_t> row_inputs;
    const auto add_input = [&](Out t, bool row) {
      const auto number = static_cast<int64_t>(fused.inputs.size());
      if (!inputs.emplace(std::pair(Value(t.node, t.index), row), number).second) return;
      if (row) row_inputs.push_back(number);
      fused.inputs.push_back(t);
    };
    std::map<int32_t, Out> slopes;  // leaky relu -> its slope
    for (int32_t i : members)
      for (Out t : operands(i))
        if (group_[t.node] != id) add_input(t, reads_rows(i));
    for (int32_t i : members)
      if (ir_.nodes[i].op->name.starts_with("LeakyRelu")) add_input(slopes[i] = slope_of(ir_.nodes[i]), reads_rows(i));
    if (outputs.empty()) return false;
    if (fused.inputs.size() > static_cast<size_t>(kMaxFusedInputs) ||
        outputs.size() > static_cast<size_t>(kMaxFusedOutputs))
      return split(id);

    std::map<int32_t, int64_t> registers, spread;  // member -> register of its value; of a row's value, repeated
    FusedProgram program;
    program.num_inputs = static_cast<int>(fused.inputs.size());
    const auto reg = [&](Out t, bool row) {
      if (group_[t.node] != id) return inputs.at({Value(t.node, t.index), row});
      if (row || role_[t.node].extent == Extent::kFull) return registers.at(t.node);
      const auto [at, added] = spread.emplace(t.node, 0);
      if (added) at->second = program.emit(fused_spread_opcode(), registers.at(t.node));
      return at->second;
    };
    for (int32_t i : members) {
      std::vector<int64_t> in;
      for (Out t : operands(i)) in.push_back(reg(t, reads_rows(i)));
      if (slopes.contains(i)) in.push_back(reg(slopes[i], reads_rows(i)));
      registers[i] = emit_steps(program, ir_, ir_.nodes[i], role_[i].reduces ? role_[i].extent : Extent::kFull, in);
    }
    std::vector<int64_t> results;
    for (int32_t i : outputs) results.push_back(registers.at(i));
    auto attrs = std::make_shared<Attrs>();
    attrs->set("frame", groups_[id].frame.shape);
    attrs->set("row", groups_[id].frame.row);
    attrs->set("row_inputs", std::move(row_inputs));
    attrs->set("program", std::move(program.steps));
    attrs->set("results", std::move(results));
    replace(id, std::move(fused), outputs, std::move(attrs));
    return true;
  }

  // The slope of a leaky relu as a constant node.
  Out slope_of(const IrNode& n) {
    const float alpha = n.attrs->real("alpha");
    const bool wide = n.dtypes[0] == DType::kDouble;
    return {append(constant_for(n, "/alpha", wide ? Tensor::scalar<double>(alpha) : Tensor::scalar<float>(alpha))), 0};
  }

  int32_t append(IrNode node) {
    const auto id = static_cast<int32_t>(ir_.nodes.size());
    for (Out t : node.inputs) users_[t.node].push_back(id);
    ir_.nodes.push_back(std::move(node));
    group_.push_back(-1);
    role_.emplace_back();
    dead_.push_back(0);
    users_.emplace_back();
    waiting_.emplace_back();
    return id;
  }

  // Too many values cross the group's border: the later half becomes a group of its own. Both halves
  // of a topological order can still be ordered as wholes.
  bool split(int32_t id) {
    std::vector<int32_t>& members = groups_[id].members;
    const auto half = members.begin() + static_cast<std::ptrdiff_t>(members.size() / 2);
    const std::vector<int32_t> later(half, members.end());
    members.erase(half, members.end());
    for (int32_t i : later) group_[i] = static_cast<int32_t>(groups_.size());
    groups_.push_back({later, 0, groups_[id].frame, groups_[id].reduces});
    return groups_[id].members.size() > 1 && build(id);
  }

  void replace(int32_t id, IrNode fused, const std::vector<int32_t>& outputs, std::shared_ptr<Attrs> attrs) {
    const IrNode& last = ir_.nodes[groups_[id].members.back()];
    fused.op = &Registry::get().find("_FusedElementwise");
    fused.name = last.name;
    fused.place = last.place;
    fused.origin = last.origin;
    std::vector<DType> types;
    for (Out t : fused.inputs) types.push_back(ir_.dtype(t));
    for (int32_t i : outputs) {
      fused.dtypes.push_back(ir_.nodes[i].dtypes[0]);
      fused.shapes.push_back(ir_.nodes[i].shapes[0]);
    }
    attrs->set("Tin", std::move(types));
    attrs->set("Tout", fused.dtypes);
    attrs->set("shapes", fused.shapes);
    fused.attrs = std::move(attrs);
    const auto where = static_cast<int32_t>(ir_.nodes.size());
    std::map<int32_t, int32_t> output_number;
    for (size_t k = 0; k < outputs.size(); ++k) output_number[outputs[k]] = static_cast<int32_t>(k);
    const auto redirect = [&](Out& t) {
      if (t.node < where && group_[t.node] == id) t = {where, output_number.at(t.node)};
    };
    for (int32_t i : outputs) {
      for (int32_t u : users_[i])
        if (is_outside(u, id)) std::ranges::for_each(ir_.nodes[u].inputs, redirect);
      for (int32_t u : waiting_[i]) std::ranges::replace(ir_.nodes[u].control, i, where);
    }
    if (std::any_of(outputs.begin(), outputs.end(), [&](int32_t i) { return wanted_[i]; })) {
      for (Out& t : ir_.fetches) redirect(t);
      for (int32_t& t : ir_.targets)
        if (t < where && group_[t] == id) t = where;
    }
    for (int32_t i : groups_[id].members) dead_[i] = 1;
    append(std::move(fused));
  }

  Ir ir_;
  std::vector<int32_t> group_;  // per node; -1: none
  std::vector<Role> role_;
  std::vector<std::vector<int32_t>> users_, waiting_;  // nodes that read a node's results; that wait for it
  std::vector<char> dead_, wanted_;                    // replaced by a fused node; fetched or a target
  std::vector<Group> groups_;
  std::map<Value, std::vector<int32_t>> readers_;  // fusable nodes that read a value
  std::vector<int32_t> late_;  // the latest node that each depends on, a group being one node; or itself
  int32_t joined_ = -1;        // the last node that has been looked at
  std::vector<int32_t> mark_;
  int32_t generation_ = 0;
};

}  // namespace

Ir fuse(Ir ir) { return Fuser(std::move(ir)).run(); }

}  // namespace tfmini
