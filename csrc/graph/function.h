// A sub-graph used as a value: the body of a cond, while_loop or function. Its inputs are the
// nodes of type _Arg, in order; outer tensors it uses are extra inputs ("captures").
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace tfmini {

struct Function {
  std::string name;
  std::shared_ptr<Graph> graph;
  std::vector<Out> inputs;  // outputs of _Arg nodes
  std::vector<Out> outputs;
  std::vector<int32_t> control_outputs;  // stateful nodes that run though no output needs them
};

}  // namespace tfmini
