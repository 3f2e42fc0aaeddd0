// Winograd's method against sums in double: the errors that conv/winograd.h states.
#include "conv/winograd.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "check.h"

namespace tfmini {
namespace {

struct Kernel {
  int64_t h, w;
};

template <class T>
conv::Correlation<T> job(Kernel kernel, int64_t batch, int64_t size, int64_t in, int64_t out, const T* x, const T* f,
                         T* y) {
  const auto axis = [&](int64_t k) { return WindowAxis{size, k, 1, 1, k / 2, size}; };
  return {batch,
          1,
          {x, size, size, in, false},
          y,
          size,
          size,
          out,
          conv::forward_taps(axis(kernel.h)),
          conv::forward_taps(axis(kernel.w)),
          {f, kernel.w, in * out, out, out, 1}};
}

double rms(const std::vector<float>& got, const std::vector<double>& exact, double* largest) {
  double sum = 0;
  *largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(got[i] - exact[i]);
    sum += error * error;
    *largest = std::max(*largest, error);
  }
  return std::sqrt(sum / static_cast<double>(got.size()));
}

// `spread`: how far the sizes of the values are apart, as the deviation of their logarithms.
void check_errors(Kernel kernel, int64_t batch, int64_t size, int64_t in, int64_t out, float spread) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  const auto fill = [&](std::vector<float>& v) {
    for (float& e : v) e = normal(random) * std::exp(spread * normal(random));
  };
  std::vector<float> x(static_cast<size_t>(batch * size * size * in)),
      f(static_cast<size_t>(kernel.h * kernel.w * in * out));
  fill(x);
  fill(f);
  std::vector<float> minimal(static_cast<size_t>(batch * size * size * out)), direct(minimal.size());
  conv::winograd(job<float>(kernel, batch, size, in, out, x.data(), f.data(), minimal.data()));
  conv::correlate_directly(job<float>(kernel, batch, size, in, out, x.data(), f.data(), direct.data()));
  const std::vector<double> xd(x.begin(), x.end()), fd(f.begin(), f.end());
  std::vector<double> exact(minimal.size());
  conv::correlate(job<double>(kernel, batch, size, in, out, xd.data(), fd.data(), exact.data()));

  double worst, worst_direct;
  const double error = rms(minimal, exact, &worst), error_direct = rms(direct, exact, &worst_direct);
  CHECK(error <= (std::max(kernel.h, kernel.w) == 7 ? 6 : 4) * error_direct);
  double x_max = 0, f_max = 0;
  for (double v : xd) x_max = std::max(x_max, std::abs(v));
  for (double v : fd) f_max = std::max(f_max, std::abs(v));
  const auto n = static_cast<double>(in);
  const auto constant = [](int64_t k) { return k == 1 ? 1 : k == 3 ? 25 : k == 5 ? 38 : 115; };
  CHECK(worst <= constant(kernel.h) * constant(kernel.w) * (n + 32) * n * x_max * f_max * 0x1p-24);
}

// Gradients of filters: sums over pixels instead of channels.
void check_filter_errors(Kernel kernel, int64_t batch, int64_t size, int64_t in, int64_t out, float spread) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  const auto fill = [&](std::vector<float>& v) {
    for (float& e : v) e = normal(random) * std::exp(spread * normal(random));
  };
  ConvGeometry g;
  g.batch = batch;
  g.in_channels = in;
  g.out_channels = out;
  g.h = {size, kernel.h, 1, 1, kernel.h / 2, size};
  g.w = {size, kernel.w, 1, 1, kernel.w / 2, size};
  std::vector<float> x(static_cast<size_t>(batch * size * size * in)),
      dy(static_cast<size_t>(batch * size * size * out));
  fill(x);
  fill(dy);
  std::vector<float> minimal(static_cast<size_t>(g.depth() * out));
  conv::winograd_filter_grad(g, x.data(), dy.data(), minimal.data());
  const std::vector<double> xd(x.begin(), x.end()), yd(dy.begin(), dy.end());
  std::vector<double> exact(minimal.size());
  conv::filter_grad(g, xd.data(), yd.data(), exact.data());

  double worst, size_of_sums = 0;
  const double error = rms(minimal, exact, &worst);
  for (double v : exact) size_of_sums = std::max(size_of_sums, std::abs(v));
  CHECK(error <= 32 * 0x1p-24 * size_of_sums);
}

}  // namespace
}  // namespace tfmini

int main() {
  using tfmini::check_errors;
  for (const tfmini::Kernel kernel : {tfmini::Kernel{3, 3}, {5, 5}, {1, 3}, {3, 1}, {1, 7}, {7, 1}})
    for (const float spread : {0.0f, 0.5f}) {
      check_errors(kernel, 1, 7, 8, 8, spread);
      check_errors(kernel, 2, 13, 17, 19, spread);
      check_errors(kernel, 1, 30, 64, 33, spread);
      check_errors(kernel, 3, 5, 200, 8, spread);
      tfmini::check_filter_errors(kernel, 1, 7, 8, 8, spread);
      tfmini::check_filter_errors(kernel, 3, 29, 13, 19, spread);
      tfmini::check_filter_errors(kernel, 2, 40, 17, 33, spread);
    }
}
