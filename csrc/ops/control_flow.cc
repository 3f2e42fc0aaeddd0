// If and While: declarations only. Their kernels own plans and live in runtime/control_flow.cc.
#include "core/registry.h"

namespace tfmini {
namespace {

void if_shape(InferContext& c) {
  const auto& shapes = c.attrs().get<std::vector<Shape>>("output_shapes");
  for (int i = 0; i < c.num_outputs(); ++i)
    c.set_output(i, i < static_cast<int>(shapes.size()) ? shapes[i] : Shape::unknown());
}

// A loop variable has its initial shape throughout, or the invariant in output_shapes where an
// iteration may change it.
void while_shape(InferContext& c) {
  const auto& shapes = c.attrs().get<std::vector<Shape>>("output_shapes");
  const auto& changes = c.attrs().get<std::vector<bool>>("_changes");
  for (int i = 0; i < c.num_outputs(); ++i) {
    const bool varies = i < static_cast<int>(changes.size()) && changes[i];
    c.set_output(i, varies ? shapes[i] : c.input(i));
  }
}

}  // namespace

void register_control_flow(Registry& r) {
  r.op("If")
      .input("cond: Tcond")
      .input("input: Tin")
      .output("output: Tout")
      .attr("Tcond: type")
      .attr("Tin: list(type)")
      .attr("Tout: list(type)")
      .attr("then_branch: func")
      .attr("else_branch: func")
      .attr("output_shapes: list(shape) = []")
      .shape(if_shape)
      .stateful()
      .dynamic_output();
  r.op("While")
      .input("input: T")
      .output("output: T")
      .attr("T: list(type)")
      .attr("cond: func")
      .attr("body: func")
      .attr("output_shapes: list(shape) = []")
      .attr("parallel_iterations: int = 10")
      .attr("_changes: list(bool) = []")
      .shape(while_shape)
      .stateful()
      .dynamic_output();
}

}  // namespace tfmini
