// Variable accesses and their order.
//
// A reference (the output of VariableV2, or of an assignment, which passes its variable on) may
// feed ref inputs, which name the variable, and ordinary inputs, which read it. lower_references
// resolves the names and makes every read a _ReadVariable node. The rule: a read that depends on
// no assignment to its variable sees the value from before the run; one that does sees the value
// after the last (in creation order) it depends on. A variable used as a tensor is read by each user
// for itself. order_accesses turns that into control edges.
//
// Reads hand out the variable's own memory, so it is the *users* of a read, through aliases, that
// must come before an assignment. Where that is impossible (x and y swap values) or the value is
// fetched, the read takes a copy.
#include <algorithm>
#include <map>
#include <set>

#include "core/registry.h"
#include "passes/effects.h"
#include "passes/ir.h"

namespace tfmini {

std::string variable_name(const Attrs& attrs, const std::string& node_name) {
  const AttrValue* shared = attrs.find("shared_name");
  const auto* name = shared ? std::get_if<std::string>(shared) : nullptr;
  return name && !name->empty() ? *name : node_name;
}

namespace {

bool is_variable(const OpDef& op) { return op.name == "VariableV2" || op.name == "Variable"; }

bool has_functions(const Attrs& attrs) {
  return std::any_of(attrs.begin(), attrs.end(),
                     [](const auto& a) { return std::holds_alternative<std::shared_ptr<Function>>(a.second); });
}

Effects attr_effects(const Attrs& attrs) {
  Effects all;
  for (const auto& [name, value] : attrs)
    if (const auto* f = std::get_if<std::shared_ptr<Function>>(&value)) {
      const Effects e = function_effects(**f);
      all.reads.insert(e.reads.begin(), e.reads.end());
      all.writes.insert(e.writes.begin(), e.writes.end());
    }
  return all;
}

// Per input of a node: is it declared as a reference?
std::vector<bool> ref_inputs(const IrNode& n) {
  std::vector<bool> refs;
  for (int32_t k : declared_inputs(n)) refs.push_back(k >= 0 && n.op->inputs[k].is_ref);
  return refs;
}

}  // namespace

Effects function_effects(const Function& f) {
  Effects effects;
  std::vector<int32_t> stack(f.control_outputs);
  for (Out t : f.outputs) stack.push_back(t.node);
  std::set<int32_t> seen;
  while (!stack.empty()) {
    const int32_t id = stack.back();
    stack.pop_back();
    if (!seen.insert(id).second) continue;
    const Node& n = f.graph->node(id);
    for (Out t : n.inputs) stack.push_back(t.node);
    stack.insert(stack.end(), n.control_inputs.begin(), n.control_inputs.end());
    if (is_variable(*n.op)) effects.reads.insert(variable_name(n.attrs, n.name));
    if (n.op->writes_variable)
      for (Out t : n.inputs) {
        // A ref input leads, through assignments, to the VariableV2 that names it.
        while (f.graph->node(t.node).refs[t.index] && !is_variable(*f.graph->node(t.node).op))
          t = f.graph->node(t.node).inputs[0];
        const Node& v = f.graph->node(t.node);
        if (is_variable(*v.op)) effects.writes.insert(variable_name(v.attrs, v.name));
      }
    const Effects inner = attr_effects(n.attrs);
    effects.reads.insert(inner.reads.begin(), inner.reads.end());
    effects.writes.insert(inner.writes.begin(), inner.writes.end());
  }
  return effects;
}

Effects node_effects(const IrNode& n) {
  Effects effects = attr_effects(*n.attrs);
  for (const std::string& v : n.variables)
    if (!v.empty()) (n.op->writes_variable ? effects.writes : effects.reads).insert(v);
  return effects;
}

Unchanging::Unchanging(const Ir& ir) {
  for (const IrNode& n : ir.nodes) written_.merge(node_effects(n).writes);
}

bool Unchanging::operator()(const Ir& ir, Out t) const {
  const IrNode& n = ir.nodes[t.node];
  return n.is_constant(t.index) || (n.op->name == "_ReadVariable" && !written_.contains(n.variables[0]));
}

// `w/read` is how a variable is used as a tensor, whatever a program does before: its users see the
// assignments that they wait for, not only those that it waits for (there are none).
// behind[i]: the assignments node i depends on.
static Ir reread_snapshots(Ir ir, const std::vector<std::set<int32_t>>& behind) {
  static const OpDef& read_op = Registry::get().find("_ReadVariable");
  std::map<std::pair<int32_t, std::vector<int32_t>>, int32_t> later;  // (read, assignments to see) -> another read
  std::vector<IrNode> reads;
  const auto count = static_cast<int32_t>(ir.nodes.size());
  for (int32_t i = 0; i < count; ++i)
    for (Out& t : ir.nodes[i].inputs) {
      if (t.node >= count || behind[i].empty()) continue;
      const IrNode& read = ir.nodes[t.node];
      if (read.op != &read_op || read.name != ir.nodes[read.inputs[0].node].name + "/read") continue;
      std::vector<int32_t> seen;
      for (int32_t w : behind[i])
        if (!behind[t.node].count(w) && node_effects(ir.nodes[w]).writes.count(read.variables[0])) seen.push_back(w);
      if (seen.empty()) continue;
      const auto [it, is_new] = later.try_emplace({t.node, seen}, count + static_cast<int32_t>(reads.size()));
      if (is_new) {
        reads.push_back(read);
        reads.back().control.insert(reads.back().control.end(), seen.begin(), seen.end());
        for (int32_t w : seen) reads.back().after.push_back(ir.nodes[w].origin);
      }
      t.node = it->second;
    }
  if (reads.empty()) return ir;
  for (IrNode& r : reads) ir.nodes.push_back(std::move(r));
  return sort_topologically(std::move(ir));
}

Ir lower_references(Ir ir) {
  static const OpDef& read_op = Registry::get().find("_ReadVariable");
  // Name of the variable behind each reference output (output 0 in every op that has one).
  std::vector<std::string> names(ir.nodes.size());
  std::vector<IrNode> reads;  // appended at the end, sorted into place afterwards
  const auto count = static_cast<int32_t>(ir.nodes.size());
  for (int32_t i = 0; i < count; ++i) {
    IrNode& n = ir.nodes[i];
    if (is_variable(*n.op)) {
      names[i] = variable_name(*n.attrs, n.name);
      continue;
    }
    const std::vector<bool> refs = ref_inputs(n);
    const bool passes_reference = !n.op->outputs.empty() && n.op->outputs[0].is_ref;
    for (size_t k = 0; k < n.inputs.size(); ++k) {
      const std::string& name = names[n.inputs[k].node];
      if (name.empty() || n.inputs[k].index != 0) continue;
      if (refs[k]) {
        n.variables.resize(n.inputs.size());
        n.variables[k] = name;
        if (passes_reference && k == 0) names[i] = name;
        continue;
      }
      if (n.op->name == "Identity") {  // `w/read`: the node itself becomes the read
        n.op = &read_op;
        auto attrs = std::make_shared<Attrs>();
        attrs->set("T", n.dtypes[0]);
        n.attrs = std::move(attrs);
        n.variables = {name};
        break;
      }
      // A direct use reads when the user runs: after everything else the user waits for.
      IrNode read;
      read.op = &read_op;
      read.name = n.name;
      read.origin = n.origin;
      read.inputs = {n.inputs[k]};
      read.dtypes = {ir.dtype(n.inputs[k])};
      read.shapes = {ir.shape(n.inputs[k])};
      auto attrs = std::make_shared<Attrs>();
      attrs->set("T", read.dtypes[0]);
      read.attrs = std::move(attrs);
      read.variables = {name};
      read.control = n.control;
      for (Out t : n.inputs)
        if (t.node < count && names[t.node].empty()) read.control.push_back(t.node);
      n.inputs[k] = {count + static_cast<int32_t>(reads.size()), 0};
      reads.push_back(std::move(read));
    }
  }
  // Fetching a reference reads it too.
  for (Out& t : ir.fetches) {
    if (names[t.node].empty() || t.index != 0) continue;
    IrNode read;
    read.op = &read_op;
    read.name = ir.nodes[t.node].name;
    read.origin = ir.nodes[t.node].origin;
    read.inputs = {t};
    read.dtypes = {ir.dtype(t)};
    read.shapes = {ir.shape(t)};
    auto attrs = std::make_shared<Attrs>();
    attrs->set("T", read.dtypes[0]);
    read.attrs = std::move(attrs);
    read.variables = {names[t.node]};
    t = {count + static_cast<int32_t>(reads.size()), 0};
    reads.push_back(std::move(read));
  }
  for (IrNode& r : reads) ir.nodes.push_back(std::move(r));
  ir = sort_topologically(std::move(ir));

  // Which assignments (by origin) each read depends on, now that all dependencies are the
  // program's own.
  std::vector<std::set<int32_t>> behind(ir.nodes.size());
  const bool any_write = std::any_of(ir.nodes.begin(), ir.nodes.end(),
                                     [](const IrNode& n) { return n.op->writes_variable || has_functions(*n.attrs); });
  if (!any_write) return ir;
  for (size_t i = 0; i < ir.nodes.size(); ++i) {
    IrNode& n = ir.nodes[i];
    const auto inherit = [&](int32_t from) {
      behind[i].insert(behind[from].begin(), behind[from].end());
      if (ir.nodes[from].op->writes_variable || has_functions(*ir.nodes[from].attrs)) behind[i].insert(from);
    };
    for (Out t : n.inputs) inherit(t.node);
    for (int32_t c : n.control) inherit(c);
    if (n.op == &read_op)
      for (int32_t w : behind[i]) n.after.push_back(ir.nodes[w].origin);
  }
  return reread_snapshots(std::move(ir), behind);
}

namespace {

// Successor lists of an Ir that grow as ordering edges are added.
class Reachability {
 public:
  explicit Reachability(const Ir& ir) : users_(ir.nodes.size()), mark_(ir.nodes.size(), 0) {
    for (size_t i = 0; i < ir.nodes.size(); ++i) {
      for (Out t : ir.nodes[i].inputs) users_[t.node].push_back(static_cast<int32_t>(i));
      for (int32_t c : ir.nodes[i].control) users_[c].push_back(static_cast<int32_t>(i));
    }
  }
  const std::vector<int32_t>& users(int32_t i) const { return users_[i]; }
  void add(int32_t from, int32_t to) { users_[from].push_back(to); }
  bool reaches(int32_t from, int32_t to) {
    ++generation_;
    stack_ = {from};
    while (!stack_.empty()) {
      const int32_t i = stack_.back();
      stack_.pop_back();
      if (i == to) return true;
      if (mark_[i] == generation_) continue;
      mark_[i] = generation_;
      stack_.insert(stack_.end(), users_[i].begin(), users_[i].end());
    }
    return false;
  }

