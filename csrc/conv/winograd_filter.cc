// dfilter = G' [sum over tiles of (A grad A') * (B' input B)] G: what the forward pass does, transposed. The sum
// is, for each point, a product of matrices [input channels, tiles] and [tiles, output channels].
#include <algorithm>
#include <type_traits>
#include <vector>

#include "conv/band.h"
#include "conv/panels.h"
#include "conv/winograd.h"
#include "core/parallel.h"
#include "core/tensor.h"

namespace tfmini::conv {
namespace {

constexpr int64_t kBlockBytes = 4 << 20;  // of transformed tiles, which all threads share
constexpr int64_t kMinTiles = 128, kMaxTiles = 1024;
constexpr int64_t kPassTiles = 128;  // of one pass of a register tile, so that its operands stay in L1

class FilterGrad {
 public:
  FilterGrad(const ConvGeometry& g, const simd::WinogradScheme& scheme, const float* input, const float* grad)
      : g_(g),
        scheme_(scheme),
        input_(input),
        grad_(grad),
        tiles_(simd::conv_tiles<float>()),
        panels_(g.out_channels, tiles_.lanes, tiles_.max_vectors),
        tile_rows_(ceil_div(g.h.out, scheme.out_h)),
        tile_cols_(ceil_div(g.w.out, scheme.out_w)),
        tile_count_(g.batch * tile_rows_ * tile_cols_) {
    const int64_t tile_bytes = scheme.points() * (g.in_channels + g.out_channels) * static_cast<int64_t>(sizeof(float));
    const int64_t limit = std::clamp(kBlockBytes / tile_bytes, kMinTiles, kMaxTiles);
    block_tiles_ = ceil_div(tile_count_, ceil_div(tile_count_, limit));
    in_stride_ = winograd_spread(block_tiles_ * g.in_channels);
    grad_stride_ = winograd_spread(block_tiles_ * panels_.count * panels_.width());
    sum_stride_ = winograd_spread(g.in_channels * g.out_channels);
  }

  void run(float* dfilter) {
    in_ = Tensor(DType::kFloat, Shape{scheme_.points() * in_stride_});
    out_ = Tensor(DType::kFloat, Shape{scheme_.points() * grad_stride_});
    sums_ = Tensor(DType::kFloat, Shape{scheme_.points() * sum_stride_});
    const auto points = static_cast<double>(scheme_.points());
    const auto in = static_cast<double>(g_.in_channels), out = static_cast<double>(g_.out_channels);
    for (int64_t first = 0; first < tile_count_; first += block_tiles_) {
      const int64_t count = std::min(block_tiles_, tile_count_ - first);
      parallel_for(count, grain_for_cost(points * (in + out) / 5), [&](int64_t begin, int64_t end) {
        Tensor patch(DType::kFloat, Shape{scheme_.points() * std::max(g_.in_channels, g_.out_channels)});
        for (int64_t t = begin; t < end; ++t) load(first + t, t, patch.data<float>());
      });
      const double cost = static_cast<double>(count * panels_.width()) * in / 25;
      parallel_for(scheme_.points() * panels_.count, grain_for_cost(cost), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) multiply(i / panels_.count, i % panels_.count, count, first > 0);
      });
    }
    const int64_t row = g_.out_channels, taps = g_.in_channels * row;
    parallel_for(g_.in_channels, grain_for_cost(points * out / 5), [&](int64_t begin, int64_t end) {
      scheme_.gather(sums_.data<float>() + begin * row, sum_stride_, dfilter + begin * row, taps, (end - begin) * row);
    });
  }

 private:
  // Tile `tile` of the batch becomes tile t of the block.
  void load(int64_t tile, int64_t t, float* patch) {
    const int64_t n = tile / (tile_rows_ * tile_cols_), in_image = tile % (tile_rows_ * tile_cols_);
    const int64_t y = in_image / tile_cols_ * scheme_.out_h, x = in_image % tile_cols_ * scheme_.out_w;
    const int64_t c = g_.in_channels, k = g_.out_channels;
    int64_t row = 0;
    const Image<float> image{input_ + n * g_.h.in * g_.w.in * c, g_.h.in, g_.w.in, c, g_.nchw};
    const float* from = part(image, {g_.h.first(y), g_.w.first(x), scheme_.in_h, scheme_.in_w}, patch, row);
    scheme_.input(from, row, c, in_.data<float>() + t * c, in_stride_, c);
    const Image<float> grad{grad_ + n * g_.h.out * g_.w.out * k, g_.h.out, g_.w.out, k, g_.nchw};
    from = part(grad, {y, x, scheme_.out_h, scheme_.out_w}, patch, row);
    for (int64_t p = 0; p < panels_.count; ++p)
      scheme_.spread(from + p * panels_.width(), row, k, out_.data<float>() + (p * block_tiles_ + t) * panels_.width(),
                     grad_stride_, panels_.width_of(p));
  }

