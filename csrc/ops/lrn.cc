// Local response normalization across channels and its gradient.
#include "ops/lrn.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/parallel.h"
#include "core/registry.h"
#include "core/widen.h"

namespace tfmini {
namespace {

void lrn_shape(InferContext& c) { c.set_output(0, c.with_rank(0, 4)); }

void grad_shape(InferContext& c) {
  c.set_output(0, merge(merge(c.with_rank(0, 4), c.with_rank(1, 4)), c.with_rank(2, 4)));
}

struct Params : LrnParams {
  using LrnParams::LrnParams;

  // sums[c] = sum of values[c - radius .. c + radius]. Each by itself: a running sum would carry a
  // NaN or infinity on to channels that do not see it.
  void window_sums(const double* values, int64_t n, double* sums) const {
    const int64_t r = std::min(radius, n);
    for (int64_t c = 0; c < n; ++c) {
      double sum = 0;
      for (int64_t i = std::max<int64_t>(0, c - r); i < std::min(n, c + r + 1); ++i) sum += values[i];
      sums[c] = sum;
    }
  }

  // out = norm ^ -beta. Roots do for the exponents that networks use.
  void powers(const double* norm, int64_t n, double* out) const {
    if (beta == 0.5) {
      for (int64_t c = 0; c < n; ++c) out[c] = 1 / std::sqrt(norm[c]);
    } else if (beta == 0.75) {
      for (int64_t c = 0; c < n; ++c) out[c] = 1 / std::sqrt(norm[c] * std::sqrt(norm[c]));
    } else {
      for (int64_t c = 0; c < n; ++c) out[c] = std::pow(norm[c], -beta);
    }
  }
};

// Buffers for one pixel's channels.
struct Scratch {
  std::vector<double> values, sums, norm, more;
  explicit Scratch(int64_t n) : values(n), sums(n), norm(n), more(n) {}
};

// norm[c] = bias + alpha * sum of squares around c.
template <class C>
void norms(const Params& p, const C* x, int64_t n, Scratch& s) {
  for (int64_t c = 0; c < n; ++c) s.values[c] = static_cast<double>(x[c]) * x[c];
  p.window_sums(s.values.data(), n, s.sums.data());
  for (int64_t c = 0; c < n; ++c) s.norm[c] = p.bias + p.alpha * s.sums[c];
}

template <class T>
struct LRN {
  Params params;
  explicit LRN(const Attrs& attrs) : params(attrs) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const int64_t n = c.input(0).dim(-1), rows = n == 0 ? 0 : c.input(0).num_elements() / n;
    const Widened<T> input(c.input(0));
    Narrowed<T> output(c.output(0));
    C* out = output.data();
    parallel_for(rows, grain_for_cost(20.0 * n), [&](int64_t begin, int64_t end) {
      Scratch s(n);
      for (int64_t r = begin; r < end; ++r) {
        const C* x = input.data() + r * n;
        norms(params, x, n, s);
        params.powers(s.norm.data(), n, s.more.data());
        for (int64_t i = 0; i < n; ++i) out[r * n + i] = static_cast<C>(x[i] * s.more[i]);
      }
    });
    output.store();
  }
};

// With y = x * norm^-beta:
// dx[j] = g[j] * norm[j]^-beta - 2 alpha beta x[j] * sum over c around j of g[c] y[c] / norm[c].
template <class T>
struct LRNGrad {
  Params params;
  explicit LRNGrad(const Attrs& attrs) : params(attrs) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const int64_t n = c.input(0).dim(-1), rows = n == 0 ? 0 : c.input(0).num_elements() / n;
    const Widened<T> grads(c.input(0)), input(c.input(1)), image(c.input(2));
    Narrowed<T> output(c.output(0));
    C* out = output.data();
    parallel_for(rows, grain_for_cost(25.0 * n), [&](int64_t begin, int64_t end) {
      Scratch s(n);
      for (int64_t r = begin; r < end; ++r) {
        const C *g = grads.data() + r * n, *x = input.data() + r * n, *y = image.data() + r * n;
        norms(params, x, n, s);
        for (int64_t i = 0; i < n; ++i) s.values[i] = static_cast<double>(g[i]) * y[i] / s.norm[i];
        params.window_sums(s.values.data(), n, s.more.data());
        params.powers(s.norm.data(), n, s.values.data());
        const double factor = 2 * params.alpha * params.beta;
        for (int64_t i = 0; i < n; ++i) out[r * n + i] = static_cast<C>(g[i] * s.values[i] - factor * x[i] * s.more[i]);
      }
    });
    output.store();
  }
};

void lrn_attrs(OpBuilder& op) {
  op.attr("depth_radius: int = 5").attr("bias: float = 1.0").attr("alpha: float = 1.0").attr("beta: float = 0.5");
  op.attr("T: {half, bfloat16, float, double} = float");
}

}  // namespace

void register_lrn(Registry& r) {
  OpBuilder forward = r.op("LRN");
  lrn_attrs(forward.input("input: T").output("output: T").shape(lrn_shape).in_place(0));
  r.kernels<LRN>("LRN", DeviceKind::kCPU, FloatTypes{});
  OpBuilder grad = r.op("LRNGrad");
  lrn_attrs(grad.input("input_grads: T")
                .input("input_image: T")
                .input("output_image: T")
                .output("output: T")
                .shape(grad_shape));
  r.kernels<LRNGrad>("LRNGrad", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace tfmini
