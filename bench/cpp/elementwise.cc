// Elementwise functions, chains of them with reductions, transposes and random numbers, without Python.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "formula.h"
#include "harness.h"
#include "simd/unary.h"

namespace tfmini::bench {
namespace {

using Make = Suite::Call (*)(Formula&);

constexpr int64_t kElements = 4 << 20;
constexpr int64_t kTile = 2048;  // stays in the first-level cache

// A function's inner loop alone: how long its instructions take when memory costs nothing.
void add_loop(Suite& suite, const char* name, simd::Unary f) {
  suite.row("loop/" + std::string(name), {.bytes = 8.0 * kTile}, [=]() -> Suite::Call {
    std::vector<float> x(kTile), y(kTile);
    for (int64_t i = 0; i < kTile; ++i) x[i] = 0.05f + 0.9f * static_cast<float>(i) / kTile;
    return [loop = simd::unary_table().at(f, DType::kFloat), x = std::move(x), y = std::move(y)]() mutable {
      loop(x.data(), y.data(), kTile);
    };
  });
}

void add(Suite& suite, const char* name, double bytes, Make make) {
  suite.row(name, {.bytes = bytes}, [=] { return make(*std::make_shared<Formula>()); });
}

Suite::Call chain(Formula& f, bool backward) {
  const Out x = f.normal({kElements}), one = f.scalar(1.0f);
  const Out t = f.op("Tanh", {f.op("AddV2", {f.op("Mul", {x, f.scalar(1.5f)}), f.scalar(0.5f)})});
  const Out s = f.op("Sigmoid", {x});
  const Out y = f.op("Sub", {f.op("Mul", {t, s}), x});
  if (!backward) return f.computes({y});
  const Out dt = f.op("Mul", {f.op("TanhGrad", {t, s}), f.scalar(1.5f)});
  const Out dx = f.op("Sub", {f.op("AddV2", {f.op("SigmoidGrad", {s, t}), dt}), one});
  return f.computes({y, dx});
}

Attrs keep_dims() {
  Attrs attrs;
  attrs.set("keep_dims", true);
  return attrs;
}

Suite::Call layer_norm(Formula& f) {
  const Out x = f.normal({4096, 1024}), gamma = f.normal({1024}), beta = f.normal({1024}), axis = f.ints({1});
  const Out d = f.op("Sub", {x, f.op("Mean", {x, axis}, keep_dims())});
  const Out variance = f.op("Mean", {f.op("Square", {d}), axis}, keep_dims());
  const Out scaled = f.op("Mul", {d, f.op("Rsqrt", {f.op("AddV2", {variance, f.scalar(1e-5f)})})});
  return f.computes({f.op("AddV2", {f.op("Mul", {scaled, gamma}), beta})});
}

Suite::Call binary(Formula& f, const Shape& x, const Shape& y) {
  return f.computes({f.op("AddV2", {f.normal(x), f.normal(y)})});
}

Suite::Call sum(Formula& f, const std::vector<int32_t>& axes) {
  return f.computes({f.op("Sum", {f.normal({4096, 1024}), f.ints(axes)})});
}

Suite::Call transpose(Formula& f, const Shape& shape, const std::vector<int32_t>& order) {
  return f.computes({f.op("Transpose", {f.normal(shape), f.ints(order)})});
}

Suite::Call random(Formula& f, const char* op) {
  Attrs attrs;
  attrs.set("dtype", DType::kFloat);
  attrs.set("seed", int64_t{1});
  return f.computes({f.op(op, {f.ints({1 << 20})}, std::move(attrs))});
}

}  // namespace
}  // namespace tfmini::bench

int main(int argc, char** argv) {
  using namespace tfmini::bench;
  using tfmini::simd::Unary;
  Suite suite(argc, argv,
              "Elementwise functions and what is made of them. Rows loop/F are the inner loop of F over 2048 floats in "
              "cache.");
#define TFMINI_LOOP(F) add_loop(suite, #F, Unary::k##F);
  TFMINI_LOOP(Neg)
  TFMINI_LOOP(Exp)
  TFMINI_LOOP(Expm1)
  TFMINI_LOOP(Log)
  TFMINI_LOOP(Log1p)
  TFMINI_LOOP(Tanh)
  TFMINI_LOOP(Sigmoid)
  TFMINI_LOOP(Softplus)
  TFMINI_LOOP(Erf)
  TFMINI_LOOP(Erfc)
  TFMINI_LOOP(Sin)
  TFMINI_LOOP(Tan)
  TFMINI_LOOP(Asin)
  TFMINI_LOOP(Atan)
  TFMINI_LOOP(Sqrt)
  TFMINI_LOOP(Rsqrt)
#undef TFMINI_LOOP
  constexpr double kBytes = 4.0 * kElements;
  add(suite, "add_4M", 3 * kBytes, [](Formula& f) { return binary(f, {kElements}, {kElements}); });
  add(suite, "add_1Mx4_row", 2 * kBytes, [](Formula& f) { return binary(f, {1 << 20, 4}, {4}); });
  add(suite, "add_1Mx4_column", 2.25 * kBytes, [](Formula& f) { return binary(f, {1 << 20, 4}, {1 << 20, 1}); });
  add(suite, "chain_4M", 2 * kBytes, [](Formula& f) { return chain(f, false); });
  add(suite, "chain_4M_with_gradient", 3 * kBytes, [](Formula& f) { return chain(f, true); });
  add(suite, "layer_norm_4096x1024", 2 * kBytes, layer_norm);
  add(suite, "sum_4096x1024_axis0", kBytes, [](Formula& f) { return sum(f, {0}); });
  add(suite, "sum_4096x1024_axis1", kBytes, [](Formula& f) { return sum(f, {1}); });
  add(suite, "sum_4096x1024_all", kBytes, [](Formula& f) { return sum(f, {0, 1}); });
  add(suite, "transpose_4096x4096", 8 * kBytes, [](Formula& f) { return transpose(f, {4096, 4096}, {1, 0}); });
  add(suite, "transpose_32x56x56x64_0312", 8.0 * 32 * 56 * 56 * 64,
      [](Formula& f) { return transpose(f, {32, 56, 56, 64}, {0, 3, 1, 2}); });
  add(suite, "transpose_16x128x12x64_0213", 8.0 * 16 * 128 * 12 * 64,
      [](Formula& f) { return transpose(f, {16, 128, 12, 64}, {0, 2, 1, 3}); });
  add(suite, "random_uniform_1M", kBytes / 4, [](Formula& f) { return random(f, "RandomUniform"); });
  add(suite, "random_normal_1M", kBytes / 4, [](Formula& f) { return random(f, "RandomStandardNormal"); });
  add(suite, "truncated_normal_1M", kBytes / 4, [](Formula& f) { return random(f, "TruncatedNormal"); });
  return suite.run();
}
