// RandomShuffle and Multinomial.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "core/parallel.h"
#include "core/registry.h"
#include "ops/random.h"

namespace tfmini {
namespace {

// Rows (slices along dimension 0) in random order: Fisher-Yates on the row numbers, then one copy.
class RandomShuffle {
 public:
  explicit RandomShuffle(const Attrs& attrs) : seeds_(attrs) {}
  void operator()(KernelContext& c) const {
    const Tensor& value = c.input(0);
    if (value.num_elements() <= 1 || value.dim(0) <= 1) {
      copy_elements(value, c.output(0));
      return;
    }
    const int64_t rows = value.dim(0);
    const int64_t row = value.num_elements() / rows;
    PhiloxStream random(seeds_.state(c).reserve_words(static_cast<uint64_t>(rows - 1)));
    std::vector<int64_t> order(static_cast<size_t>(rows));
    std::iota(order.begin(), order.end(), 0);
    for (int64_t i = 0; i < rows - 1; ++i)
      std::swap(order[i], order[i + random.word() % static_cast<uint32_t>(rows - i)]);

    if (value.dtype() == DType::kString) {
      const std::string* in = c.in<std::string>(0);
      std::string* out = c.out<std::string>(0);
      for (int64_t i = 0; i < rows; ++i) std::copy_n(in + order[i] * row, row, out + i * row);
      return;
    }
    const int64_t bytes = row * static_cast<int64_t>(dtype_size(value.dtype()));
    const char* in = static_cast<const char*>(value.raw());
    char* out = static_cast<char*>(c.output(0).raw());
    parallel_for(rows, grain_for_bytes(2 * bytes), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        std::memcpy(out + i * bytes, in + order[i] * bytes, static_cast<size_t>(bytes));
    });
  }

 private:
  Seeds seeds_;
};

void multinomial_shape(InferContext& c) {
  const Shape logits = c.with_rank(0, 2);
  c.with_rank(1, 0);
  int64_t samples = Shape::kUnknownDim;
  if (const Tensor* n = c.constant(1)) {
    samples = n->int_at(0);
    check(samples >= 0, "num_samples should be non-negative, got ", samples);
  }
  check(logits[1] != 0, "num_classes should be positive, got logits of shape ", logits);
  c.set_output(0, {logits[0], samples});
}

// Class numbers drawn from unnormalised log-probabilities, by inverting the cumulative distribution.
template <class T>
class Multinomial {
 public:
  explicit Multinomial(const Attrs& attrs) : seeds_(attrs), wide_(attrs.dtype("output_dtype") == DType::kInt64) {}
  void operator()(KernelContext& c) const { wide_ ? sample<int64_t>(c) : sample<int32_t>(c); }

 private:
  template <class Index>
  void sample(KernelContext& c) const {
    const int64_t batch = c.input(0).dim(0), classes = c.input(0).dim(1), samples = c.output(0).dim(1);
    if (batch * samples == 0) return;
    const Philox base = seeds_.state(c).reserve_outputs(multinomial_outputs(batch, samples));
    const T* logits = c.in<T>(0);
    Index* out = c.out<Index>(0);
    const double cost =
        12.0 * static_cast<double>(classes) + 4.0 * static_cast<double>(samples) * std::log2(classes + 1.0);
    parallel_for(batch, grain_for_cost(cost), [&](int64_t begin, int64_t end) {
      std::vector<double> cumulative(static_cast<size_t>(classes));
      PhiloxStream random(base);
      random.skip(static_cast<uint64_t>(2 * samples * begin));
      for (int64_t b = begin; b < end; ++b) {
        const double total = accumulate(logits + b * classes, cumulative);
        for (int64_t i = 0; i < samples; ++i) {
          const auto found = std::upper_bound(cumulative.begin(), cumulative.end(), random.next_double() * total);
          out[b * samples + i] = static_cast<Index>(found - cumulative.begin());
        }
      }
    });
  }

  // Running sums of exp(logit - max); classes whose logit is not finite have no weight.
  static double accumulate(const T* logits, std::vector<double>& cumulative) {
    double largest = std::numeric_limits<double>::lowest();
    for (size_t j = 0; j < cumulative.size(); ++j) {
      const double x = static_cast<double>(logits[j]);
      if (std::isfinite(x)) largest = std::max(largest, x);
    }
    double total = 0.0;
    for (size_t j = 0; j < cumulative.size(); ++j) {
      const double x = static_cast<double>(logits[j]);
      if (std::isfinite(x)) total += std::exp(x - largest);
      cumulative[j] = total;
    }
    return total;
  }

  Seeds seeds_;
  bool wide_;
};

}  // namespace

void register_random_discrete(Registry& r) {
  r.op("RandomShuffle")
      .input("value: T")
      .output("output: T")
      .attr("seed: int = 0")
      .attr("seed2: int = 0")
      .attr("T: type")
      .stateful()
      .shape(shapes::unchanged);
  r.kernel<RandomShuffle>("RandomShuffle", DeviceKind::kCPU, DType::kInvalid);

  r.op("Multinomial")
      .input("logits: T")
      .input("num_samples: int32")
      .output("output: output_dtype")
      .attr("seed: int = 0")
      .attr("seed2: int = 0")
      .attr("T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}")
      .attr("output_dtype: {int32, int64} = int64")
      .stateful()
      .host_input(1)
      .shape(multinomial_shape);
  r.kernels<Multinomial>("Multinomial", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace tfmini
