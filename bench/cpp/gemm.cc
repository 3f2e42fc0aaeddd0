// GEMM speed in per cent of what a loop of independent fused multiply-adds reaches on as many threads.
// Both are measured in turn, many times, and the best of each is compared.
//
//   bench_gemm                      the sizes of the project's table, on all threads
//   bench_gemm -t 1 256x256x256_NT  these sizes (m x k x n, as stored), on one thread
#include "gemm/gemm.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "peak.h"

namespace tfmini::bench {
namespace {

struct Problem {
  long m, k, n;
  bool ta, tb;
};

// Tensors are aligned to cache lines.
class Matrix {
 public:
  Matrix(int64_t elements, float value)
      : buffer_(cpu_device().allocate(static_cast<size_t>(elements) * sizeof(float))) {
    std::fill_n(data(), elements, value);
  }
  float* data() const { return static_cast<float*>(buffer_->data()); }

 private:
  BufferRef buffer_;
};

void measure(const Problem& p, int threads) {
  const ThreadLimit limit(threads);
  const auto [m, k, n, ta, tb] = p;
  const Matrix a(m * k, 0.5f), b(k * n, 0.25f), c(m * n, 0.0f);
  const auto multiply = [&] {
    gemm<float>(m, n, k, row_major(a.data(), ta ? m : k, ta), row_major(b.data(), tb ? k : n, tb), c.data(), n);
  };
  multiply();
  double peak = 0, best = 1e9;
  const double end = now() + 0.5;
  for (int round = 0; round < 5 || now() < end; ++round) {
    peak = std::max(peak, peak_gflops(max_threads()));
    const double until = now() + 2e-3;
    do {
      const double start = now();
      multiply();
      best = std::min(best, now() - start);
    } while (now() < until);
  }
  const double gflops = 2e-9 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) / best;
  std::printf("%5ld x %5ld x %5ld %c%c %10.1f us %8.1f GFLOP/s  %5.1f %% of %.0f\n", m, k, n, ta ? 'T' : 'N',
              tb ? 'T' : 'N', best * 1e6, gflops, 100 * gflops / peak, peak);
}

}  // namespace
}  // namespace tfmini::bench

int main(int argc, char** argv) {
  using namespace tfmini;
  int threads = 0;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "-t") && i + 1 < argc)
      threads = std::atoi(argv[++i]);
    else
      names.push_back(argv[i]);
  }
  if (names.empty())
    names = {"64x64x64_NN",       "128x128x128_NN",    "256x256x256_NN",    "256x256x256_NT",    "512x512x512_NN",
             "1024x1024x1024_NN", "1024x1024x1024_NT", "1024x1024x1024_TN", "1024x1024x1024_TT", "2048x2048x2048_NN",
             "64x1024x1024_NN",   "64x1024x1024_NT",   "64x1024x1024_TN",   "32x784x512_NN",     "32x784x512_NT",
             "32x784x512_TN",     "784x32x512_TN",     "20x400x800_NN",     "128x512x10_NN",     "1x4096x4096_NN",
             "1x4096x4096_NT",    "4096x4096x1_NN"};
  for (const std::string& name : names) {
    bench::Problem p{};
    char ta = 'N', tb = 'N';
    if (std::sscanf(name.c_str(), "%ldx%ldx%ld_%c%c", &p.m, &p.k, &p.n, &ta, &tb) < 3) {
      std::fprintf(stderr, "expected MxKxN_NN, got %s\n", name.c_str());
      return 1;
    }
    p.ta = ta == 'T';
    p.tb = tb == 'T';
    bench::measure(p, threads);
  }
}
