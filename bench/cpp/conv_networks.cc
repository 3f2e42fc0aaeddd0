// The convolutions of ResNet-50 and Inception-v3 inference one by one, filters packed before, sorted by the
// time they lose: what they take beyond their multiplications (of the direct sum) at the machine's peak. Winograd's
// method may gain.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "conv/conv.h"
#include "core/parallel.h"
#include "probe.h"

namespace tfmini {
namespace {

struct Layer {
  int64_t size, in, out, kernel_h, kernel_w, stride;
  bool padded, added;  // SAME; with the sum of a shortcut
  int count = 1;

  bool same_as(const Layer& l) const {
    return size == l.size && in == l.in && out == l.out && kernel_h == l.kernel_h && kernel_w == l.kernel_w &&
           stride == l.stride && padded == l.padded && added == l.added;
  }
};

// Collects layers as an image passes through them.
class Network {
 public:
  struct Image {
    int64_t size, channels;
  };

  Image conv(Image x, int64_t out, int64_t kernel_h, int64_t kernel_w, int64_t stride = 1, bool padded = true,
             bool added = false) {
    const Layer layer{x.size, x.channels, out, kernel_h, kernel_w, stride, padded, added};
    const auto known = std::ranges::find_if(layers, [&](const Layer& l) { return l.same_as(layer); });
    if (known == layers.end())
      layers.push_back(layer);
    else
      ++known->count;
    return {padded ? (x.size + stride - 1) / stride : (x.size - kernel_h) / stride + 1, out};
  }
  Image shrink(Image x, int64_t out) { return conv(x, out, 3, 3, 2, false); }

