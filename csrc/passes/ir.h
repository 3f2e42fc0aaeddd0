// The graph of one run, between the program's graph and the plan. Each pass takes an Ir and
// returns another; compile() (pipeline.cc) chains them:
//
//   prune -> lower_references -> place -> fold -> cse -> join_products -> fuse_sparse_descent -> sink_reshapes
//   -> fuse_conv2d -> fuse_batch_norm -> fuse_matmul -> pack_weights -> lower_bias -> split_reductions -> fuse
//   -> recompute -> copy_between_devices -> order_accesses -> group_updates
//   -> (runtime/plan.cc)
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
  std::string device;          // as asked for
  uint8_t place = 0;           // where it runs: a Device::ordinal()
  bool once = false;           // in the body of a loop: runs in the first iteration, for all of them
  // Variable accesses: name of the variable per ref input (empty for other inputs); for a read, the
  // origins of the assignments it must see.
  std::vector<std::string> variables;
  std::vector<int32_t> after;

  bool is_constant(int output = 0) const { return !values.empty() && values[output].defined(); }
};

struct Ir {
  std::vector<IrNode> nodes;
  std::vector<Out> fetches;
  std::vector<int32_t> targets;        // run for their effect
  std::vector<int32_t> feeds;          // node per feed (op _Arg, no inputs); -1 if nothing uses it
  std::vector<uint8_t> fetch_devices;  // where each fetch is wanted

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
  // Device::ordinal() of each feed, and where each fetch is wanted (kAnywhere: where it is made). Empty: all on the
  // host.
  std::vector<uint8_t> feed_devices, fetch_devices;
  // Of the body of a loop: is this feed the same in all iterations? Empty: none is.
  std::vector<char> lasting_feeds;
  static constexpr uint8_t kAnywhere = 255;
};

// Switches, for debugging and tests (ConfigProto's graph_options).
struct PassOptions {
  bool fold = true;
  bool cse = true;
  bool fuse = true;
  // What /gpu:0, /gpu:1, ... are: Device::ordinal()s.
  std::vector<uint8_t> gpus;
  // Nodes placed on a device that cannot run them run elsewhere instead of failing.
  bool soft_placement = false;
  // Says on stderr where every node goes.
  bool log_placement = false;
  // Device work is recorded at a plan's second run and replayed from then on.
  bool record = true;
  // Waits for the device after every instruction, so that an error names the one at fault.
  bool synchronous = false;
};

class VariableHomes;  // passes/homes.h

// The part of the graph that the request needs, fed tensors cut off. Throws
// InvalidArgumentError for a placeholder that is neither fed nor has a value.
Ir prune(const Graph& graph, const Request& request);

// Decides where every node runs. Throws InvalidArgumentError for a request that cannot be met.
Ir place(Ir ir, const PassOptions& options, VariableHomes& homes);
// Values used on a device other than the one they are made on become steps of the plan: one copy per value and device.
Ir copy_between_devices(Ir ir);

// Reads of variables become _ReadVariable nodes that know which assignments they follow.
Ir lower_references(Ir ir);
// Adds the control edges that make every read see the right value: reads before the assignments
// they do not depend on, assignments in creation order; copies where no order can do that.
Ir order_accesses(Ir ir);

// Infers all shapes from the feeds and computes what does not depend on them. Drops nodes whose
// result is their input.
Ir fold(Ir ir, bool evaluate);
// Merges equal stateless nodes.
Ir cse(Ir ir);
// Turns sums of matrix products into products of joined matrices.
Ir join_products(Ir ir);
// Sparse steps of gradient descent scale their rows themselves.
Ir fuse_sparse_descent(Ir ir);
// Products that are reshaped before their bias and relu are reshaped afterwards.
Ir sink_reshapes(Ir ir);
// Convolutions with their biases, batch normalization and activation become _FusedConv2D nodes.
Ir fuse_conv2d(Ir ir);
// Batch normalization in training takes the sum and the relu that follow it, and its gradient takes relu's.
Ir fuse_batch_norm(Ir ir);
// Matrix products with a bias, a sum and relu become _FusedMatMul nodes.
Ir fuse_matmul(Ir ir);
// Matrices that many products share are packed once for all of them.
Ir pack_weights(Ir ir, const std::vector<char>& lasting_feeds);
// Biases and their gradients become sums.
Ir lower_bias(Ir ir);
// Reductions that no fused kernel can do become two, where it can then do the first.
Ir split_reductions(Ir ir);
// Fuses chains of elementwise nodes into _FusedElementwise nodes.
Ir fuse(Ir ir);
// Values that cost little are computed by the fused nodes that read them, and not stored.
Ir recompute(Ir ir);
// Optimizer updates that wait for nothing of each other become one node.
Ir group_updates(Ir ir);

// All of the above.
Ir compile(const Graph& graph, const Request& request, const PassOptions& options, VariableHomes& homes);

// Helpers of the passes.
// How often each node is used: by inputs, control edges, fetches and targets.
std::vector<int32_t> count_uses(const Ir& ir);
// Are they equal, but for annotations?
bool same_attrs(const Attrs& a, const Attrs& b);
// Is it computed in the run, and does it wait for its inputs only?
bool is_plain(const IrNode& n);
// Has a node with a data_format, if it has one, its channels last?
bool channels_last(const IrNode& n);
// A constant for the sake of node n, whose name and place in the order of creation it takes.
IrNode constant_for(const IrNode& n, const std::string& suffix, Tensor value);
// For each input of a node, which of the op's declared inputs it belongs to.
std::vector<int32_t> declared_inputs(const IrNode& n);
// Can this op, with these attributes, run where node n does?
bool has_kernel(const OpDef& op, const Attrs& attrs, const IrNode& n);
bool is_control_flow(const OpDef& op);
// Where an output is made: a device kernel's outputs are on its device; lists are on the host, whatever their elements
// are on, and control flow leaves small integers there.
uint8_t location(const IrNode& n, int32_t output);
// Where node n needs its input k: a Device::ordinal(), or kAnywhere.
uint8_t wanted_location(const Ir& ir, const IrNode& n, size_t k, int32_t declared);
// Removes nodes that neither a fetch, a target nor a stateful node needs; renumbers.
Ir remove_dead(Ir ir);
// Restores topological order (ties by origin); throws InternalError on a cycle.
Ir sort_topologically(Ir ir);

}  // namespace tfmini
