// The graph of one run, between the program's graph and the plan. Each pass takes an Ir and
// returns another; compile() (pipeline.cc) chains them:
//
//   prune -> place -> lower_references -> fold -> cse -> join_products -> fuse_conv2d -> fuse_matmul
//   -> split_reductions -> fuse -> order_accesses -> group_updates -> (runtime/plan.cc)
//
// Nodes are in topological order throughout (data and control edges point backwards).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/op.h"
#include "graph/graph.h"

namespace tfmini {

struct IrNode {
  const OpDef* op = nullptr;
  std::shared_ptr<const Attrs> attrs;
  std::string name;              // the graph node's, for messages
  int32_t origin = -1;           // its id: creation order
  std::vector<Out> inputs;       // Out::node indexes Ir::nodes
  std::vector<int32_t> control;  // nodes that must run before
  std::vector<DType> dtypes;
  std::vector<Shape> shapes;
  std::vector<Tensor> values;  // outputs known already; empty, or one entry per output
  std::string device;
  // Variable accesses: name of the variable per ref input (empty for other inputs); for a read, the
  // origins of the assignments it must see.
  std::vector<std::string> variables;
  std::vector<int32_t> after;

  bool is_constant(int output = 0) const { return !values.empty() && values[output].defined(); }
};

struct Ir {
  std::vector<IrNode> nodes;
  std::vector<Out> fetches;
  std::vector<int32_t> targets;  // run for their effect
  std::vector<int32_t> feeds;    // node per feed (op _Arg, no inputs); -1 if nothing uses it

  const Shape& shape(Out t) const { return nodes[t.node].shapes[t.index]; }
  DType dtype(Out t) const { return nodes[t.node].dtypes[t.index]; }
  const Tensor* value(Out t) const {
    const IrNode& n = nodes[t.node];
    return n.is_constant(t.index) ? &n.values[t.index] : nullptr;
  }
};

// What to run: tensors to fetch, nodes to run, tensors that are fed (with the fed shapes).
struct Request {
  std::vector<Out> fetches;
  std::vector<int32_t> targets;
  std::vector<Out> feeds;
  std::vector<Shape> feed_shapes;
};

// Switches, for debugging and tests (ConfigProto's graph_options).
struct PassOptions {
  bool fold = true;
  bool cse = true;
  bool fuse = true;
  // Nodes placed on a device that cannot run them run on the CPU instead of failing.
  bool soft_placement = false;
};

// The part of the graph that the request needs, fed tensors cut off. Throws
// InvalidArgumentError for a placeholder that is neither fed nor has a value.
Ir prune(const Graph& graph, const Request& request);

// Checks that every node can run on the device it was placed on.
Ir place(Ir ir, bool soft_placement);

// Reads of variables become _ReadVariable nodes that know which assignments they follow.
Ir lower_references(Ir ir);
// Adds the control edges that make every read see the right value: reads before the assignments
// they do not depend on, assignments in creation order; copies where no order can do that.
Ir order_accesses(Ir ir);

// Infers all shapes from the feeds and computes what does not depend on them. Drops no-op aliases.
Ir fold(Ir ir, bool evaluate);
// Merges equal stateless nodes.
Ir cse(Ir ir);
// Turns sums of matrix products into products of joined matrices.
Ir join_products(Ir ir);
// Convolutions with their biases, batch normalization and activation become _FusedConv2D nodes.
Ir fuse_conv2d(Ir ir);
// Matrix products with a bias and relu become _FusedMatMul nodes.
Ir fuse_matmul(Ir ir);
// Reductions that no fused kernel can do become two, where it can then do the first.
Ir split_reductions(Ir ir);
// Fuses chains of elementwise nodes into _FusedElementwise nodes.
Ir fuse(Ir ir);
// Optimizer updates that wait for nothing of each other become one node.
Ir group_updates(Ir ir);

// All of the above.
Ir compile(const Graph& graph, const Request& request, const PassOptions& options);

// Helpers of the passes.
// Are they equal, but for annotations?
bool same_attrs(const Attrs& a, const Attrs& b);
// Removes nodes that neither a fetch, a target nor a stateful node needs; renumbers.
Ir remove_dead(Ir ir);
// Restores topological order (ties by origin); throws InternalError on a cycle.
Ir sort_topologically(Ir ir);

}  // namespace tfmini
