// RandomGamma and RandomPoissonV2. Each output has its own stretch of the stream, so that rejections
// do not shift the others. All is computed in double.
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "core/registry.h"
#include "ops/random.h"

namespace tfmini {
namespace {

// shape + parameter.shape
void samples_shape(InferContext& c) {
  c.with_rank(0, 1);
  Shape out = c.constant_as_shape(0);
  const Shape& parameter = c.input(1);
  if (!out.known_rank() || !parameter.known_rank()) {
    c.set_output(0, Shape::unknown());
    return;
  }
  for (int64_t d : parameter) out.add_dim(d);
  c.set_output(0, out);
}

// A distribution's numbers one by one. TensorFlow takes those of a block from the last to the first.
template <class Distribution>
class Numbers {
 public:
  double next(Philox& generator) {
    if (left_ == 0) {
      const PhiloxBlock block = generator.next();
      Distribution::convert(block.word, numbers_, 1);
      left_ = Distribution::kPerBlock;
    }
    return numbers_[--left_];
  }

 private:
  double numbers_[Distribution::kPerBlock];
  int left_ = 0;
};
using Normals = Numbers<StandardNormal<double>>;
using Uniforms = Numbers<UniformUnit<double>>;

// A conversion that is defined for every value: NaN and what is too small become T's lowest integer.
template <class T, class C>
T saturated(C x) {
  if constexpr (std::is_integral_v<T>) {
    if (x >= static_cast<C>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    if (!(x >= static_cast<C>(std::numeric_limits<T>::lowest()))) return std::numeric_limits<T>::lowest();
  }
  return static_cast<T>(x);
}

// Runs sample(parameter, generator) for every output. Outputs are numbered parameter by parameter
// (their place in the stream), but stored with the parameters innermost.
template <class P, class T, class Sampler>
void for_each_sample(KernelContext& c, RandomState& state) {
  const int64_t parameters = c.input(1).num_elements();
  const int64_t total = c.output(0).num_elements();
  if (total == 0) return;
  const int64_t samples = total / parameters;
  const Philox base = state.reserve_outputs(static_cast<uint64_t>(total));
  const P* parameter = c.in<P>(1);
  T* out = c.out<T>(0);
  parallel_for(total, grain_for_cost(60.0), [&](int64_t begin, int64_t end) {
    int64_t current = begin / samples;
    Sampler sampler(static_cast<double>(parameter[current]));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t p = i / samples;
      if (p != current) sampler = Sampler(static_cast<double>(parameter[p]));
      current = p;
      Philox generator = base;
      generator.skip(static_cast<uint64_t>(i) * RandomState::kBlocksPerOutput);
      out[i % samples * parameters + p] = saturated<T>(sampler.sample(generator));
    }
  });
}

// Marsaglia and Tsang, "A simple method for generating gamma variables" (2000). For alpha < 1 a
// variable of alpha + 1 is scaled by uniform^(1/alpha); alpha = 1 is the exponential distribution.
class GammaSampler {
 public:
  explicit GammaSampler(double alpha)
      : alpha_(alpha), d_(alpha + (alpha < 1.0 ? 2.0 / 3 : -1.0 / 3)), c_(1.0 / 3 / std::sqrt(d_)) {}
  double sample(Philox generator) const {
    Normals normal;
    Uniforms uniform;
    if (alpha_ == 1.0) return -std::log1p(-uniform.next(generator));
    while (true) {
      const double x = normal.next(generator);
      double v = 1.0 + c_ * x;
      if (v <= 0.0) continue;
      v = v * v * v;
      const double u = uniform.next(generator);
      // The first test accepts most samples without the logarithms of the second.
      if (!(u < 1.0 - 0.0331 * (x * x) * (x * x)) && !(std::log(u) < 0.5 * x * x + d_ * (1.0 - v + std::log(v))))
        continue;
      const double result = d_ * v;
      return alpha_ < 1.0 ? result * std::pow(uniform.next(generator), 1.0 / alpha_) : result;
    }
  }