  // Where the rectangle lies: in the image, or copied with its padding. `row`: from row to row.
  static const float* part(const Image<float>& image, const Rect& rect, float* patch, int64_t& row) {
    row = image.width * image.channels;
    if (!image.nchw && rect.y >= 0 && rect.x >= 0 && rect.y + rect.height <= image.height &&
        rect.x + rect.width <= image.width)
      return image.data + rect.y * row + rect.x * image.channels;
    load_band(image, rect, patch);
    row = rect.width * image.channels;
    return patch;
  }

  // Adds the products of a block's tiles for one point and panel.
  void multiply(int64_t point, int64_t panel, int64_t count, bool accumulate) {
    constexpr int kMax = simd::ConvTiles<float>::kMaxRows;
    const int64_t c = g_.in_channels, width = panels_.width(), cols = panels_.width_of(panel);
    const int64_t vectors = ceil_div(cols, tiles_.lanes), strips = ceil_div(c, tiles_.max_rows[vectors - 1]);
    const float* const in = in_.data<float>() + point * in_stride_;
    const float* const grads = out_.data<float>() + point * grad_stride_ + panel * block_tiles_ * width;
    float* const sums = sums_.data<float>() + point * sum_stride_;
    const float* a[kMax];
    float* to[kMax];
    const int64_t offset = 0;
    for (int64_t t = 0; t < count; t += kPassTiles)
      for (int64_t i = 0; i < strips; ++i) {
        const int64_t first = c * i / strips, rows = c * (i + 1) / strips - first;
        for (int64_t r = 0; r < rows; ++r) {
          a[r] = in + t * c + first + r;
          to[r] = sums + (first + r) * g_.out_channels;
        }
        tiles_.tile[vectors - 1][rows - 1]({a, &offset, 1, std::min(kPassTiles, count - t), c, grads + t * width, width,
                                            to, panel * width, cols, accumulate || t > 0, to});
      }
  }

  const ConvGeometry& g_;
  const simd::WinogradScheme& scheme_;
  const float* input_;
  const float* grad_;
  const simd::ConvTiles<float>& tiles_;
  const Panels panels_;
  const int64_t tile_rows_, tile_cols_, tile_count_;
  int64_t block_tiles_, in_stride_, grad_stride_, sum_stride_;
  Tensor in_;    // [point][tile][input channel], transformed
  Tensor out_;   // [point][panel][tile][width], transformed gradients
  Tensor sums_;  // [point][input channel][output channel]
};

}  // namespace

// In multiply-adds per pair of channels, as winograd_wins; the sums are read and written by every pass.
template <class T>
bool winograd_filter_wins(const ConvGeometry& g) {
  if (!std::is_same_v<T, float> || g.groups != 1 || g.in_channels < 8 || g.out_channels < 8) return false;
  for (const WindowAxis& a : {g.h, g.w})
    if (a.stride != 1 || a.dilation != 1) return false;
  const simd::WinogradScheme* const s = winograd_scheme(g.h.kernel, g.w.kernel);
  if (!s) return false;
  const auto tiles = static_cast<double>(g.batch * ceil_div(g.h.out, s->out_h) * ceil_div(g.w.out, s->out_w));
  const auto in = static_cast<double>(g.in_channels), out = static_cast<double>(g.out_channels);
  constexpr double kSum = 40, kPass = 0.1;  // of one sum: to finish it, and per tile
  const double direct = static_cast<double>(g.batch * g.h.out * g.w.out * s->taps_h * s->taps_w);
  return s->points() * (tiles * (1 + kPass + kWinogradTransform / in + kWinogradTransform / out) + kSum) < direct;
}

template bool winograd_filter_wins<float>(const ConvGeometry&);
template bool winograd_filter_wins<double>(const ConvGeometry&);

void winograd_filter_grad(const ConvGeometry& g, const float* input, const float* grad, float* dfilter) {
  FilterGrad(g, *winograd_scheme(g.h.kernel, g.w.kernel), input, grad).run(dfilter);
}

}  // namespace tfmini::conv
