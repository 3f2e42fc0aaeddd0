#include "graph/graph.h"

#include "core/registry.h"
#include "graph/constant_eval.h"

namespace tfmini {
namespace {

// Shape inference while the graph is built: inputs come from the graph itself.
class BuildContext final : public InferContext {
 public:
  BuildContext(Graph& graph, const Node& node) : graph_(graph), node_(node) {
    def_ = node.op;
    attrs_ = &node.attrs;
    for (Out t : node.inputs) {
      inputs_.push_back(graph.shape(t));
      input_dtypes_.push_back(graph.dtype(t));
    }
    outputs_.assign(node.dtypes.size(), Shape::unknown());
  }
  const Tensor* constant(int i) override { return graph_.constant_value(node_.inputs[i]); }
  Shape constant_as_shape(int i) override { return graph_.constant_as_shape(node_.inputs[i]); }
  std::vector<Shape>& outputs() { return outputs_; }

 private:
  Graph& graph_;
  const Node& node_;
};

void append_refs(const OpDef& op, const Attrs& attrs, std::vector<bool>& refs) {
  for (const ArgDef& arg : op.outputs) {
    size_t n = 1;
    if (!arg.number_attr.empty()) n = static_cast<size_t>(attrs.integer(arg.number_attr));
    if (!arg.type_list_attr.empty()) n = attrs.get<std::vector<DType>>(arg.type_list_attr).size();
    refs.insert(refs.end(), n, arg.is_ref);
  }
}

}  // namespace

void Graph::resolve(Node& node, const std::vector<std::vector<Out>>& inputs) {
  std::vector<std::vector<DType>> types;
  node.inputs.clear();
  for (size_t i = 0; i < inputs.size(); ++i) {
    types.emplace_back();
    for (Out t : inputs[i]) {
      types.back().push_back(dtype(t));
      node.inputs.push_back(t);
      if (i < node.op->inputs.size() && node.op->inputs[i].is_ref && !nodes_[t.node].refs[t.index])
        throw TypeMismatch(detail::concat("input '", node.op->inputs[i].name, "' of ", node.op->name,
                                          " must be a variable, got the value '", nodes_[t.node].name, ":", t.index,
                                          "'"));
    }
  }
  node.dtypes = resolve_attrs(*node.op, types, node.attrs);
  node.refs.clear();
  append_refs(*node.op, node.attrs, node.refs);
  BuildContext context(*this, node);
  context.infer();
  node.shapes = std::move(context.outputs());
}

Node& Graph::add(std::string_view op, std::string name, const std::vector<std::vector<Out>>& inputs,
                 std::vector<int32_t> control_inputs, Attrs attrs, std::string device) {
  Node node;
  node.id = size();
  node.name = std::move(name);
  node.op = &Registry::get().find(op);
  node.control_inputs = std::move(control_inputs);
  node.attrs = std::move(attrs);
  node.device = std::move(device);
  if (by_name_.count(node.name)) fail(Code::kAlreadyExists, "node name '", node.name, "' is already in use");
  resolve(node, inputs);
  nodes_.push_back(std::move(node));
  by_name_.emplace(nodes_.back().name, nodes_.back().id);
  return nodes_.back();
}

Node& Graph::rewrite(int32_t id, const std::vector<std::vector<Out>>& inputs, Attrs attrs) {
  Node node = nodes_[id];
  const size_t outputs = node.dtypes.size();
  node.attrs = std::move(attrs);
  resolve(node, inputs);
  if (node.dtypes.size() < outputs) fail(Code::kInternal, "a rewritten node must keep its outputs");
  nodes_[id].inputs = std::move(node.inputs);
  nodes_[id].attrs = std::move(node.attrs);
  nodes_[id].dtypes = std::move(node.dtypes);
  nodes_[id].shapes = std::move(node.shapes);
  nodes_[id].refs = std::move(node.refs);
  return nodes_[id];
}

const Node* Graph::find(std::string_view name) const {
  auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &nodes_[it->second];
}

void Graph::refine_shape(Out t, const Shape& shape) {
  Shape& s = nodes_[t.node].shapes[t.index];
  s = merge(s, shape);
}

const Tensor* Graph::constant_value(Out t) {
  const Node& node = nodes_[t.node];
  if (node.op->name == "Const") return &node.attrs.get<Tensor>("value");
  const int64_t key = int64_t{t.node} << 32 | t.index;
  if (auto it = known_values_.find(key); it != known_values_.end()) return &it->second;
  Tensor value = evaluate(*this, t);
  return value.defined() ? &known_values_.emplace(key, std::move(value)).first->second : nullptr;
}

Shape Graph::constant_as_shape(Out t) { return partial_shape(*this, t); }

}  // namespace tfmini
