// Convolutions and their gradients, without Python. Counted are the multiplications of the direct sum, so Winograd's
// method may pass 100 % of the peak.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "conv/conv.h"
#include "conv/depthwise.h"
#include "harness.h"

namespace tfmini {
namespace {

struct Layer {
  const char* name;
  int64_t batch, size, in, out, kernel_h, kernel_w, stride;
  bool depthwise = false;
};

WindowAxis same(int64_t in, int64_t kernel, int64_t stride) {
  const int64_t out = (in + stride - 1) / stride;
  return {in, kernel, stride, 1, std::max<int64_t>(0, (out - 1) * stride + kernel - in) / 2, out};
}

// A layer's images, filter and gradients.
struct Tensors {
  explicit Tensors(const ConvGeometry& geometry)
      : g(geometry),
        x(static_cast<size_t>(g.batch * g.h.in * g.w.in * g.in_channels), 0.5f),
        f(static_cast<size_t>(g.depth() * g.out_channels), 0.125f),
        y(static_cast<size_t>(g.batch * g.h.out * g.w.out * g.out_channels), 0.25f),
        dx(x.size()),
        df(f.size()) {}
  ConvGeometry g;
  std::vector<float> x, f, y, dx, df;
  Tensor packed;
};

template <class Fn>
void row(bench::Suite& suite, const Layer& l, const char* what, const ConvGeometry& g, const Fn& fn) {
  const auto count = [](int64_t n) { return static_cast<double>(n); };
  const double outputs = count(g.batch * g.h.out * g.w.out * g.out_channels);
  const double inputs = count(g.batch * g.h.in * g.w.in * g.in_channels);
  const bench::Work work{2.0 * outputs * count(g.depth()),
                         4.0 * (outputs + inputs + count(g.depth() * g.out_channels))};
  suite.row(std::string(l.name) + "/" + what, work,
            [=]() -> bench::Suite::Call { return [fn, t = std::make_shared<Tensors>(g)] { fn(*t); }; });
}

void add(bench::Suite& suite, const Layer& l) {
  ConvGeometry g;
  g.batch = l.batch;
  g.in_channels = l.in;
  g.out_channels = l.out;
  g.groups = l.depthwise ? l.in : 1;
  g.h = same(l.size, l.kernel_h, l.stride);
  g.w = same(l.size, l.kernel_w, l.stride);
  if (l.depthwise) {
    row(suite, l, "forward", g, [](Tensors& t) { conv::depthwise_forward(t.g, t.x.data(), t.f.data(), t.y.data()); });
    row(suite, l, "input_gradient", g,
        [](Tensors& t) { conv::depthwise_input_grad(t.g, t.f.data(), t.y.data(), t.dx.data()); });
    row(suite, l, "filter_gradient", g,
        [](Tensors& t) { conv::depthwise_filter_grad(t.g, t.x.data(), t.y.data(), t.df.data()); });
    return;
  }
  row(suite, l, "forward", g, [](Tensors& t) { conv::forward(t.g, t.x.data(), t.f.data(), t.y.data()); });
  row(suite, l, "forward_packed", g,  // the filter is, by the first call
      [](Tensors& t) { conv::forward(t.g, t.x.data(), t.f.data(), t.y.data(), {}, &t.packed); });
  row(suite, l, "input_gradient", g, [](Tensors& t) { conv::input_grad(t.g, t.f.data(), t.y.data(), t.dx.data()); });
  row(suite, l, "filter_gradient", g, [](Tensors& t) { conv::filter_grad(t.g, t.x.data(), t.y.data(), t.df.data()); });
}

}  // namespace
}  // namespace tfmini

int main(int argc, char** argv) {
  using namespace tfmini;
  bench::Suite suite(argc, argv, "Convolutions and their gradients.");
  const Layer layers[] = {
      {"32x28x28x1_5x5x32", 32, 28, 1, 32, 5, 5, 1},
      {"32x14x14x32_5x5x64", 32, 14, 32, 64, 5, 5, 1},
      {"1x56x56x64_3x3x64", 1, 56, 64, 64, 3, 3, 1},
      {"8x56x56x64_3x3x64", 8, 56, 64, 64, 3, 3, 1},
      {"1x112x112x32_3x3_depthwise", 1, 112, 32, 32, 3, 3, 1, true},
      {"8x28x28x128_1x1x256_stride2", 8, 28, 128, 256, 1, 1, 2},
      {"1x28x28x128_3x3x128", 1, 28, 128, 128, 3, 3, 1},
      {"1x14x14x256_3x3x256", 1, 14, 256, 256, 3, 3, 1},
      {"1x7x7x512_3x3x512", 1, 7, 512, 512, 3, 3, 1},
      {"1x56x56x128_3x3x128_stride2", 1, 56, 128, 128, 3, 3, 2},
      {"1x56x56x64_1x1x256", 1, 56, 64, 256, 1, 1, 1},
      {"1x56x56x256_1x1x64", 1, 56, 256, 64, 1, 1, 1},
      {"1x28x28x512_1x1x128", 1, 28, 512, 128, 1, 1, 1},
      {"1x14x14x1024_1x1x256", 1, 14, 1024, 256, 1, 1, 1},
      {"1x14x14x256_1x1x1024", 1, 14, 256, 1024, 1, 1, 1},
      {"1x7x7x2048_1x1x512", 1, 7, 2048, 512, 1, 1, 1},
      {"1x7x7x512_1x1x2048", 1, 7, 512, 2048, 1, 1, 1},
      {"1x17x17x192_1x7x192", 1, 17, 192, 192, 1, 7, 1},
      {"1x35x35x64_5x5x64", 1, 35, 64, 64, 5, 5, 1},
      {"1x224x224x3_7x7x64_stride2", 1, 224, 3, 64, 7, 7, 2},
      {"1x149x149x32_3x3x32", 1, 149, 32, 32, 3, 3, 1},
  };
  for (const Layer& l : layers) add(suite, l);
  return suite.run();
}