 private:
  double alpha_, d_, c_;
};

// Below rate 10 by multiplying uniforms (Knuth, TAOCP 2, 3.4.1); above by transformed rejection
// (Hoermann, "The transformed rejection method for generating Poisson random variables", 1993).
class PoissonSampler {
 public:
  explicit PoissonSampler(double rate)
      : rate_(rate),
        exp_neg_rate_(std::exp(-rate)),
        log_rate_(std::log(rate)),
        b_(0.931 + 2.53 * std::sqrt(rate)),
        a_(-0.059 + 0.02483 * b_),
        inv_alpha_(1.1239 + 1.1328 / (b_ - 3.4)) {}
  double sample(Philox generator) const {
    if (!std::isfinite(rate_) || rate_ < 0.0) return std::numeric_limits<double>::quiet_NaN();
    return rate_ < 10.0 ? multiply(generator) : reject(generator);
  }

 private:
  double multiply(Philox generator) const {
    Uniforms uniform;
    double count = 0.0;
    for (double product = uniform.next(generator); product > exp_neg_rate_; product *= uniform.next(generator)) ++count;
    return count;
  }
  double reject(Philox generator) const {
    Uniforms uniform;
    while (true) {
      const double u = uniform.next(generator) - 0.5;
      const double v = uniform.next(generator);
      const double shifted = 0.5 - std::abs(u);
      const double k = std::floor((2.0 * a_ / shifted + b_) * u + rate_ + 0.43);
      if (shifted >= 0.07 && v <= 0.9277 - 3.6224 / (b_ - 2.0)) return k;
      if (k < 0.0 || (shifted < 0.013 && v > shifted)) continue;
      const double s = std::log(v * inv_alpha_ / (a_ / (shifted * shifted) + b_));
      const double t = -rate_ + k * log_rate_ - std::lgamma(k + 1.0);
      if (s <= t) return k;
    }
  }

  double rate_, exp_neg_rate_, log_rate_, b_, a_, inv_alpha_;
};

template <class T>
class RandomGamma {
 public:
  explicit RandomGamma(const Attrs& attrs) : seeds_(attrs) {}
  void operator()(KernelContext& c) const { for_each_sample<T, T, GammaSampler>(c, seeds_.state(c)); }

 private:
  Seeds seeds_;
};

template <class R>
class RandomPoisson {
 public:
  explicit RandomPoisson(const Attrs& attrs) : seeds_(attrs) {}
  void operator()(KernelContext& c) const {
    RandomState& state = seeds_.state(c);
    switch (c.output_dtype(0)) {
      case DType::kHalf:
        return for_each_sample<R, Half, PoissonSampler>(c, state);
      case DType::kFloat:
        return for_each_sample<R, float, PoissonSampler>(c, state);
      case DType::kDouble:
        return for_each_sample<R, double, PoissonSampler>(c, state);
      case DType::kInt32:
        return for_each_sample<R, int32_t, PoissonSampler>(c, state);
      default:
        return for_each_sample<R, int64_t, PoissonSampler>(c, state);
    }
  }

 private:
  Seeds seeds_;
};

using GammaTypes = TypeList<Half, float, double>;

}  // namespace

void register_random_gamma(Registry& r) {
  r.op("RandomGamma")
      .input("shape: S")
      .input("alpha: T")
      .output("output: T")
      .attr("seed: int = 0")
      .attr("seed2: int = 0")
      .attr("S: {int32, int64}")
      .attr("T: {half, float, double}")
      .stateful()
      .host_input(0)
      .shape(samples_shape);
  r.kernels<RandomGamma>("RandomGamma", DeviceKind::kCPU, GammaTypes{});

  // The first version, in which the output has the rate's type.
  r.op("RandomPoisson")
      .input("shape: S")
      .input("rate: dtype")
      .output("output: dtype")
      .attr("seed: int = 0")
      .attr("seed2: int = 0")
      .attr("S: {int32, int64}")
      .attr("dtype: {half, float, double}")
      .stateful()
      .host_input(0)
      .shape(samples_shape);
  r.kernels<RandomPoisson>("RandomPoisson", DeviceKind::kCPU, GammaTypes{});

  r.op("RandomPoissonV2")
      .input("shape: S")
      .input("rate: R")
      .output("output: dtype")
      .attr("seed: int = 0")
      .attr("seed2: int = 0")
      .attr("S: {int32, int64}")
      .kernel_attr("R")
      .attr("R: {half, float, double, int32, int64} = double")
      .attr("dtype: {half, float, double, int32, int64} = int64")
      .stateful()
      .host_input(0)
      .shape(samples_shape);
  r.kernels<RandomPoisson>("RandomPoissonV2", DeviceKind::kCPU, TypeList<Half, float, double, int32_t, int64_t>{});
}

}  // namespace tfmini
