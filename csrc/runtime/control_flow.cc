#include "runtime/control_flow.h"

#include "core/interrupt.h"
#include "graph/function.h"
#include "runtime/executor.h"
#include "runtime/session.h"

namespace tfmini {
namespace {

Request request_for(const Function& f, const std::vector<Shape>& shapes) {
  Request r;
  r.fetches = f.outputs;
  r.targets = f.control_outputs;
  r.feeds = f.inputs;
  r.feed_shapes = shapes;
  return r;
}

std::vector<Shape> input_shapes(const IrNode& node, const Ir& ir, size_t first) {
  std::vector<Shape> shapes;
  for (size_t i = first; i < node.inputs.size(); ++i) shapes.push_back(ir.shape(node.inputs[i]));
  return shapes;
}

const Function& function(const IrNode& node, const char* attr) {
  return *node.attrs->get<std::shared_ptr<Function>>(attr);
}

void bind_feeds(RunScope& scope, const Plan& plan, std::vector<Tensor>& values) {
  for (size_t i = 0; i < values.size(); ++i)
    if (plan.feeds()[i] >= 0) scope.slot(plan.feeds()[i]) = values[i];
}

// Results leave the inner run: memory borrowed from an arena or a feed is copied.
Tensor keep(const Tensor& t) { return t.buffer() || !t.defined() ? t : t.clone(); }

std::vector<Tensor> run_once(const Plan& plan, std::vector<Tensor> inputs) {
  RunScope scope(plan);
  bind_feeds(scope, plan, inputs);
  inputs.clear();  // the slots are now the only owners: lists can grow in place
  Executor::run(plan, scope.state());
  std::vector<Tensor> out;
  for (int32_t s : plan.fetches()) out.push_back(keep(scope.slot(s)));
  return out;
}

bool truth(const Tensor& t) {
  check(t.num_elements() == 1 || t.dtype() == DType::kBool, "a condition must be a scalar, got shape ", t.shape());
  check(t.rank() == 0, "a condition must be a scalar, got shape ", t.shape());
  switch (t.dtype()) {
    case DType::kBool:
      return *t.data<bool>();
    case DType::kFloat:
      return *t.data<float>() != 0;
    case DType::kDouble:
      return *t.data<double>() != 0;
    case DType::kString:
      return !t.data<std::string>()->empty();
    default:
      return t.int_at(0) != 0;
  }
}

class IfKernel {
 public:
  IfKernel(Session& session, const IrNode& node, const Ir& ir, const PassOptions& options) {
    const auto shapes = input_shapes(node, ir, 1);
    for (const char* branch : {"else_branch", "then_branch"}) {
      const Function& f = function(node, branch);
      plans_.push_back(std::make_unique<Plan>(session, *f.graph, request_for(f, shapes), options));
    }
  }
  void operator()(KernelContext& c) const {
    std::vector<Tensor> inputs;
    const bool condition = truth(c.input(0));
    for (int i = 1; i < c.num_inputs(); ++i) inputs.push_back(c.input(i));
    auto outputs = run_once(*plans_[condition], std::move(inputs));
    for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, std::move(outputs[i]));
  }

 private:
  std::vector<std::unique_ptr<Plan>> plans_;
};

class WhileKernel {
 public:
  WhileKernel(Session& session, const IrNode& node, const Ir& ir, const PassOptions& options) {
    const Function& body = function(node, "body");
    const Function& cond = function(node, "cond");
    auto shapes = input_shapes(node, ir, 0);
    // Shapes that an iteration changes are unknown from the start; one look usually settles it.
    for (;;) {
      body_ = std::make_unique<Plan>(session, *body.graph, request_for(body, shapes), options);
      bool stable = true;
      for (size_t i = 0; i < shapes.size(); ++i) {
        const Shape next = common_shape(shapes[i], body_->fetch_shapes()[i]);
        if (next == shapes[i]) continue;
        stable = false;
        shapes[i] = next;
      }
      if (stable) break;
    }
    cond_ = std::make_unique<Plan>(session, *cond.graph, request_for(cond, shapes), options);
    limit_ = node.attrs->integer("maximum_iterations");
  }

  void operator()(KernelContext& c) const {
    std::vector<Tensor> vars;
    for (int i = 0; i < c.num_inputs(); ++i) vars.push_back(c.take_or_share(i));
    {
      RunScope cond(*cond_), body(*body_);
      for (int64_t iteration = 0; limit_ < 0 || iteration < limit_; ++iteration) {
        if ((iteration & 15) == 15) throw_if_interrupted();
        bind_feeds(cond, *cond_, vars);
        Executor::run(*cond_, cond.state());
        const bool go_on = truth(cond.slot(cond_->fetches()[0]));
        for (int32_t s : cond_->transient()) cond.slot(s) = Tensor();
        if (!go_on) break;
        for (size_t i = 0; i < vars.size(); ++i) {
          const int32_t s = body_->feeds()[i];
          if (s >= 0) body.slot(s) = std::move(vars[i]);
        }
        Executor::run(*body_, body.state());
        for (size_t i = 0; i < vars.size(); ++i) vars[i] = keep(body.slot(body_->fetches()[i]));
        for (int32_t s : body_->transient()) body.slot(s) = Tensor();
      }
    }
    for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, keep(vars[i]));
  }

 private:
  static Shape common_shape(const Shape& a, const Shape& b) {
    if (!a.known_rank() || !b.known_rank() || a.rank() != b.rank()) return Shape::unknown();
    Shape s = a;
    for (int i = 0; i < a.rank(); ++i)
      if (a[i] != b[i]) s.set_dim(i, Shape::kUnknownDim);
    return s;
  }

  std::unique_ptr<Plan> cond_, body_;
  int64_t limit_;
};

template <class K>
Kernel make(Session& session, const IrNode& node, const Ir& ir, const PassOptions& options) {
  return Kernel{[](const void* k, KernelContext& c) { (*static_cast<const K*>(k))(c); },
                std::make_shared<const K>(session, node, ir, options)};
}

}  // namespace

bool is_control_flow(const OpDef& op) { return op.name == "If" || op.name == "While"; }

Kernel control_flow_kernel(Session& session, const IrNode& node, const Ir& ir, const PassOptions& options) {
  return node.op->name == "If" ? make<IfKernel>(session, node, ir, options)
                               : make<WhileKernel>(session, node, ir, options);
}

}  // namespace tfmini
