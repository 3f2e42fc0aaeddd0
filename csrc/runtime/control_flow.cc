#include "runtime/control_flow.h"

#include <algorithm>
#include <cstring>

#include "core/interrupt.h"
#include "graph/function.h"
#include "runtime/executor.h"
#include "runtime/session.h"

namespace tfmini {
namespace {

// Values cross a function's border where the node has them: see wanted_location() and location().
Request request_for(const Function& f, const std::vector<Shape>& shapes, const std::vector<uint8_t>& feed_devices,
                    const std::vector<uint8_t>& fetch_devices) {
  Request r;
  r.fetches = f.outputs;
  r.targets = f.control_outputs;
  r.feeds = f.inputs;
  r.feed_shapes = shapes;
  r.feed_devices = feed_devices;
  r.fetch_devices = fetch_devices;
  return r;
}

std::vector<uint8_t> input_devices(const IrNode& node, const Ir& ir, size_t first) {
  std::vector<uint8_t> devices;
  const std::vector<int32_t> declared = declared_inputs(node);
  for (size_t i = first; i < node.inputs.size(); ++i) devices.push_back(wanted_location(ir, node, i, declared[i]));
  return devices;
}

std::vector<uint8_t> output_devices(const IrNode& node) {
  std::vector<uint8_t> devices;
  for (size_t i = 0; i < node.dtypes.size(); ++i) devices.push_back(location(node, static_cast<int32_t>(i)));
  return devices;
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

std::vector<Tensor> run_once(const Plan& plan, std::vector<Tensor> inputs) {
  RunScope scope(plan);
  bind_feeds(scope, plan, inputs);
  inputs.clear();  // the slots are now the only owners: lists can grow in place
  Executor::run(plan, scope.state());
  std::vector<Tensor> out;
  for (int32_t s : plan.fetches()) out.push_back(scope.slot(s).owned());
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
  IfKernel(Session& session, const IrNode& node, const Ir& ir, const PassOptions& options,
           std::vector<InnerPlan>& inner) {
    const auto shapes = input_shapes(node, ir, 1);
    const auto inputs = input_devices(node, ir, 1), outputs = output_devices(node);
    for (const char* branch : {"else_branch", "then_branch"}) {
      const Function& f = function(node, branch);
      plans_.push_back(std::make_unique<Plan>(session, *f.graph, request_for(f, shapes, inputs, outputs), options));
      inner.push_back({0, branch, plans_.back().get()});
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

// Variables that are small stay at one place, where both plans find them as feeds, and the body's
// results are copied there. Those that an iteration passes on unchanged stay in the body's feed. All
// others are handed from the body's results to its feeds, so that lists can grow in place.
class WhileKernel {
 public:
  WhileKernel(Session& session, const IrNode& node, const Ir& ir, const PassOptions& options,
              std::vector<InnerPlan>& inner) {
    const Function& body = function(node, "body");
    const Function& cond = function(node, "cond");
    auto shapes = input_shapes(node, ir, 0);
    const auto devices = output_devices(node);
    // Shapes that an iteration changes are unknown from the start; one look usually settles it.
    for (;;) {
      Request request = request_for(body, shapes, devices, devices);
      for (size_t i = 0; i < shapes.size(); ++i) request.lasting_feeds.push_back(body.inputs[i] == body.outputs[i]);
      body_ = std::make_unique<Plan>(session, *body.graph, request, options);
      bool stable = true;
      for (size_t i = 0; i < shapes.size(); ++i) {
        const Shape next = common_shape(shapes[i], body_->fetch_shapes()[i]);
        if (next == shapes[i]) continue;
        stable = false;
        shapes[i] = next;
      }
      if (stable) break;
    }
    cond_ = std::make_unique<Plan>(session, *cond.graph, request_for(cond, shapes, devices, {}), options);
    inner.push_back({0, "cond", cond_.get()});
    inner.push_back({0, "body", body_.get()});
    empty_ = body_->remaining();
    for (size_t i = 0; i < shapes.size(); ++i) {
      const int32_t feed = body_->feeds()[i];
      if (devices[i] == 0 && is_small(ir.dtype(node.inputs[i]), shapes[i]))
        small_.push_back(i);
      else if (feed >= 0 && feed == body_->fetches()[i])
        unchanged_.push_back(i);
      else
        continue;
      std::erase(empty_, feed);
    }
    for (size_t i = 0; i < shapes.size(); ++i) {
      const bool stays = std::binary_search(small_.begin(), small_.end(), i);
      if (!stays && !std::binary_search(unchanged_.begin(), unchanged_.end(), i)) handed_on_.push_back(i);
      if (!stays && cond_->feeds()[i] >= 0) asked_.push_back(i);
    }
  }

  void operator()(KernelContext& c) const {
    std::vector<Tensor> vars;
    for (int i = 0; i < c.num_inputs(); ++i) vars.push_back(c.take_or_share(i));
    for (size_t i : small_) vars[i] = vars[i].clone();
    {
      RunScope cond(*cond_), body(*body_);
      for (size_t i : small_) {
        bind(cond, *cond_, i, borrowed(vars[i]));
        bind(body, *body_, i, borrowed(vars[i]));
      }
      for (size_t i : unchanged_) bind(body, *body_, i, vars[i]);
      std::vector<char> copies(small_.size() * kSmallBytes);
      for (int64_t iteration = 0;; ++iteration) {
        if ((iteration & 15) == 15) throw_if_interrupted();
        for (size_t i : asked_) bind(cond, *cond_, i, vars[i]);
        Executor::run(*cond_, cond.state());
        if (!truth(cond.slot(cond_->fetches()[0]))) break;
        for (size_t i : handed_on_) bind(body, *body_, i, std::move(vars[i]));
        Executor::run(*body_, body.state(), iteration == 0 ? 0 : body_->once());
        take_results(body, vars, copies.data());
      }
    }
    for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, vars[i].owned());
  }

 private:
  static Shape common_shape(const Shape& a, const Shape& b) {
    if (!a.known_rank() || !b.known_rank() || a.rank() != b.rank()) return Shape::unknown();
    Shape s = a;
    for (int i = 0; i < a.rank(); ++i)
      if (a[i] != b[i]) s.set_dim(i, Shape::kUnknownDim);
    return s;
  }

  static void bind(RunScope& scope, const Plan& plan, size_t feed, Tensor value) {
    if (plan.feeds()[feed] >= 0) scope.slot(plan.feeds()[feed]) = std::move(value);
  }

  // Without a reference: a kernel that keeps a small variable copies it, as its memory will be written to.
  static Tensor borrowed(Tensor& t) { return Tensor(t.dtype(), t.shape(), BufferRef(), t.raw()); }

  // One variable's next value may be another's present one: all small ones are read before one is written.
  void take_results(RunScope& body, std::vector<Tensor>& vars, char* copies) const {
    const auto& results = body_->fetches();
    for (size_t k = 0; k < small_.size(); ++k)
      std::memcpy(copies + k * kSmallBytes, body.slot(results[small_[k]]).raw(), vars[small_[k]].bytes());
    for (size_t i : handed_on_) vars[i] = body.slot(results[i]).owned();
    for (int32_t s : empty_) body.slot(s) = Tensor();
    for (size_t k = 0; k < small_.size(); ++k)
      std::memcpy(vars[small_[k]].raw(), copies + k * kSmallBytes, vars[small_[k]].bytes());
  }

  std::unique_ptr<Plan> cond_, body_;
  // Each variable is one of these; the condition sees the small ones and those it is `asked_` about.
  std::vector<size_t> small_, unchanged_, handed_on_;
  std::vector<size_t> asked_;
  std::vector<int32_t> empty_;  // slots of the body to clear after an iteration
};

template <class K>
Kernel make(Session& session, const IrNode& node, const Ir& ir, const PassOptions& options,
            std::vector<InnerPlan>& inner) {
  return Kernel{[](const void* k, KernelContext& c) { (*static_cast<const K*>(k))(c); },
                std::make_shared<const K>(session, node, ir, options, inner)};
}

}  // namespace

Kernel control_flow_kernel(Session& session, const IrNode& node, const Ir& ir, const PassOptions& options,
                           std::vector<InnerPlan>& inner) {
  return node.op->name == "If" ? make<IfKernel>(session, node, ir, options, inner)
                               : make<WhileKernel>(session, node, ir, options, inner);
}

}  // namespace tfmini
