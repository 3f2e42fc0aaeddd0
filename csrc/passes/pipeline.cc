#include <algorithm>
#include <queue>

#include "core/registry.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

// Moves node i to position[i]; nodes with position -1 vanish.
Ir renumber(Ir ir, const std::vector<int32_t>& position, int32_t count) {
  Ir out;
  out.fetch_devices = std::move(ir.fetch_devices);
  out.nodes.resize(static_cast<size_t>(count));
  const auto move_out = [&](Out t) { return Out{position[t.node], t.index}; };
  for (size_t i = 0; i < ir.nodes.size(); ++i) {
    if (position[i] < 0) continue;
    IrNode& n = ir.nodes[i];
    for (Out& t : n.inputs) t = move_out(t);
    for (int32_t& c : n.control) c = position[c];
    std::erase_if(n.control, [](int32_t c) { return c < 0; });
    std::sort(n.control.begin(), n.control.end());
    n.control.erase(std::unique(n.control.begin(), n.control.end()), n.control.end());
    out.nodes[position[i]] = std::move(n);
  }
  for (Out t : ir.fetches) out.fetches.push_back(move_out(t));
  for (int32_t t : ir.targets)
    if (position[t] >= 0) out.targets.push_back(position[t]);
  for (int32_t f : ir.feeds) out.feeds.push_back(f < 0 ? -1 : position[f]);
  return out;
}

// Has b every attribute of a, with the same value?
bool has_attrs(const Attrs& a, const Attrs& b) {
  return std::all_of(a.begin(), a.end(), [&](const auto& item) {
    const AttrValue* other = b.find(item.first);
    return item.first.starts_with('_') || (other && same_value(item.second, *other));
  });
}

}  // namespace

std::vector<int32_t> count_uses(const Ir& ir) {
  std::vector<int32_t> uses(ir.nodes.size(), 0);
  for (const IrNode& n : ir.nodes) {
    for (Out t : n.inputs) ++uses[t.node];
    for (int32_t c : n.control) ++uses[c];
  }
  for (Out t : ir.fetches) ++uses[t.node];
  for (int32_t t : ir.targets) ++uses[t];
  return uses;
}

bool is_plain(const IrNode& n) { return n.control.empty() && n.values.empty(); }

bool channels_last(const IrNode& n) {
  const AttrValue* format = n.attrs->find("data_format");
  return !format || same_value(*format, std::string("NHWC"));
}

IrNode constant_for(const IrNode& n, const std::string& suffix, Tensor value) {
  IrNode constant;
  constant.op = &Registry::get().find("Const");
  constant.attrs = std::make_shared<Attrs>();
  constant.name = n.name + suffix;
  constant.origin = n.origin;
  constant.dtypes = {value.dtype()};
  constant.shapes = {value.shape()};
  constant.values = {std::move(value)};
  return constant;
}

bool same_attrs(const Attrs& a, const Attrs& b) { return has_attrs(a, b) && has_attrs(b, a); }

Ir remove_dead(Ir ir) {
  std::vector<char> live(ir.nodes.size(), 0);
  std::vector<int32_t> stack;
  const auto mark = [&](int32_t i) {
    if (!live[i]) {
      live[i] = 1;
      stack.push_back(i);
    }
  };
  for (Out t : ir.fetches) mark(t.node);
  for (int32_t t : ir.targets) mark(t);
  // Effects happen even when folding has made their values unnecessary; sources have none.
  for (size_t i = 0; i < ir.nodes.size(); ++i) {
    const IrNode& n = ir.nodes[i];
    const bool source = n.inputs.empty() && n.op->inputs.empty() && n.op->name != "NoOp" && !n.op->outputs.empty();
    if (n.op->stateful && !source && n.op->name != "_ReadVariable" && n.op->name != "NoOp")
      mark(static_cast<int32_t>(i));
  }
  while (!stack.empty()) {
    const int32_t i = stack.back();
    stack.pop_back();
    for (Out t : ir.nodes[i].inputs) mark(t.node);
    for (int32_t c : ir.nodes[i].control) mark(c);
  }
  std::vector<int32_t> position(ir.nodes.size(), -1);
  int32_t count = 0;
  for (size_t i = 0; i < ir.nodes.size(); ++i)
    if (live[i]) position[i] = count++;
  return renumber(std::move(ir), position, count);
}

Ir sort_topologically(Ir ir) {
  const auto n = static_cast<int32_t>(ir.nodes.size());
  std::vector<int32_t> waiting(ir.nodes.size(), 0);
  std::vector<std::vector<int32_t>> users(ir.nodes.size());
  for (int32_t i = 0; i < n; ++i) {
    const auto edge = [&](int32_t from) {
      users[from].push_back(i);
      ++waiting[i];
    };
    for (Out t : ir.nodes[i].inputs) edge(t.node);
    for (int32_t c : ir.nodes[i].control) edge(c);
  }
  // Creation order among the nodes that are ready; feeds (which have no inputs) first.
  const auto later = [&](int32_t a, int32_t b) {
    return std::pair(ir.nodes[a].origin, a) > std::pair(ir.nodes[b].origin, b);
  };
  std::priority_queue<int32_t, std::vector<int32_t>, decltype(later)> ready(later);
  for (int32_t i = 0; i < n; ++i)
    if (waiting[i] == 0) ready.push(i);
  std::vector<int32_t> position(ir.nodes.size(), -1);
  int32_t count = 0;
  while (!ready.empty()) {
    const int32_t i = ready.top();
    ready.pop();
    position[i] = count++;
    for (int32_t u : users[i])
      if (--waiting[u] == 0) ready.push(u);
  }
  if (count != n) fail(Code::kInternal, "the graph of this run has a cycle");
  return renumber(std::move(ir), position, count);
}

Ir compile(const Graph& graph, const Request& request, const PassOptions& options, VariableHomes& homes) {
  Ir ir = place(lower_references(prune(graph, request)), options, homes);
  ir = fold(std::move(ir), options.fold);
  if (options.cse) ir = cse(std::move(ir));
  if (options.fuse) {
    ir = fuse_conv2d(sink_reshapes(fuse_sparse_descent(join_products(std::move(ir)))));
    ir = pack_weights(fuse_matmul(fuse_batch_norm(std::move(ir))), request.lasting_feeds);
    ir = recompute(fuse(split_reductions(lower_bias(std::move(ir)))));
  }
  ir = order_accesses(copy_between_devices(std::move(ir)));
  return options.fuse ? group_updates(std::move(ir)) : ir;
}

}  // namespace tfmini
