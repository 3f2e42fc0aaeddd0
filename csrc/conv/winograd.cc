#include "conv/winograd.h"

#include "conv/panels.h"
#include "conv/split.h"
#include "core/parallel.h"
#include "core/tensor.h"
#include "simd/conv.h"

namespace tfmini::conv {
namespace {

using simd::WinogradScheme;

constexpr int64_t kBlockTiles = 24;       // tiles that share one pass over the transformed filter, at least
constexpr int64_t kBlockBytes = 1 << 20;  // of transformed input and output per block, if that allows more
constexpr int64_t kMaxBlockTiles = 96;

class Winograd {
 public:
  Winograd(const Correlation<float>& job, const WinogradScheme& scheme)
      : job_(job),
        scheme_(scheme),
        tiles_(simd::conv_tiles<float>()),
        sources_(job.source.channels),
        panels_(job.dest_channels, tiles_.lanes, tiles_.max_vectors),
        filter_stride_(winograd_spread(panels_.count * sources_ * panels_.width())),
        tile_rows_(ceil_div(job.h.count, scheme.out_h)),
        tile_cols_(ceil_div(job.w.count, scheme.out_w)),
        tile_count_(job.batch * tile_rows_ * tile_cols_) {
    const int64_t tile_bytes = scheme.points() * (sources_ + job.dest_channels) * static_cast<int64_t>(sizeof(float));
    const int64_t limit = std::clamp(kBlockBytes / tile_bytes, kBlockTiles, kMaxBlockTiles);
    const auto points = static_cast<double>(scheme.points() * sources_);
    const auto tiles = static_cast<double>(tile_count_);
    const Split split = choose_split({.units = tile_count_,
                                      .panels = panels_.count,
                                      .others = 1,
                                      .least = ceil_div(tile_count_, limit),
                                      .most = std::max<int64_t>(1, tile_count_ / kBlockTiles),
                                      .products = points * static_cast<double>(panels_.width()),
                                      .range_bytes = points * static_cast<double>(sizeof(float) * panels_.cols),
                                      .split_bytes = 0,
                                      .split_products = kWinogradTransform * points * tiles});
    blocks_ = split.ranges;
    splits_ = split.splits;
    block_tiles_ = ceil_div(tile_count_, blocks_);
  }

  void run() {
    prepare_filter();
    const double products = static_cast<double>(tile_count_ * scheme_.points()) * static_cast<double>(sources_) *
                            static_cast<double>(job_.dest_channels);
    const double cost = products / (25.0 * static_cast<double>(blocks_ * splits_));  // ns, transforms included
    parallel_for(blocks_ * splits_, grain_for_cost(cost), [&](int64_t begin, int64_t end) {
      Worker worker(*this);
      for (int64_t t = begin; t < end; ++t) worker.run(t / splits_, t % splits_);
    });
  }

 private:
  // [point][panel][source channel][width]
  void prepare_filter() {
    if (job_.packed && job_.packed->defined()) {
      filter_ = *job_.packed;
      return;
    }
    filter_ = Tensor(DType::kFloat, Shape{scheme_.points() * filter_stride_});
    const TapMatrices<float>& m = job_.matrices;
    const int64_t width = panels_.width(), panel = sources_ * width, stride = winograd_spread(64 * width);
    const int64_t taps = scheme_.taps_h * scheme_.taps_w;
    float* const out = filter_.data<float>();
    // Pieces of a panel: few channels at a time, so that their taps stay in cache.
    const int64_t pieces = ceil_div(sources_, 64);
    const double cost = 0.1 * static_cast<double>(scheme_.points() * panel / pieces);
    parallel_for(panels_.count * pieces, grain_for_cost(cost), [&](int64_t begin, int64_t end) {
      Tensor scratch(DType::kFloat, Shape{taps * stride});
      for (int64_t i = begin; i < end; ++i) {
        const int64_t p = i / pieces, first = sources_ * (i % pieces) / pieces;
        const int64_t count = sources_ * (i % pieces + 1) / pieces - first;
        for (int64_t t = 0; t < taps; ++t) {
          const int64_t tap = job_.h.taps[t / scheme_.taps_w].k * m.width + job_.w.taps[t % scheme_.taps_w].k;
          pack_matrix(m.data + tap * m.tap_stride + first * m.source_stride + p * width * m.dest_stride,
                      m.source_stride, m.dest_stride, count, panels_.width_of(p), width,
                      job_.epilogue.scale ? job_.epilogue.scale + p * width : nullptr,
                      scratch.data<float>() + t * stride);
        }
        scheme_.filter(scratch.data<float>(), stride, out + p * panel + first * width, filter_stride_, count * width);
      }
    });
    if (job_.packed) *job_.packed = filter_;
  }

