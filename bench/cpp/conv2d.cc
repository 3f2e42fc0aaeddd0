// Convolutions and their gradients in per cent of what a loop of independent fused multiply-adds
// reaches on as many threads, measured right before each. Best of many runs. Counted are the
// multiplications of the direct sum, so Winograd's method may pass 100.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "conv/conv.h"
#include "conv/depthwise.h"
#include "core/parallel.h"
#include "probe.h"

namespace tfmini {
namespace {

template <class Fn>
double best_seconds(double budget, const Fn& fn) {
  double best = 1e9;
  const double end = probe::now() + budget;
  for (int i = 0; i < 3 || probe::now() < end; ++i) {
    const double start = probe::now();
    fn();
    best = std::min(best, probe::now() - start);
  }
  return best;
}

struct Row {
  const char* name;
  int64_t batch, size, in, out, kernel_h, kernel_w, stride;
  bool depthwise = false;
};

WindowAxis same(int64_t in, int64_t kernel, int64_t stride) {
  const int64_t out = (in + stride - 1) / stride;
  return {in, kernel, stride, 1, std::max<int64_t>(0, (out - 1) * stride + kernel - in) / 2, out};
}

void measure(const Row& r) {
  ConvGeometry g;
  g.batch = r.batch;
  g.in_channels = r.in;
  g.out_channels = r.out;
  g.groups = r.depthwise ? r.in : 1;
  g.h = same(r.size, r.kernel_h, r.stride);
  g.w = same(r.size, r.kernel_w, r.stride);
  std::vector<float> x(static_cast<size_t>(r.batch * r.size * r.size * r.in), 0.5f), dx(x.size());
  std::vector<float> y(static_cast<size_t>(r.batch * g.h.out * g.w.out * r.out), 0.25f);
  std::vector<float> f(static_cast<size_t>(g.depth() * r.out), 0.125f), df(f.size());
  const double flops = 2.0 * static_cast<double>(y.size()) * static_cast<double>(g.depth());
  Tensor packed;
  const double peak = probe::peak_gflops(max_threads(), 3);
  const double seconds[4] = {
      best_seconds(0.15,
                   [&] {
                     if (r.depthwise) return conv::depthwise_forward(g, x.data(), f.data(), y.data());
                     conv::forward(g, x.data(), f.data(), y.data());
                   }),
      r.depthwise ? 0.0 : best_seconds(0.15, [&] { conv::forward(g, x.data(), f.data(), y.data(), {}, &packed); }),
      best_seconds(0.15,
                   [&] {
                     if (r.depthwise) return conv::depthwise_input_grad(g, f.data(), y.data(), dx.data());
                     conv::input_grad(g, f.data(), y.data(), dx.data());
                   }),
      best_seconds(0.15, [&] {
        if (r.depthwise) return conv::depthwise_filter_grad(g, x.data(), y.data(), df.data());
        conv::filter_grad(g, x.data(), y.data(), df.data());
      })};
  std::printf("%-28s", r.name);
  for (double s : seconds)
    if (s > 0)
      std::printf(" %8.1f us %5.1f %%", s * 1e6, 1e-7 * flops / s / peak);
    else
      std::printf(" %20s", "");
  std::printf("  of %.0f\n", peak);
}

}  // namespace
}  // namespace tfmini

// With an argument: only rows whose names hold it.
int main(int argc, char** argv) {
  const tfmini::Row rows[] = {
      {"a 32x28x28x1 5x5x32", 32, 28, 1, 32, 5, 5, 1},
      {"b 32x14x14x32 5x5x64", 32, 14, 32, 64, 5, 5, 1},
      {"c 1x56x56x64 3x3x64", 1, 56, 64, 64, 3, 3, 1},
      {"d 8x56x56x64 3x3x64", 8, 56, 64, 64, 3, 3, 1},
      {"e 1x112x112x32 3x3 depthwise", 1, 112, 32, 32, 3, 3, 1, true},
      {"f 8x28x28x128 1x1x256 / 2", 8, 28, 128, 256, 1, 1, 2},
      {"1x28x28x128 3x3x128", 1, 28, 128, 128, 3, 3, 1},
      {"1x14x14x256 3x3x256", 1, 14, 256, 256, 3, 3, 1},
      {"1x7x7x512 3x3x512", 1, 7, 512, 512, 3, 3, 1},
      {"1x56x56x128 3x3x128 / 2", 1, 56, 128, 128, 3, 3, 2},
      {"1x56x56x64 1x1x256", 1, 56, 64, 256, 1, 1, 1},
      {"1x56x56x256 1x1x64", 1, 56, 256, 64, 1, 1, 1},
      {"1x28x28x512 1x1x128", 1, 28, 512, 128, 1, 1, 1},
      {"1x14x14x1024 1x1x256", 1, 14, 1024, 256, 1, 1, 1},
      {"1x14x14x256 1x1x1024", 1, 14, 256, 1024, 1, 1, 1},
      {"1x7x7x2048 1x1x512", 1, 7, 2048, 512, 1, 1, 1},
      {"1x7x7x512 1x1x2048", 1, 7, 512, 2048, 1, 1, 1},
      {"1x17x17x192 1x7x192", 1, 17, 192, 192, 1, 7, 1},
      {"1x35x35x64 5x5x64", 1, 35, 64, 64, 5, 5, 1},
      {"1x224x224x3 7x7x64 / 2", 1, 224, 3, 64, 7, 7, 2},
      {"1x149x149x32 3x3x32", 1, 149, 32, 32, 3, 3, 1},
  };
  std::printf("%-28s %-20s %-20s %-20s %-20s\n", "", " forward", " packed before", " input gradient",
              " filter gradient");
  for (const tfmini::Row& r : rows)
    if (argc < 2 || std::strstr(r.name, argv[1])) tfmini::measure(r);
}