 private:
  std::vector<std::vector<int32_t>> users_;
  std::vector<int32_t> mark_;
  std::vector<int32_t> stack_;
  int32_t generation_ = 0;
};

struct Access {
  std::vector<int32_t> reads;   // _ReadVariable nodes, and nodes whose sub-graphs read
  std::vector<int32_t> writes;  // in creation order
};

std::map<std::string, Access> collect(const Ir& ir) {
  std::map<std::string, Access> all;
  for (size_t i = 0; i < ir.nodes.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    const Effects e = node_effects(ir.nodes[i]);
    for (const std::string& v : e.writes) all[v].writes.push_back(id);
    for (const std::string& v : e.reads)
      if (!e.writes.count(v)) all[v].reads.push_back(id);
  }
  for (auto& [name, a] : all)
    std::stable_sort(a.writes.begin(), a.writes.end(),
                     [&](int32_t x, int32_t y) { return ir.nodes[x].origin < ir.nodes[y].origin; });
  return all;
}

// Who looks at the memory of a node's results.
class MemoryUsers {
 public:
  explicit MemoryUsers(const Ir& ir) : ir_(ir), users_(ir.nodes.size()), fetched_(ir.nodes.size(), 0) {
    for (size_t i = 0; i < ir.nodes.size(); ++i)
      for (Out t : ir.nodes[i].inputs) users_[t.node].push_back(static_cast<int32_t>(i));
    for (Out t : ir.fetches) fetched_[t.node] = 1;
  }
  // The users of read r, and theirs where a node is a mere alias. Is any of these memories fetched?
  std::vector<int32_t> of(int32_t r, bool& fetched) const {
    std::vector<int32_t> found, aliases{r};
    fetched = false;
    for (size_t k = 0; k < aliases.size(); ++k) {
      fetched = fetched || fetched_[aliases[k]];
      for (int32_t u : users_[aliases[k]]) {
        found.push_back(u);
        if (ir_.nodes[u].op->alias) aliases.push_back(u);
      }
    }
    return found;
  }

