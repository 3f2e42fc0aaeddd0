// A value that a fused kernel writes for others and that costs less to compute than to move through memory is computed
// by its readers: `x - mean` in the gradient of a batch normalization, for one, whose kernels read x or could. That is
// done only where nothing has to be written then, and no reader has to read more than before. What the value is
// computed from may also be a result that is written in any case: `1 + tanh(x)` of the tanh that the gradient needs.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "ops/fused.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

constexpr int64_t kMinBytes = 256 << 10;  // smaller values stay in the second-level cache
// Nanoseconds per element. To write one of 4 bytes and to read it moves 12, those included that fill the cache line
// before it is written: about a nanosecond of one core's share of the bandwidth.
constexpr double kMaxCost = 0.7;

// A _FusedElementwise node taken apart.
struct Fused {
  Shape frame;
  std::vector<Out> inputs;
  std::vector<int64_t> row_inputs, results;
  FusedProgram program;

  explicit Fused(const IrNode& n)
      : frame(n.attrs->shape("frame")),
        inputs(n.inputs),
        row_inputs(n.attrs->ints("row_inputs")),
        results(n.attrs->ints("results")),
        program{n.attrs->ints("program"), static_cast<int>(n.inputs.size())} {}

  bool is_row(int64_t input) const { return std::ranges::find(row_inputs, input) != row_inputs.end(); }
  int64_t num_registers() const { return program.num_inputs + static_cast<int64_t>(program.steps.size()) / 4; }
  const int64_t* step(int64_t reg) const { return &program.steps[4 * (reg - program.num_inputs)]; }

  // The number of an input that is read element by element; -1 if there is none.
  int64_t input_number(Out t) const {
    for (size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i] == t && !is_row(static_cast<int64_t>(i))) return static_cast<int64_t>(i);
    return -1;
  }

  void remove_input(int64_t number) {
    inputs.erase(inputs.begin() + number);
    std::erase(row_inputs, number);
    for (int64_t& r : row_inputs) r -= r > number;
  }
};

// Adds to a program what registers of another are computed from. `now`: which registers are there already, and where.
int64_t copy_register(const Fused& from, int64_t reg, std::map<int64_t, int64_t>& now, FusedProgram& to) {
  if (reg < 0) return reg;
  if (const auto it = now.find(reg); it != now.end()) return it->second;
  const int64_t* s = from.step(reg);
  const int64_t a = copy_register(from, s[1], now, to), b = copy_register(from, s[2], now, to),
                c = copy_register(from, s[3], now, to);
  return now[reg] = to.emit(s[0], a, b, c);
}

class Recomputer {
 public:
  explicit Recomputer(Ir ir) : ir_(std::move(ir)), users_(ir_.nodes.size()) {
    for (size_t i = 0; i < ir_.nodes.size(); ++i)
      for (Out t : ir_.nodes[i].inputs) users_[t.node].insert(static_cast<int32_t>(i));
  }

  Ir run() {
    bool changed = false;
    for (size_t i = 0; i < ir_.nodes.size(); ++i) {
      if (!is_fused(ir_.nodes[i])) continue;
      find_stored(static_cast<int32_t>(i));
      std::vector<size_t> kept;
      const size_t count = ir_.nodes[i].shapes.size();
      for (size_t k = 0; k < count; ++k)
        if (!move_to_readers({static_cast<int32_t>(i), static_cast<int32_t>(k)})) kept.push_back(k);
      changed |= kept.size() < count;
      if (!kept.empty() && kept.size() < count) keep_results(static_cast<int32_t>(i), kept);
    }
    return changed ? remove_dead(std::move(ir_)) : std::move(ir_);
  }

 private:
  static bool is_fused(const IrNode& n) { return n.op->name == "_FusedElementwise"; }
  bool is_whole(Out t, const Fused& f) const { return ir_.shape(t).num_elements() == f.frame.num_elements(); }

  int64_t bytes(Out t) const { return ir_.shape(t).num_elements() * static_cast<int64_t>(dtype_size(ir_.dtype(t))); }
  bool is_fetched(Out t) const { return std::ranges::find(ir_.fetches, t) != ir_.fetches.end(); }

  // What is read instead of register r of the fused node i.
  static Out leaf_of(int32_t i, const Fused& f, int64_t r) {
    if (r < f.program.num_inputs) return f.inputs[r];
    return {i, static_cast<int32_t>(std::ranges::find(f.results, r) - f.results.begin())};
  }

  // The registers of node i that it writes in any case: they are fetched, or much work even from those before them.
  void find_stored(int32_t i) {
    const Fused f(ir_.nodes[i]);
    stored_.clear();
    for (size_t k = 0; k < f.results.size(); ++k) {
      const Out t{i, static_cast<int32_t>(k)};
      double cost = 0;
      std::set<int64_t> leaves;
      if (is_whole(t, f) && (is_fetched(t) || !find_leaves(f, f.results[k], cost, leaves)))
        stored_.insert(f.results[k]);
    }
  }

  // The inputs and stored registers that register `reg` is computed from; false if that costs too much.
  bool find_leaves(const Fused& f, int64_t reg, double& cost, std::set<int64_t>& leaves) const {
    if (reg < 0) return true;
    if (reg < f.program.num_inputs || stored_.contains(reg)) {
      leaves.insert(reg);
      return !f.is_row(reg);
    }
    const int64_t* s = f.step(reg);
    if (!is_fused_elementwise(s[0]) || (cost += fused_cost(s[0])) > kMaxCost) return false;
    return std::all_of(s + 1, s + 4, [&](int64_t operand) { return find_leaves(f, operand, cost, leaves); });
  }

