// The graph a program builds: nodes in creation order, never removed. Knows op definitions and
// shapes, not kernels. One Graph per tf.Graph, and one per body of a cond, while_loop or function.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/op.h"

namespace tfmini {

// Output `index` of node `node`.
struct Out {
  int32_t node = -1;
  int32_t index = 0;
  bool operator==(const Out& o) const { return node == o.node && index == o.index; }
};

struct Node {
  int32_t id = -1;
  std::string name;
  const OpDef* op = nullptr;
  std::vector<Out> inputs;
  std::vector<int32_t> control_inputs;
  Attrs attrs;
  std::string device;
  std::vector<DType> dtypes;  // of the outputs
  std::vector<Shape> shapes;  // as far as known while building
  std::vector<bool> refs;     // outputs that name a variable
};

class Graph {
 public:
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Adds a node. `inputs` are grouped as the OpDef declares them: one list per declared input.
  // Attributes that follow from the inputs (T, N, ...) are filled in, defaults too. Runs the shape
  // rule; throws InvalidArgumentError and leaves the graph as it was if anything is wrong.
  Node& add(std::string_view op, std::string name, const std::vector<std::vector<Out>>& inputs,
            std::vector<int32_t> control_inputs, Attrs attrs, std::string device);

  // Replaces a node's inputs and attributes in place; it may gain outputs, never lose any. Used when
  // a gradient needs a loop to keep more of its intermediate values.
  Node& rewrite(int32_t id, const std::vector<std::vector<Out>>& inputs, Attrs attrs);

  Node& node(int32_t id) { return nodes_[id]; }
  const Node& node(int32_t id) const { return nodes_[id]; }
  int32_t size() const { return static_cast<int32_t>(nodes_.size()); }
  // nullptr if there is none.
  const Node* find(std::string_view name) const;

  const Shape& shape(Out t) const { return nodes_[t.node].shapes[t.index]; }
  DType dtype(Out t) const { return nodes_[t.node].dtypes[t.index]; }
  // Makes a tensor's known shape more specific (tf.Tensor.set_shape).
  void refine_shape(Out t, const Shape& shape);
  // The value of a tensor, if it is a constant or follows from known shapes; nullptr otherwise.
  const Tensor* constant_value(Out t);
  // An integer vector read as a partially known shape; see InferContext::constant_as_shape.
  Shape constant_as_shape(Out t);

 private:
  void resolve(Node& node, const std::vector<std::vector<Out>>& inputs);
  std::deque<Node> nodes_;                                 // a deque: references stay valid while nodes are added
  std::unordered_map<std::string_view, int32_t> by_name_;  // keys point into the nodes
  std::unordered_map<int64_t, Tensor> known_values_;       // of shape ops, computed on demand
};

// Fills type and number attributes from the inputs' dtypes, checks all attributes against the
// OpDef, adds defaults, and returns the output dtypes.
std::vector<DType> resolve_attrs(const OpDef& op, const std::vector<std::vector<DType>>& input_dtypes, Attrs& attrs);

}  // namespace tfmini