  // Scratch of one thread, reused over its blocks.
  class Worker {
   public:
    explicit Worker(const Winograd& job)
        : w_(job),
          in_stride_(winograd_spread(job.block_tiles_ * job.sources_)),
          cols_(ceil_div(job.panels_.count, job.splits_) * job.panels_.width()),
          out_stride_(winograd_spread(job.block_tiles_ * cols_)),
          in_(DType::kFloat, Shape{job.scheme_.points() * in_stride_}),
          out_(DType::kFloat, Shape{job.scheme_.points() * out_stride_}),
          patch_(DType::kFloat, Shape{job.scheme_.points() * job.sources_}),
          pixels_(DType::kFloat, Shape{job.scheme_.out_h * job.scheme_.out_w * cols_}) {}

    void run(int64_t block, int64_t split) {
      first_tile_ = w_.tile_count_ * block / w_.blocks_;
      count_ = w_.tile_count_ * (block + 1) / w_.blocks_ - first_tile_;
      if (block != block_)
        for (int64_t t = 0; t < count_; ++t) load(t);
      block_ = block;
      const int64_t first = w_.panels_.count * split / w_.splits_, last = w_.panels_.count * (split + 1) / w_.splits_;
      for (int64_t point = 0; point < w_.scheme_.points(); ++point)
        for (int64_t p = first; p < last; ++p) multiply(point, p, (p - first) * w_.panels_.width());
      const int64_t channel = first * w_.panels_.width();
      const int64_t channels = std::min(w_.panels_.cols, last * w_.panels_.width()) - channel;
      for (int64_t t = 0; t < count_; ++t) store(t, channel, channels);
    }

   private:
    struct Place {
      int64_t image, y, x;  // of the tile's first output
    };
    Place place(int64_t t) const {
      const int64_t tile = first_tile_ + t, in_image = tile % (w_.tile_rows_ * w_.tile_cols_);
      return {tile / (w_.tile_rows_ * w_.tile_cols_), in_image / w_.tile_cols_ * w_.scheme_.out_h,
              in_image % w_.tile_cols_ * w_.scheme_.out_w};
    }

    void load(int64_t t) {
      const Correlation<float>& job = w_.job_;
      Image<float> image = job.source;
      const Place at = place(t);
      image.data += at.image * image.height * image.width * image.channels;
      const Rect rect{at.y + job.h.low(), at.x + job.w.low(), w_.scheme_.in_h, w_.scheme_.in_w};
      int64_t row = image.width * image.channels;
      const float* x = image.data + rect.y * row + rect.x * image.channels;
      if (image.nchw || rect.y < 0 || rect.x < 0 || rect.y + rect.height > image.height ||
          rect.x + rect.width > image.width) {
        load_band(image, rect, patch_.data<float>());
        x = patch_.data<float>();
        row = rect.width * image.channels;
      }
      w_.scheme_.input(x, row, image.channels, in_.data<float>() + t * w_.sources_, in_stride_, w_.sources_);
    }

    void multiply(int64_t point, int64_t panel, int64_t col) {
      constexpr int kMax = simd::ConvTiles<float>::kMaxRows;
      const int64_t cols = w_.panels_.width_of(panel), vectors = ceil_div(cols, w_.panels_.lanes);
      const int64_t tiles = ceil_div(count_, w_.tiles_.max_rows[vectors - 1]), offset = 0;
      const float* const b =
          w_.filter_.data<float>() + point * w_.filter_stride_ + panel * w_.sources_ * w_.panels_.width();
      const float* a[kMax];
      float* c[kMax];
      for (int64_t i = 0; i < tiles; ++i) {
        const int64_t begin = count_ * i / tiles, rows = count_ * (i + 1) / tiles - begin;
        for (int64_t r = 0; r < rows; ++r) {
          a[r] = in_.data<float>() + point * in_stride_ + (begin + r) * w_.sources_;
          c[r] = out_.data<float>() + point * out_stride_ + (begin + r) * cols_;
        }
        w_.tiles_.tile[vectors - 1][rows - 1](
            {a, &offset, 1, w_.sources_, 1, b, w_.panels_.width(), c, col, cols, false, c});
      }
    }