 private:
  const Ir& ir_;
  std::vector<std::vector<int32_t>> users_;
  std::vector<char> fetched_;
};

}  // namespace

Ir order_accesses(Ir ir) {
  static const OpDef& read_op = Registry::get().find("_ReadVariable");
  static const OpDef& copy_op = Registry::get().find("_CopyVariable");
  const auto accesses = collect(ir);
  Reachability graph(ir);
  const MemoryUsers memory(ir);
  bool changed = false;
  const auto edge = [&](int32_t from, int32_t to) {
    ir.nodes[to].control.push_back(from);
    graph.add(from, to);
    changed = true;
  };
  for (const auto& [name, access] : accesses) {
    if (access.writes.empty()) continue;
    for (size_t i = 1; i < access.writes.size(); ++i) {
      const int32_t a = access.writes[i - 1], b = access.writes[i];
      if (a != b && !graph.reaches(b, a) && !graph.reaches(a, b)) edge(a, b);
    }
    for (int32_t r : access.reads) {
      const bool is_read = ir.nodes[r].op == &read_op;
      bool fetched = false;
      const std::vector<int32_t> users = is_read ? memory.of(r, fetched) : std::vector<int32_t>{};
      for (int32_t w : access.writes) {
        const auto& after = ir.nodes[r].after;
        if (std::find(after.begin(), after.end(), ir.nodes[w].origin) != after.end() || w == r) continue;
        if (graph.reaches(w, r)) continue;  // a sub-graph that depends on the assignment
        bool copy = fetched;
        for (int32_t u : users) copy = copy || u == w || graph.reaches(w, u);
        if (copy) {
          if (is_read) ir.nodes[r].op = &copy_op;
          edge(r, w);
          continue;
        }
        edge(r, w);
        for (int32_t u : users) edge(u, w);
      }
    }
  }
  return changed ? sort_topologically(std::move(ir)) : ir;
}

}  // namespace tfmini