  // Lets all readers of a value compute it, if they can.
  bool move_to_readers(Out t) {
    const IrNode& n = ir_.nodes[t.node];
    const Fused from(n);
    const int64_t result = from.results[t.index];
    if (!is_whole(t, from) || bytes(t) < kMinBytes || stored_.contains(result)) return false;
    double cost = 0;
    std::set<int64_t> leaves;
    if (!find_leaves(from, result, cost, leaves)) return false;
    std::vector<std::pair<int32_t, Fused>> readers;
    for (int32_t u : users_[t.node]) {
      const IrNode& user = ir_.nodes[u];
      const auto reads = std::ranges::count(user.inputs, t);
      if (reads == 0) continue;
      if (reads > 1 || !is_fused(user) || user.place != n.place) return false;
      readers.emplace_back(u, user);
      if (!compute(t, from, leaves, readers.back().second)) return false;
    }
    if (readers.empty()) return false;
    for (auto& [u, fused] : readers) {
      for (int64_t leaf : leaves) users_[leaf_of(t.node, from, leaf).node].insert(u);
      store(u, std::move(fused));
    }
    return true;
  }

  // Changes a reader of t: computes it from the leaves. False if the reader cannot or would have to read more.
  bool compute(Out t, const Fused& from, const std::set<int64_t>& leaves, Fused& reader) const {
    const Fused old = reader;
    const int64_t replaced = old.input_number(t);
    if (replaced < 0 || old.frame != from.frame) return false;
    reader.remove_input(replaced);
    std::map<int64_t, int64_t> copied, now;  // registers of `from` and of `old` -> of the reader
    int64_t more = 0;                        // to read
    for (int64_t leaf : leaves) {
      const Out x = leaf_of(t.node, from, leaf);
      copied[leaf] = reader.input_number(x);
      if (copied[leaf] >= 0) continue;
      copied[leaf] = static_cast<int64_t>(reader.inputs.size());
      reader.inputs.push_back(x);
      more += bytes(x);
    }
    if (more > bytes(t) + bytes(t) / 16 || reader.inputs.size() > size_t{kMaxFusedInputs}) return false;
    reader.program = {{}, static_cast<int>(reader.inputs.size())};
    for (int64_t i = 0; i < old.program.num_inputs; ++i) now[i] = i - (i > replaced);
    now[replaced] = copy_register(from, from.results[t.index], copied, reader.program);
    for (int64_t r = old.program.num_inputs; r < old.num_registers(); ++r) copy_register(old, r, now, reader.program);
    for (int64_t& r : reader.results) r = now.at(r);
    return reader.num_registers() - reader.program.num_inputs <= kMaxFusedSteps;
  }

  // Leaves node i these of its results, and what they are computed from.
  void keep_results(int32_t i, const std::vector<size_t>& kept) {
    const Fused old(ir_.nodes[i]);
    Fused fused = old;
    std::vector<int64_t> stack;
    std::set<int64_t> needed;
    fused.results.clear();
    for (size_t k : kept) stack.push_back(old.results[k]);
    while (!stack.empty()) {
      const int64_t r = stack.back();
      stack.pop_back();
      if (r < 0 || !needed.insert(r).second || r < old.program.num_inputs) continue;
      stack.insert(stack.end(), old.step(r) + 1, old.step(r) + 4);
    }
    for (int64_t input = old.program.num_inputs - 1; input >= 0; --input)
      if (!needed.contains(input)) fused.remove_input(input);
    fused.program = {{}, static_cast<int>(fused.inputs.size())};
    std::map<int64_t, int64_t> now;
    for (int64_t r : needed)
      if (r < old.program.num_inputs)
        now.emplace(r, static_cast<int64_t>(now.size()));
      else
        copy_register(old, r, now, fused.program);
    IrNode& n = ir_.nodes[i];
    std::map<int32_t, int32_t> position;
    for (size_t k : kept) {
      const auto to = static_cast<int32_t>(position.size());
      fused.results.push_back(now.at(old.results[k]));
      n.dtypes[to] = n.dtypes[k];
      n.shapes[to] = n.shapes[k];
      position[static_cast<int32_t>(k)] = to;
    }
    n.dtypes.resize(kept.size());
    n.shapes.resize(kept.size());
    const auto renumber = [&](Out& t) {
      if (t.node == i) t.index = position.at(t.index);
    };
    for (int32_t u : users_[i]) std::ranges::for_each(ir_.nodes[u].inputs, renumber);
    std::ranges::for_each(ir_.fetches, renumber);
    store(i, std::move(fused));
  }

  void store(int32_t i, Fused fused) {
    IrNode& n = ir_.nodes[i];
    auto attrs = std::make_shared<Attrs>(*n.attrs);
    std::vector<DType> types;
    for (Out t : fused.inputs) types.push_back(ir_.dtype(t));
    attrs->set("Tin", std::move(types));
    attrs->set("Tout", n.dtypes);
    attrs->set("shapes", n.shapes);
    attrs->set("row_inputs", std::move(fused.row_inputs));
    attrs->set("program", std::move(fused.program.steps));
    attrs->set("results", std::move(fused.results));
    n.inputs = std::move(fused.inputs);
    n.attrs = std::move(attrs);
  }

  Ir ir_;
  std::vector<std::set<int32_t>> users_;
  std::set<int64_t> stored_;  // registers of the node at hand
};

}  // namespace

Ir recompute(Ir ir) { return Recomputer(std::move(ir)).run(); }

}  // namespace tfmini
