// Index arithmetic that CUDA kernels share with the host, on the host: no device is needed.
#include <algorithm>
#include <set>
#include <vector>

#include "check.h"
#include "conv/axes.cuh"
#include "gemm/choose.cuh"

namespace tfmini::cuda {
namespace {

void check_division() {
  for (const int d : {1, 2, 3, 5, 7, 10, 31, 32, 33, 100, 127, 1000, 1023, 65535, 65537, 1 << 20, (1 << 30) - 1}) {
    const FastDiv fast(d);
    for (const int64_t n :
         {int64_t{0}, int64_t{1}, int64_t{d} - 1, int64_t{d}, int64_t{d} + 1, int64_t{7} * d - 1, int64_t{7} * d,
          int64_t{INT32_MAX} / d * d - 1, int64_t{INT32_MAX} / d * d, int64_t{INT32_MAX}})
      if (n >= 0 && n <= INT32_MAX) CHECK(fast.divide(static_cast<int>(n)) == n / d);
  }
}

// Every tile of every product once, and never more than kGroup rows of tiles apart within one stretch.
void check_tiles(int rows, int cols, int products) {
  const TileOrder order{rows, cols};
  std::set<std::vector<int>> seen;
  for (int64_t i = 0; i < int64_t{rows} * cols * products; ++i) {
    const auto t = order.at(i);
    CHECK(t.row >= 0 && t.row < rows && t.col >= 0 && t.col < cols && t.product == i / (rows * cols));
    seen.insert({t.row, t.col, t.product});
  }
  CHECK(static_cast<int64_t>(seen.size()) == int64_t{rows} * cols * products);
}

// The eight 16-byte units that one load takes, given as their places in memory, fill the 32 banks once.
template <class Place>
void check_banks(const Place& place) {
  std::set<int> units;
  for (int i = 0; i < 8; ++i) units.insert(place(i) / 16 % 8);
  CHECK(units.size() == 8);
}

void check_swizzles() {
  for (int first = 0; first < 64; first += 8) {
    for (int unit = 0; unit < 4; ++unit)
      check_banks([&](int i) { return (first + i) * 64 + 16 * swizzle_k(first + i, unit); });
    for (int unit = 0; unit < 8; ++unit) {
      check_banks([&](int i) { return (first + i) * 128 + 16 * swizzle_outer16(first + i, unit); });
      check_banks([&](int i) { return (first + i) * 128 + 16 * swizzle_128b(first + i, unit); });
    }
    // Four rows, two units of each.
    for (int unit = 0; unit < 16; unit += 2)
      check_banks([&](int i) { return (first + i / 2) * 256 + 16 * swizzle_outer32(first + i / 2, unit + i % 2); });
  }
  // Within a row the places are a permutation.
  for (int row = 0; row < 16; ++row) {
    std::set<int> k, outer16, outer32;
    for (int unit = 0; unit < 8; ++unit) {
      if (unit < 4) k.insert(swizzle_k(row, unit));
      outer16.insert(swizzle_outer16(row, unit));
      outer32.insert(swizzle_outer32(row, unit));
    }
    CHECK(k.size() == 4 && *k.rbegin() == 3);
    CHECK(outer16.size() == 8 && outer32.size() == 8 && *outer16.rbegin() == 7 && *outer32.rbegin() == 7);
  }
}

// Each product of the gradient of the input belongs to one phase and one of its taps, and the other way round.
void check_phases(const WindowAxis& w) {
  std::set<std::vector<int64_t>> want, got;
  for (int64_t o = 0; o < w.out; ++o)
    for (int64_t k = 0; k < w.kernel; ++k) {
      const int64_t i = w.first(o) + k * w.dilation;
      if (i >= 0 && i < w.in) want.insert({i, k, o});
    }
  for (int64_t phase = 0; phase < std::min(w.stride, w.in); ++phase) {
    const GradPhase p = input_grad_axis(w, phase);
    for (int j = 0; j < p.axis.out; ++j)
      for (int t = 0; t < p.axis.taps; ++t) {
        const int o = j * p.axis.scale + t * p.axis.step + p.axis.origin;
        if (o >= 0 && o < p.axis.size)
          CHECK(got.insert({phase + j * w.stride, p.first_tap + int64_t{t} * p.tap_step, o}).second);
      }
  }
  CHECK(got == want);
}

void check_plans() {
  const Chip ampere{8, 0, 108}, hopper{9, 0, 132};
  for (const Chip& chip : {ampere, hopper})
    for (const int64_t m : {1, 17, 64, 500, 4096, 100000})
      for (const int64_t n : {1, 10, 512, 4096})
        for (const int64_t k : {0, 1, 63, 64, 65, 1000, 4096, 1000000})
          for (const int bytes : {2, 4, 8})
            for (const bool tensor : {false, true}) {
              if (tensor ? bytes == 8 : bytes == 2) continue;
              const bool wgmma = tensor && chip.major == 9;
              const GemmPlan p = choose_gemm({m, n, k, 1, bytes, tensor, wgmma}, chip);
              CHECK((p.kernel == GemmKernel::kSimt) == !tensor);
              CHECK(p.kernel != GemmKernel::kWgmma || wgmma);
              CHECK(p.splits >= 1 && p.split_depth > 0 && p.split_depth % kSplitUnit == 0);
              // The parts cover k, and none is empty (but for k = 0).
              CHECK(int64_t{p.splits} * p.split_depth >= k);
              CHECK(k == 0 || int64_t{p.splits - 1} * p.split_depth < k);
            }
  CHECK(choose_gemm({8192, 8192, 8192, 1, 2, true, true}, hopper).kernel == GemmKernel::kWgmma);
  CHECK(choose_gemm({8192, 8192, 8192, 1, 2, true, true}, hopper).splits == 1);
  CHECK(choose_gemm({64, 64, 100000, 1, 2, true, false}, ampere).splits > 8);
}

}  // namespace
}  // namespace tfmini::cuda

int main() {
  using namespace tfmini;
  using namespace tfmini::cuda;
  check_division();
  check_tiles(1, 1, 3);
  check_tiles(7, 5, 2);
  check_tiles(8, 3, 1);
  check_tiles(29, 13, 2);
  check_swizzles();
  for (const int64_t in : {1, 2, 7, 12})
    for (const int64_t kernel : {1, 2, 3, 5})
      for (const int64_t stride : {1, 2, 3, 4})
        for (const int64_t dilation : {1, 2, 3, 4})
          for (const int64_t pad : {0, 1, 3, 9}) {
            const int64_t reach = (kernel - 1) * dilation + 1;
            if (in + 2 * pad < reach) continue;
            check_phases({in, kernel, stride, dilation, pad, (in + 2 * pad - reach) / stride + 1});
          }
  check_plans();
  return 0;
}