    // Outputs [channel, channel + channels) of tile t.
    void store(int64_t t, int64_t channel, int64_t channels) {
      const Correlation<float>& job = w_.job_;
      const Place at = place(t);
      const int64_t tile_h = w_.scheme_.out_h, tile_w = w_.scheme_.out_w;
      const int64_t rows = std::min(tile_h, job.h.count - at.y), cols = std::min(tile_w, job.w.count - at.x);
      const int64_t plane = job.dest_height * job.dest_width, n = job.dest_channels;
      const bool nchw = job.source.nchw, whole = rows == tile_h && cols == tile_w && !nchw;
      float* const dest = job.dest + at.image * plane * n;
      float* const first = dest + (at.y * job.dest_width + at.x) * n + channel;
      float* const pixels = pixels_.data<float>();
      const float* const m = out_.data<float>() + t * cols_;
      if (whole)
        w_.scheme_.output(m, out_stride_, first, job.dest_width * n, n, channels);
      else
        w_.scheme_.output(m, out_stride_, pixels, tile_w * channels, channels, channels);
      float* c[simd::kWinogradMaxOutputs];
      for (int64_t y = 0; y < rows; ++y)
        for (int64_t x = 0; x < cols; ++x) {
          float* const from = pixels + (y * tile_w + x) * channels;
          float* const to = first + (y * job.dest_width + x) * n;
          if (!whole && !nchw) std::copy_n(from, channels, to);
          c[y * cols + x] = nchw ? from : to;
        }
      if (job.epilogue.finishes()) w_.tiles_.finish(job.finish(channel), c, 0, rows * cols, channels);
      if (!nchw) return;
      for (int64_t y = 0; y < rows; ++y)
        store_planes(pixels + y * tile_w * channels, cols, channels,
                     dest + channel * plane + (at.y + y) * job.dest_width + at.x, plane, [](int64_t x) { return x; });
    }

    const Winograd& w_;
    const int64_t in_stride_, cols_, out_stride_;
    Tensor in_, out_;        // [point][tile][channels], transformed
    Tensor patch_, pixels_;  // of one tile: inputs with padding, outputs
    int64_t block_ = -1, first_tile_ = 0, count_ = 0;
  };

  const Correlation<float>& job_;
  const WinogradScheme& scheme_;
  const simd::ConvTiles<float>& tiles_;
  const int64_t sources_;
  const Panels panels_;
  const int64_t filter_stride_, tile_rows_, tile_cols_, tile_count_;
  int64_t block_tiles_, blocks_, splits_;
  Tensor filter_;
};

template <class T>
const WinogradScheme* scheme_for(const Correlation<T>& job) {
  if (sizeof(T) != sizeof(float) || job.groups != 1) return nullptr;
  for (const AxisTaps* a : {&job.h, &job.w})
    if (!a->dense() || a->step != 1 || a->every != 1 || a->first != 0) return nullptr;
  return winograd_scheme(static_cast<int64_t>(job.h.taps.size()), static_cast<int64_t>(job.w.taps.size()));
}

}  // namespace

int64_t winograd_spread(int64_t elements) { return ceil_div(elements, 1024) * 1024 + 16; }

const WinogradScheme* winograd_scheme(int64_t taps_h, int64_t taps_w) {
  for (const WinogradScheme& s : simd::winograd_table().schemes)
    if (s.taps_h == taps_h && s.taps_w == taps_w) return &s;
  return nullptr;
}

// In multiply-adds per pair of channels. The constants are measured: what an element of the filter costs
// to fetch and to transform.
template <class T>
bool winograd_wins(const Correlation<T>& job) {
  const WinogradScheme* const s = scheme_for(job);
  if (!s) return false;
  const auto sources = static_cast<double>(job.source.channels), dests = static_cast<double>(job.dest_channels);
  const auto tiles = static_cast<double>(job.batch * ceil_div(job.h.count, s->out_h) * ceil_div(job.w.count, s->out_w));
  constexpr double kFetch = 20, kPrepare = 60;
  const double per_filter_element = job.packed ? kFetch : kFetch + kPrepare;
  const double direct = static_cast<double>(job.batch * job.h.count * job.w.count * s->taps_h * s->taps_w);
  const double minimal =
      s->points() * (tiles * (1 + kWinogradTransform / sources + kWinogradTransform / dests) + per_filter_element);
  return sources >= 8 && dests >= 8 && minimal < direct;
}

template bool winograd_wins(const Correlation<float>&);
template bool winograd_wins(const Correlation<double>&);

void winograd(const Correlation<float>& job) { Winograd(job, *scheme_for(job)).run(); }

}  // namespace tfmini::conv
