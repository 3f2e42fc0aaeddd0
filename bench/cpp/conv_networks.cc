// The convolutions of ResNet-50 and Inception-v3 inference one after the other, as in the networks (filters packed
// before, but not in cache), sorted by the time they lose: what they take beyond their multiplications (of the direct
// sum) at the machine's peak. Winograd's method may gain.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "conv/conv.h"
#include "core/parallel.h"
#include "probe.h"

namespace tfmini {
namespace {

struct Layer {
  int64_t size, in, out, kernel_h, kernel_w, stride;
  bool padded, added;  // SAME; with the sum of a shortcut
};

// Collects layers as an image passes through them.
class Network {
 public:
  struct Image {
    int64_t size, channels;
  };

  Image conv(Image x, int64_t out, int64_t kernel_h, int64_t kernel_w, int64_t stride = 1, bool padded = true,
             bool added = false) {
    layers.push_back({x.size, x.channels, out, kernel_h, kernel_w, stride, padded, added});
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

std::string name(const Layer& l) {
  const auto text = [](int64_t i) { return std::to_string(i); };
  return text(l.size) + "x" + text(l.size) + "x" + text(l.in) + " " + text(l.kernel_h) + "x" + text(l.kernel_w) + "x" +
         text(l.out) + (l.stride > 1 ? " / 2" : "") + (l.padded ? "" : " valid") + (l.added ? " + shortcut" : "");
}

// A layer with its packed filter. Images are the same for all layers of one size.
struct Step {
  ConvGeometry g;
  bool added;
  Tensor packed;
  double seconds = 1e9;

  Step(const Layer& l, int64_t batch) : added(l.added) {
    g.batch = batch;
    g.in_channels = l.in;
    g.out_channels = l.out;
    g.h = axis(l.size, l.kernel_h, l.stride, l.padded);
    g.w = axis(l.size, l.kernel_w, l.stride, l.padded);
  }
  int64_t inputs() const { return g.batch * g.h.in * g.w.in * g.in_channels; }
  int64_t outputs() const { return g.batch * g.h.out * g.w.out * g.out_channels; }
  double flops() const { return 2.0 * static_cast<double>(outputs() * g.depth()); }
};

struct Total {
  int count = 0;
  double seconds = 0, ideal = 0;
};

void run(const char* title, const Network& network, int64_t batch, double budget) {
  const double peak = probe::peak_gflops(max_threads(), 10);
  std::vector<Step> steps;
  int64_t largest = 0, filter = 0;
  for (const Layer& l : network.layers) {
    const Step& s = steps.emplace_back(l, batch);
    largest = std::max({largest, s.inputs(), s.outputs()});
    filter = std::max(filter, s.g.depth() * s.g.out_channels);
  }
  const std::vector<float> f(static_cast<size_t>(filter), 0.125f), bias(4096, 0.1f);
  std::vector<float> images[3];  // two in turn, and one for shortcuts
  for (auto& image : images) image.assign(static_cast<size_t>(largest), 0.5f);
  const double end = probe::now() + budget;
  for (int i = 0; i < (budget > 0 ? 3 : 1) || probe::now() < end; ++i)
    for (size_t k = 0; k < steps.size(); ++k) {
      Step& s = steps[k];
      conv::Epilogue<float> epilogue;
      epilogue.bias = bias.data();
      epilogue.add = s.added ? images[2].data() : nullptr;
      epilogue.low = 0;
      epilogue.high = 1;
      const double start = probe::now();
      conv::forward(s.g, images[k % 2].data(), f.data(), images[1 - k % 2].data(), epilogue, &s.packed);
      s.seconds = std::min(s.seconds, probe::now() - start);
    }

  std::map<std::string, Total> totals;
  Total all;
  for (size_t k = 0; k < steps.size(); ++k)
    for (Total* t : {&totals[name(network.layers[k])], &all}) {
      ++t->count;
      t->seconds += steps[k].seconds;
      t->ideal += 1e-9 * steps[k].flops() / peak;
    }
  std::vector<std::pair<std::string, Total>> rows(totals.begin(), totals.end());
  std::ranges::sort(rows, std::ranges::greater{}, [](const auto& r) { return r.second.seconds - r.second.ideal; });
  rows.emplace_back("all convolutions", all);
  std::printf("%s, batch %ld, peak %.0f GFLOP/s\n", title, long(batch), peak);
  for (const auto& [row, t] : rows)
    std::printf("  %2d of %-40s %8.1f us %6.1f %%  lost %7.1f us\n", t.count, row.c_str(), 1e6 * t.seconds,
                100 * t.ideal / t.seconds, 1e6 * (t.seconds - t.ideal));
}

}  // namespace
}  // namespace tfmini

int main(int argc, char** argv) {
  std::string only;
  int64_t batch = 1;
  double budget = 4.0;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const bool known = option == "--only" || option == "--batch" || option == "--budget";
    if (!known || i + 1 == argc) {
      std::printf(
          "The convolutions of whole networks, those that lose the most first.\n\n"
          "  --only TEXT        networks whose name contains TEXT: resnet50, inception_v3\n"
          "  --batch N          images at a time (default 1)\n"
          "  --budget SECONDS   time per network (default 4; 0: call each layer once)\n");
      return option == "--help" || option == "-h" ? 0 : 2;
    }
    const char* const value = argv[++i];
    if (option == "--only") only = value;
    if (option == "--batch") batch = std::max(1, std::atoi(value));
    if (option == "--budget") budget = std::atof(value);
  }
  if (std::string("resnet50").find(only) != std::string::npos)
    tfmini::run("ResNet-50", tfmini::resnet50(), batch, budget);
  if (std::string("inception_v3").find(only) != std::string::npos)
    tfmini::run("Inception-v3", tfmini::inception_v3(), batch, budget);
}