  std::vector<Layer> layers;
};

Network resnet50() {
  Network n;
  Network::Image x = n.conv({224, 3}, 64, 7, 7, 2);
  x.size = 56;
  const int64_t blocks[] = {3, 4, 6, 3};
  for (int64_t stage = 0, width = 64; stage < 4; ++stage, width *= 2)
    for (int64_t block = 0; block < blocks[stage]; ++block) {
      const int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      if (block == 0) n.conv(x, 4 * width, 1, 1, stride);
      x = n.conv(n.conv(n.conv(x, width, 1, 1), width, 3, 3, stride), 4 * width, 1, 1, 1, true, true);
    }
  return n;
}

Network inception_v3() {
  Network n;
  using Image = Network::Image;
  Image x = n.conv(n.conv(n.shrink({299, 3}, 32), 32, 3, 3, 1, false), 64, 3, 3);
  x = n.conv(n.conv({73, x.channels}, 80, 1, 1), 192, 3, 3, 1, false);
  x.size = 35;
  for (const int64_t pool : {32, 64, 64}) {
    n.conv(x, 64, 1, 1);
    n.conv(n.conv(x, 48, 1, 1), 64, 5, 5);
    n.conv(n.conv(n.conv(x, 64, 1, 1), 96, 3, 3), 96, 3, 3);
    n.conv(x, pool, 1, 1);
    x.channels = 224 + pool;
  }
  n.shrink(x, 384);
  n.shrink(n.conv(n.conv(x, 64, 1, 1), 96, 3, 3), 96);
  x = {17, 768};
  for (const int64_t w : {128, 160, 160, 192}) {
    n.conv(x, 192, 1, 1);
    n.conv(n.conv(n.conv(x, w, 1, 1), w, 1, 7), 192, 7, 1);
    n.conv(n.conv(n.conv(n.conv(n.conv(x, w, 1, 1), w, 7, 1), w, 1, 7), w, 7, 1), 192, 1, 7);
    n.conv(x, 192, 1, 1);
  }
  n.shrink(n.conv(x, 192, 1, 1), 320);
  n.shrink(n.conv(n.conv(n.conv(x, 192, 1, 1), 192, 1, 7), 192, 7, 1), 192);
  x = {8, 1280};
  for (int block = 0; block < 2; ++block) {
    const Image narrow = n.conv(x, 384, 1, 1), deep = n.conv(n.conv(x, 448, 1, 1), 384, 3, 3);
    for (const Image& branch : {narrow, deep}) {
      n.conv(branch, 384, 1, 3);
      n.conv(branch, 384, 3, 1);
    }
    n.conv(x, 320, 1, 1);
    n.conv(x, 192, 1, 1);
    x.channels = 2048;
  }
  return n;
}

WindowAxis axis(int64_t in, int64_t kernel, int64_t stride, bool padded) {
  const int64_t out = padded ? (in + stride - 1) / stride : (in - kernel) / stride + 1;
  return {in, kernel, stride, 1, padded ? kernel / 2 : 0, out};
}

struct Result {
  std::string name;
  double seconds, ideal;
};

Result measure(const Layer& l, int64_t batch, double budget, double peak) {
  ConvGeometry g;
  g.batch = batch;
  g.in_channels = l.in;
  g.out_channels = l.out;
  g.h = axis(l.size, l.kernel_h, l.stride, l.padded);
  g.w = axis(l.size, l.kernel_w, l.stride, l.padded);
  const auto pixels = static_cast<size_t>(batch * g.h.out * g.w.out);
  std::vector<float> x(static_cast<size_t>(batch * l.size * l.size * l.in), 0.5f),
      y(pixels * static_cast<size_t>(l.out));
  std::vector<float> f(static_cast<size_t>(g.depth() * l.out), 0.125f), bias(static_cast<size_t>(l.out), 0.1f);
  std::vector<float> shortcut(l.added ? y.size() : 0, 0.5f);
  conv::Epilogue<float> epilogue;
  epilogue.bias = bias.data();
  epilogue.add = l.added ? shortcut.data() : nullptr;
  epilogue.low = 0;
  Tensor packed;
  double best = 1e9;
  const double end = probe::now() + budget;
  for (int i = 0; i < 3 || probe::now() < end; ++i) {
    const double start = probe::now();
    conv::forward(g, x.data(), f.data(), y.data(), epilogue, &packed);
    best = std::min(best, probe::now() - start);
  }
  const double flops = 2.0 * static_cast<double>(y.size()) * static_cast<double>(g.depth());
  char name[96];
  std::snprintf(name, sizeof name, "%2d of %3ldx%-3ldx%4ld %ldx%ldx%ld%s%s%s", l.count, long(l.size), long(l.size),
                long(l.in), long(l.kernel_h), long(l.kernel_w), long(l.out), l.stride > 1 ? " / 2" : "",
                l.padded ? "" : " valid", l.added ? " + shortcut" : "");
  return {name, l.count * best, l.count * 1e-9 * flops / peak};
}

void run(const char* title, const Network& network, int64_t batch, double budget) {
  const double peak = probe::peak_gflops(max_threads(), 10);
  std::vector<Result> results;
  for (const Layer& l : network.layers)
    results.push_back(measure(l, batch, budget / static_cast<double>(network.layers.size()), peak));
  std::ranges::sort(results, std::ranges::greater{}, [](const Result& r) { return r.seconds - r.ideal; });
  double seconds = 0, ideal = 0;
  std::printf("%s, batch %ld, peak %.0f GFLOP/s\n", title, long(batch), peak);
  for (const Result& r : results) {
    std::printf("  %-46s %8.1f us %6.1f %%  lost %7.1f us\n", r.name.c_str(), 1e6 * r.seconds,
                100 * r.ideal / r.seconds, 1e6 * (r.seconds - r.ideal));
    seconds += r.seconds;
    ideal += r.ideal;
  }
  std::printf("  %-46s %8.1f us %6.1f %%\n", "all convolutions", 1e6 * seconds, 100 * ideal / seconds);
}

}  // namespace
}  // namespace tfmini

// Arguments: resnet50 or inception_v3 (or "": both), the batch size, seconds per network.
int main(int argc, char** argv) {
  const char* which = argc > 1 ? argv[1] : "";
  const int64_t batch = argc > 2 ? std::max(1, std::atoi(argv[2])) : 1;
  const double budget = argc > 3 ? std::atof(argv[3]) : 4.0;
  if (std::strstr("resnet50", which)) tfmini::run("ResNet-50", tfmini::resnet50(), batch, budget);
  if (std::strstr("inception_v3", which)) tfmini::run("Inception-v3", tfmini::inception_v3(), batch, budget);
}
