// GEMM speed in per cent of what a loop of independent fused multiply-adds reaches on as many threads,
// measured right before each size because neighbours come and go. Best of many runs.
#include "gemm/gemm.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "core/parallel.h"
#include "simd/gemm_ukernel.h"

namespace tfmini {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

template <class Fn>
double best_seconds(double budget, const Fn& fn) {
  double best = 1e9;
  const double end = now() + budget;
  for (int i = 0; i < 3 || now() < end; ++i) {
    const double start = now();
    fn();
    best = std::min(best, now() - start);
  }
  return best;
}

// The micro-kernel on panels that stay in the first-level cache does nothing but multiply-adds.
double peak_gflops() {
  const auto& table = simd::gemm_kernel_table().f32;
  constexpr int64_t k = 128;
  const int threads = max_threads();
  const double seconds = best_seconds(0.05, [&] {
    parallel_for(threads, 1, [&](int64_t, int64_t) {
      std::vector<float> a(static_cast<size_t>(k * table.rows), 1.0f), b(static_cast<size_t>(k * table.cols), 1.0f);
      std::vector<float> c(static_cast<size_t>(table.rows * table.cols));
      const simd::GemmTile<float> tile{a.data(),   b.data(),   table.cols, k,     c.data(),
                                       table.cols, table.cols, false,      false, nullptr};
      for (int i = 0; i < 2000; ++i) table.kernel[table.rows - 1](tile);
    });
  });
  return 2e-9 * 2000 * static_cast<double>(k * table.rows * table.cols) * threads / seconds;
}

void measure(int64_t m, int64_t n, int64_t k, bool ta, bool tb) {
  std::vector<float> a(static_cast<size_t>(m * k), 0.5f), b(static_cast<size_t>(k * n), 0.25f);
  std::vector<float> c(static_cast<size_t>(m * n));
  const double peak = peak_gflops();
  const double seconds = best_seconds(0.4, [&] {
    gemm<float>(m, n, k, row_major(a.data(), ta ? m : k, ta), row_major(b.data(), tb ? k : n, tb), c.data(), n);
  });
  const double gflops = 2e-9 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) / seconds;
  std::printf("%5ld x %5ld x %5ld %c%c %10.1f us %8.1f GFLOP/s  %5.1f %% of %.0f\n", static_cast<long>(m),
              static_cast<long>(n), static_cast<long>(k), ta ? 'T' : 'N', tb ? 'T' : 'N', seconds * 1e6, gflops,
              100 * gflops / peak, peak);
}

}  // namespace
}  // namespace tfmini

int main() {
  using tfmini::measure;
  for (int64_t n : {64, 128, 256, 512, 1024, 2048}) measure(n, n, n, false, false);
  measure(1024, 1024, 1024, true, false);
  measure(1024, 1024, 1024, false, true);
  measure(64, 1024, 1024, false, false);
  measure(64, 1024, 1024, false, true);
  measure(32, 512, 784, false, false);
  measure(784, 512, 32, true, false);
  measure(20, 800, 400, false, false);
  measure(128, 10, 512, false, false);
  measure(1, 4096, 4096, false, false);
  measure(1, 4096, 4096, false, true);
  measure(4096, 1, 4096, false, false);
}
