// A formula of ops, planned and run as a session does it, without Python:
//
//   auto f = std::make_shared<Formula>();
//   const Out x = f->normal({4096, 1024});
//   const Out y = f->op("Tanh", {x});
//   return f->computes({y});
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "harness.h"
#include "runtime/session.h"

namespace tfmini::bench {

class Formula : public std::enable_shared_from_this<Formula> {
 public:
  // A fed tensor of distinct values between -3 and 3.
  Out normal(const Shape& shape) {
    Tensor t(DType::kFloat, shape);
    float* x = t.data<float>();
    uint32_t state = 12345;
    for (int64_t i = 0; i < t.num_elements(); ++i) {
      state = state * 1664525u + 1013904223u;
      x[i] = 6.0f * static_cast<float>(state >> 8) * 0x1p-24f - 3.0f;
    }
    return feed(std::move(t));
  }
  Out feed(Tensor value) {
    Attrs attrs;
    attrs.set("dtype", value.dtype());
    attrs.set("shape", value.shape());
    const Out out = op("Placeholder", {}, std::move(attrs));
    request_.feeds.push_back(out);
    request_.feed_shapes.push_back(value.shape());
    values_.push_back(std::move(value));
    return out;
  }
  Out constant(Tensor value) {
    Attrs attrs;
    attrs.set("dtype", value.dtype());
    attrs.set("value", std::move(value));
    return op("Const", {}, std::move(attrs));
  }
  Out scalar(float value) { return constant(Tensor::scalar(value)); }
  Out ints(const std::vector<int32_t>& values) { return constant(Tensor::vector(values)); }

  Out op(std::string_view name, const std::vector<Out>& inputs, Attrs attrs = {}) {
    std::vector<std::vector<Out>> lists;
    for (Out t : inputs) lists.push_back({t});
    return {graph_->add(name, "n" + std::to_string(graph_->size()), lists, {}, std::move(attrs), "").id, 0};
  }

  // What computes these, and leaves them where they are.
  Suite::Call computes(const std::vector<Out>& outputs) {
    for (Out t : outputs) request_.targets.push_back(t.node);
    const auto plan = session_.plan(request_);
    return [self = shared_from_this(), plan] { self->session_.run(*plan, self->values_); };
  }

 private:
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  Session session_{graph_, {}};
  Request request_;
  std::vector<Tensor> values_;
};

}  // namespace tfmini::bench
