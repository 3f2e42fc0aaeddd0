// The parts of an LSTM step, forward and backward: the product of [x, h] and the weights, the gates, and
// the weights' gradient, step by step and for all steps at once.
#include "simd/lstm.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/parallel.h"
#include "gemm/gemm.h"
#include "harness.h"

namespace tfmini {
namespace {

using Floats = std::vector<float>;

Floats floats(int64_t n) {
  Floats v(static_cast<size_t>(n));
  for (size_t i = 0; i < v.size(); ++i) v[i] = 0.001f * static_cast<float>(i % 1999) - 1.0f;
  return v;
}

double product_flops(int64_t m, int64_t n, int64_t k) {
  return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

void add_product(bench::Suite& suite, const std::string& name, int64_t m, int64_t n, int64_t k, bool ta, bool tb) {
  suite.row(name, {.flops = product_flops(m, n, k)}, [=] {
    auto a = std::make_shared<Floats>(floats(m * k)), b = std::make_shared<Floats>(floats(k * n));
    auto c = std::make_shared<Floats>(floats(m * n));
    return [=] {
      gemm<float>(m, n, k, row_major(a->data(), ta ? m : k, ta), row_major(b->data(), tb ? k : n, tb), c->data(), n);
    };
  });
}

void add_gates(bench::Suite& suite, const std::string& size, int64_t batch, int64_t units) {
  const int64_t n = batch * units;
  const double element = 4.0 * static_cast<double>(n);
  suite.row("gates_" + size, {.bytes = 7 * element}, [=] {
    auto z = std::make_shared<Floats>(floats(4 * n)), c = std::make_shared<Floats>(floats(n));
    auto h = std::make_shared<Floats>(floats(n));
    return [=] {
      const auto row = simd::lstm_table().f32.forward;
      parallel_for(batch, grain_for_cost(5.0 * static_cast<double>(units)), [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b)
          row(units, z->data() + 4 * b * units, c->data() + b * units, 1.0f, c->data() + b * units,
              h->data() + b * units);
      });
    };
  });
  suite.row("gates_gradient_" + size, {.bytes = 13 * element}, [=] {
    auto z = std::make_shared<Floats>(floats(4 * n)), dz = std::make_shared<Floats>(floats(4 * n));
    auto c = std::make_shared<Floats>(floats(n)), d = std::make_shared<Floats>(floats(n));
    auto dc = std::make_shared<Floats>(floats(n));
    return [=] {
      const auto row = simd::lstm_table().f32.backward;
      parallel_for(batch, grain_for_cost(6.0 * static_cast<double>(units)), [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b) {
          const int64_t at = b * units;
          row(units, z->data() + 4 * at, c->data() + at, c->data() + at, d->data() + at, d->data() + at, 1.0f,
              dz->data() + 4 * at, dc->data() + at);
        }
      });
    };
  });
}

}  // namespace
}  // namespace tfmini

int main(int argc, char** argv) {
  using namespace tfmini;
  bench::Suite suite(argc, argv, "The parts of an LSTM step.");
  constexpr std::pair<int64_t, int64_t> kSizes[] = {{1, 128}, {20, 200}, {32, 512}, {64, 1024}};
  constexpr int64_t kSteps = 20;
  for (auto [batch, units] : kSizes) {
    const std::string size = std::to_string(batch) + "x" + std::to_string(units);
    add_product(suite, "product_" + size, batch, 4 * units, 2 * units, false, false);
    add_gates(suite, size, batch, units);
    add_product(suite, "input_gradient_" + size, batch, 2 * units, 4 * units, false, true);
    add_product(suite, "weight_gradient_" + size, 2 * units, 4 * units, batch, true, false);
    add_product(suite, "weight_gradient_20_steps_" + size, 2 * units, 4 * units, batch * kSteps, true, false);
  }
  return suite.run();
}
