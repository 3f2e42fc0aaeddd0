#include <algorithm>
#include <map>
#include <unordered_map>

#include "core/registry.h"
#include "passes/ir.h"

namespace tfmini {
namespace {

// A fed tensor: an _Arg node in place of whatever would compute it.
IrNode feed_node(const Graph& graph, Out t, const Shape& shape) {
  static const OpDef& arg = Registry::get().find("_Arg");
  const Node& node = graph.node(t.node);
  IrNode n;
  n.op = &arg;
  n.name = node.name;
  n.origin = node.id;
  n.dtypes = {node.dtypes[t.index]};
  n.shapes = {shape};
  auto attrs = std::make_shared<Attrs>();
  attrs->set("T", n.dtypes[0]);
  n.attrs = std::move(attrs);
  return n;
}

IrNode copy_node(const Node& node) {
  IrNode n;
  n.op = node.op;
  n.attrs = std::make_shared<const Attrs>(node.attrs);
  n.name = node.name;
  n.origin = node.id;
  n.dtypes = node.dtypes;
  n.shapes = node.shapes;
  n.device = node.device;
  if (node.op->name == "Const") n.values = {node.attrs.get<Tensor>("value")};
  return n;
}

[[noreturn]] void unfed(const Node& node) {
  Error e(Code::kInvalidArgument,
          detail::concat("You must feed a value for placeholder tensor '", node.name, "' with dtype ",
                         dtype_name(node.dtypes[0]), " and shape ", node.shapes[0], ": pass it in feed_dict"));
  e.set_node(node.name);
  throw e;
}

}  // namespace

Ir prune(const Graph& graph, const Request& request) {
  Ir ir;
  std::map<std::pair<int32_t, int32_t>, int32_t> fed;  // fed tensor -> Ir node
  for (size_t i = 0; i < request.feeds.size(); ++i) {
    const Out t = request.feeds[i];
    fed[{t.node, t.index}] = static_cast<int32_t>(ir.nodes.size());
    ir.feeds.push_back(static_cast<int32_t>(ir.nodes.size()));
    ir.nodes.push_back(feed_node(graph, t, request.feed_shapes[i]));
    if (!request.feed_devices.empty()) ir.nodes.back().place = request.feed_devices[i];
  }
  ir.fetch_devices = request.fetch_devices;
  ir.fetch_devices.resize(request.fetches.size(), 0);
  // Depth-first, inputs before users, lower ids first: with an explicit stack, since graphs are
  // deeper than call stacks.
  std::unordered_map<int32_t, int32_t> done;  // graph node -> Ir node
  enum : int32_t { kOpen = -2 };
  std::vector<int32_t> stack;
  const auto is_fed = [&](Out t) { return fed.count({t.node, t.index}) != 0; };
  // Whoever waits for a placeholder waits for its value.
  const auto has_run = [&](int32_t c) { return is_fed({c, 0}) && graph.node(c).op->name == "Placeholder"; };
  const auto visit = [&](int32_t root) {
    stack.push_back(root);
    while (!stack.empty()) {
      const int32_t id = stack.back();
      const Node& node = graph.node(id);
      auto [it, first] = done.emplace(id, kOpen);
      if (first) {
        for (size_t i = node.inputs.size(); i-- > 0;)
          if (!is_fed(node.inputs[i]) && !done.count(node.inputs[i].node)) stack.push_back(node.inputs[i].node);
        for (int32_t c : node.control_inputs)
          if (!has_run(c) && !done.count(c)) stack.push_back(c);
        if (stack.back() != id) continue;
      }
      stack.pop_back();
      if (it->second != kOpen) continue;
      // A node met again while still open has all its inputs done, unless there is a cycle.
      bool ready = true;
      for (Out in : node.inputs) {
        auto d = done.find(in.node);
        if (!is_fed(in) && (d == done.end() || d->second == kOpen)) ready = false;
      }
      for (int32_t c : node.control_inputs) {
        auto d = done.find(c);
        if (!has_run(c) && (d == done.end() || d->second == kOpen)) ready = false;
      }
      if (!ready) fail(Code::kInvalidArgument, "the graph has a cycle through '", node.name, "'");
      if (node.op->name == "Placeholder") unfed(node);
      IrNode n = copy_node(node);
      for (Out in : node.inputs) {
        const auto f = fed.find({in.node, in.index});
        n.inputs.push_back(f != fed.end() ? Out{f->second, 0} : Out{done[in.node], in.index});
      }
      for (int32_t c : node.control_inputs)
        if (!has_run(c)) n.control.push_back(done[c]);
      done[id] = static_cast<int32_t>(ir.nodes.size());
      ir.nodes.push_back(std::move(n));
    }
  };
  for (Out t : request.fetches) {
    const auto f = fed.find({t.node, t.index});
    if (f != fed.end()) {
      ir.fetches.push_back({f->second, 0});
      continue;
    }
    if (!done.count(t.node)) visit(t.node);
    ir.fetches.push_back({done[t.node], t.index});
  }
  for (int32_t t : request.targets) {
    // Running a placeholder whose value is fed is asking for nothing.
    if (fed.count({t, 0}) && graph.node(t).inputs.empty()) continue;
    if (!done.count(t)) visit(t);
    ir.targets.push_back(done[t]);
  }
  return sort_topologically(std::move(ir));
}

}  // namespace tfmini
