#include "graph/constant_eval.h"

#include <algorithm>

#include "core/registry.h"

namespace tfmini {
namespace {

Tensor int_tensor(DType dtype, const Shape& shape, const int64_t* values) {
  Tensor t(dtype, shape);
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    if (dtype == DType::kInt32)
      t.data<int32_t>()[i] = static_cast<int32_t>(values[i]);
    else
      t.data<int64_t>()[i] = values[i];
  }
  return t;
}

// StridedSlice of a shape vector with constant bounds on its only axis.
Shape slice_of_shape(Graph& graph, const Node& node) {
  if (graph.shape(node.inputs[0]).rank() != 1) return Shape::unknown();
  const Shape whole = partial_shape(graph, node.inputs[0]);
  const Tensor* bounds[3];
  for (int i = 0; i < 3; ++i) {
    bounds[i] = graph.constant_value(node.inputs[i + 1]);
    if (!bounds[i] || bounds[i]->num_elements() != 1) return Shape::unknown();
  }
  const auto mask = [&](const char* name) { return node.attrs.integer(name); };
  if (!whole.known_rank() || mask("ellipsis_mask") || mask("new_axis_mask") || bounds[2]->int_at(0) != 1)
    return Shape::unknown();
  const int64_t n = whole.rank();
  const auto clamp = [n](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + n : i, 0, n); };
  const int64_t begin = mask("begin_mask") & 1 ? 0 : clamp(bounds[0]->int_at(0));
  if (mask("shrink_axis_mask") & 1) return begin < n ? Shape{whole[static_cast<int>(begin)]} : Shape::unknown();
  const int64_t end = mask("end_mask") & 1 ? n : clamp(bounds[1]->int_at(0));
  return begin <= end ? Shape(whole.data() + begin, static_cast<int>(end - begin)) : Shape{};
}

}  // namespace

Tensor shape_op_value(const OpDef& op, DType out_type, const Shape& input) {
  if ((op.name == "Shape" || op.name == "ShapeN") && input.fully_defined())
    return int_tensor(out_type, Shape{input.rank()}, input.data());
  if (op.name == "Size" && input.fully_defined()) {
    const int64_t n = input.num_elements();
    return int_tensor(out_type, Shape{}, &n);
  }
  if (op.name == "Rank" && input.known_rank()) {
    const int64_t n = input.rank();
    return int_tensor(DType::kInt32, Shape{}, &n);
  }
  return Tensor();
}

Tensor evaluate(Graph& graph, Out t) {
  const Node& node = graph.node(t.node);
  const OpDef& op = *node.op;
  // A run may feed something else than the default.
  if (node.inputs.empty() || op.stateful || op.name == "PlaceholderWithDefault") return Tensor();
  if (static_cast<size_t>(t.index) < node.inputs.size()) {
    Tensor value = shape_op_value(op, node.dtypes[t.index], graph.shape(node.inputs[t.index]));
    if (value.defined()) return value;
  }
  std::vector<Tensor> inputs;
  for (Out in : node.inputs) {
    const int64_t n = graph.shape(in).num_elements();
    if (n < 0 || n > kMaxFoldedElements) return Tensor();
    const Tensor* value = graph.constant_value(in);
    if (!value) return Tensor();
    inputs.push_back(*value);
  }
  if (op.alias) return graph.shape(t).fully_defined() ? inputs[0].reshaped(graph.shape(t)) : Tensor();
  if (!op.dynamic_output)
    for (const Shape& s : node.shapes)
      if (!s.fully_defined() || s.num_elements() > kMaxFoldedElements) return Tensor();
  const KernelFactory* factory = Registry::get().find_kernel(op, DeviceKind::kCPU, node.attrs);
  if (!factory) return Tensor();
  try {
    return call_kernel((*factory)(node.attrs), inputs, node.dtypes, node.shapes, op.dynamic_output)[t.index];
  } catch (const Error&) {
    return Tensor();  // reported, with the node's name, when the graph runs
  }
}

Shape partial_shape(Graph& graph, Out t) {
  const Shape& own = graph.shape(t);
  if (own.known_rank() && own.rank() == 0) {
    const Tensor* value = graph.constant_value(t);
    return value ? Shape{value->int_at(0)} : partial_shape_of_scalar(graph, t);
  }
  if (const Tensor* value = graph.constant_value(t)) return value->to_shape();
  check(!own.known_rank() || own.rank() == 1, "a shape must be a vector, got a tensor of shape ", own);
  const Node& node = graph.node(t.node);
  const std::string& op = node.op->name;
  if (op == "Shape" || op == "ShapeN") return graph.shape(node.inputs[t.index]);
  if (op == "Cast" || op == "Identity") return partial_shape(graph, node.inputs[0]);
  if (op == "Pack" || op == "ConcatV2") {
    Shape all;
    const size_t parts = node.inputs.size() - (op == "ConcatV2");
    for (size_t i = 0; i < parts; ++i) {
      const Shape part = partial_shape(graph, node.inputs[i]);
      if (!part.known_rank() || all.rank() + part.rank() > Shape::kMaxRank) return Shape::unknown();
      for (int64_t d : part) all.add_dim(d);
    }
    return all;
  }
  if (op == "StridedSlice") {
    const Shape s = slice_of_shape(graph, node);
    if (s.known_rank()) return s;
  }
  return own.known_rank() && own[0] >= 0 && own[0] <= Shape::kMaxRank ? Shape::unknown_of_rank(static_cast<int>(own[0]))
                                                                      : Shape::unknown();
}

Shape partial_shape_of_scalar(Graph& graph, Out t) {
  const Node& node = graph.node(t.node);
  if (node.op->name == "StridedSlice") {
    const Shape s = slice_of_shape(graph, node);
    if (s.known_rank() && s.rank() == 1) return s;
  }
  if (node.op->name == "Cast" || node.op->name == "Identity") return partial_shape(graph, node.inputs[0]);
  return Shape{Shape::kUnknownDim};
}

}  // namespace tfmini
