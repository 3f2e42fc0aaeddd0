// How accurate the float32 functions are, on every instruction set: the greatest error over arguments whose bit
// patterns are a fixed stride apart, so that every binade, denormals, infinities and NaNs of both signs are met.
//
//   vector_math_test [STRIDE [FUNCTION...]]     1: all 2^32 arguments, one to three minutes per function
//
// prints the table of docs/vector_math.md and fails where a limit stated here is passed. An error of 1 ULP is the
// distance between the float32 numbers around the exact result; exact is what the C library says in float64.
#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <mutex>
#include <string_view>
#include <vector>

#include "check.h"
#include "core/parallel.h"
#include "simd/binary.h"
#include "simd/isa.h"
#include "simd/unary.h"

namespace tfmini {
namespace {

using simd::Binary;
using simd::Unary;
using Reference = double (*)(double);

constexpr int64_t kBlock = 2048, kBlocksPerTask = 16;
constexpr int64_t kDefaultStride = 20'011;
constexpr Isa kIsas[] = {Isa::kBase, Isa::kAVX2, Isa::kAVX512};

using Loop = std::function<void(const float* x, float* y, int64_t n)>;

struct Function {
  const char* name;
  double limit;  // ULP
  Reference exact;
  Loop (*loop)();  // of the instruction set that is set
};

template <Unary f>
Loop unary() {
  return simd::unary_table().at(f, DType::kFloat);
}

constexpr float kRoot = 0.37f, kMinusThree = -3.0f, kBase = 1.7f;

template <const float& exponent>
Loop power() {
  return [fn = simd::binary_table().at(Binary::kPow, DType::kFloat).vector_scalar](
             const float* x, float* y, int64_t n) { fn(x, &exponent, y, n); };
}
Loop power_of() {
  return [fn = simd::binary_table().at(Binary::kPow, DType::kFloat).scalar_vector](const float* x, float* y,
                                                                                   int64_t n) { fn(&kBase, x, y, n); };
}

double sigmoid(double x) {
  const double e = std::exp(-std::abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}
double softplus(double x) { return std::isnan(x) ? x : std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

#define TFMINI_MATH(limit, Name, name) {#name, limit, [](double x) { return std::name(x); }, unary<Unary::k##Name>}
const Function kFunctions[] = {
    TFMINI_MATH(1.2, Exp, exp),
    TFMINI_MATH(2.0, Expm1, expm1),
    TFMINI_MATH(1.0, Log, log),
    TFMINI_MATH(1.6, Log1p, log1p),
    TFMINI_MATH(2.6, Tanh, tanh),
    {"sigmoid", 2.5, sigmoid, unary<Unary::kSigmoid>},
    {"softplus", 2.0, softplus, unary<Unary::kSoftplus>},
    TFMINI_MATH(2.6, Erf, erf),
    TFMINI_MATH(1.0, Erfc, erfc),
    TFMINI_MATH(1.0, Sin, sin),
    TFMINI_MATH(1.0, Cos, cos),
    TFMINI_MATH(1.0, Tan, tan),
    TFMINI_MATH(1.0, Asin, asin),
    TFMINI_MATH(1.0, Acos, acos),
    TFMINI_MATH(1.0, Atan, atan),
    TFMINI_MATH(1.0, Sinh, sinh),
    TFMINI_MATH(1.0, Cosh, cosh),
    TFMINI_MATH(0.5, Sqrt, sqrt),
    {"rsqrt", 1.5, [](double x) { return 1 / std::sqrt(x); }, unary<Unary::kRsqrt>},
    {"pow(x, 0.37)", 1.0, [](double x) { return std::pow(x, double{kRoot}); }, power<kRoot>},
    {"pow(x, -3)", 1.0, [](double x) { return std::pow(x, -3.0); }, power<kMinusThree>},
    {"pow(1.7, x)", 1.0, [](double x) { return std::pow(double{kBase}, x); }, power_of},
};
#undef TFMINI_MATH

struct Worst {
  double error = 0;
  float argument = 0;
  void take(double e, float x) {
    if (e > error) *this = {e, x};
  }
};

double error_of(float got, double exact) {
  const auto want = static_cast<float>(exact);
  if (!std::isfinite(want) || !std::isfinite(got)) {
    const bool same = got == want || (std::isnan(got) && std::isnan(want));
    return same ? 0.0 : std::numeric_limits<double>::infinity();
  }
  const float size = std::max(std::abs(want), std::numeric_limits<float>::min());
  const float above = std::bit_cast<float>(std::bit_cast<uint32_t>(size) + 1);
  const double ulp = std::isfinite(above) ? double{above} - double{size} : std::ldexp(1.0, 104);
  return std::abs(double{got} - exact) / ulp;
}

// One result per instruction set; exact values are computed once for all.
std::vector<Worst> measure(const Function& f, const std::vector<Isa>& isas, int64_t stride) {
  std::vector<Loop> loops;
  for (Isa isa : isas) {
    CHECK(set_isa(isa));
    loops.push_back(f.loop());
  }
  const int64_t count = ((int64_t{1} << 32) + stride - 1) / stride, blocks = (count + kBlock - 1) / kBlock;
  std::vector<Worst> worst(isas.size());
  std::mutex mutex;
  parallel_for(blocks, kBlocksPerTask, [&](int64_t begin, int64_t end) {
    std::vector<Worst> mine(isas.size());
    float x[kBlock], y[kBlock];
    double exact[kBlock];
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kBlock, n = std::min(kBlock, count - first);
      for (int64_t i = 0; i < n; ++i) x[i] = std::bit_cast<float>(static_cast<uint32_t>((first + i) * stride));
      for (int64_t i = 0; i < n; ++i) exact[i] = f.exact(double{x[i]});
      for (size_t k = 0; k < loops.size(); ++k) {
        loops[k](x, y, n);
        for (int64_t i = 0; i < n; ++i) mine[k].take(error_of(y[i], exact[i]), x[i]);
      }
    }
    const std::lock_guard lock(mutex);
    for (size_t k = 0; k < mine.size(); ++k) worst[k].take(mine[k].error, mine[k].argument);
  });
  return worst;
}

int run(int64_t stride, const std::vector<std::string_view>& names) {
  std::vector<Isa> isas;
  for (Isa isa : kIsas)
    if (set_isa(isa)) isas.push_back(isa);
  std::printf("| function |");
  for (Isa isa : isas) std::printf(" %s |", isa_name(isa));
  std::printf(" worst argument |\n|---|");
  for (size_t i = 0; i <= isas.size(); ++i) std::printf("---|");
  std::printf("\n");
  int failures = 0;
  for (const Function& f : kFunctions) {
    if (!names.empty() && std::ranges::find(names, f.name) == names.end()) continue;
    const std::vector<Worst> worst = measure(f, isas, stride);
    std::printf("| %s |", f.name);
    for (const Worst& w : worst) std::printf(" %.2f |", w.error);
    std::printf(" %.9g |", double{worst.back().argument});
    for (const Worst& w : worst)
      if (!(w.error <= f.limit)) {
        ++failures;
        std::printf(" FAILED: %.3f ULP at %.9g, the limit is %.2f", w.error, double{w.argument}, f.limit);
      }
    std::printf("\n");
    std::fflush(stdout);
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tfmini

int main(int argc, char** argv) {
  const long long stride = argc > 1 ? std::atoll(argv[1]) : tfmini::kDefaultStride;
  CHECK(stride > 0);
  return tfmini::run(stride, {argv + std::min(argc, 2), argv + argc});
}
