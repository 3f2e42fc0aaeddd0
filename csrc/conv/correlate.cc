#include "conv/correlate.h"

#include "conv/panels.h"
#include "conv/split.h"
#include "conv/winograd.h"
#include "core/parallel.h"
#include "core/tensor.h"
#include "simd/conv.h"

namespace tfmini::conv {
namespace {

using simd::ConvFinish;
using simd::ConvTile;
using simd::ConvTiles;

constexpr int64_t kBandBytes = 192 << 10;    // of source per block: leaves room for the filter in L2
constexpr int64_t kFilterBytes = 256 << 10;  // of a filter that stays in L2
constexpr int64_t kRowBytes = 512;           // of outputs side by side that are worth keeping it there
constexpr int64_t kDepthBlock = 1024;        // rows of the filter per pass over a block's pixels
constexpr int64_t kPackRows = 64;            // of the filter packed at a time
constexpr int64_t kMinPixels = 24;           // a block this small is not split further

// A stretch of the products' index k that one tile call covers.
struct DepthBlock {
  int64_t first_run, runs, length, k;
};

template <class T>
class Correlator {
 public:
  explicit Correlator(const Correlation<T>& job)
      : job_(job),
        tiles_(simd::conv_tiles<T>()),
        group_source_(job.source.channels / job.groups),
        group_dest_(job.dest_channels / job.groups),
        panels_(group_dest_, tiles_.lanes, tiles_.max_vectors),
        depth_(static_cast<int64_t>(job.h.taps.size() * job.w.taps.size()) * group_source_) {}

  void run() {
    choose_blocks();
    plan_runs();
    prepare_matrices();
    const int64_t blocks = stripes_ * ranges_;
    const int64_t slices = job_.groups * panel_splits_;
    const double flops = 2.0 * job_.batch * job_.h.count * job_.w.count * job_.dest_channels * depth_;
    const double cost = flops / (60.0 * static_cast<double>(blocks * slices));  // nanoseconds, at 60 GFLOP/s
    parallel_for(blocks * slices, grain_for_cost(cost), [&](int64_t begin, int64_t end) {
      Worker worker(*this);
      for (int64_t t = begin; t < end; ++t) worker.run(t / slices, t % slices);
    });
  }

 private:
  int64_t band_elements(int64_t rows, int64_t cols) const {
    return job_.h.span(rows) * job_.w.span(cols) * job_.source.channels;
  }

  // Stripes of columns, if rows are too long for a band, and of each stripe equal ranges of pixels, in
  // the order in which they lie, through all rows and images.
  void choose_blocks() {
    constexpr int64_t kElements = kBandBytes / sizeof(T);
    const int64_t height = job_.h.count, width = job_.w.count, lines = job_.batch * height;
    while (width / stripes_ > kMinPixels && band_elements(1, ceil_div(width, stripes_)) > kElements) stripes_ *= 2;
    const int64_t cols = ceil_div(width, stripes_), pixels = lines * cols;
    int64_t rows = 1;  // of a band
    while (rows < height && band_elements(rows + 1, cols) <= kElements) ++rows;
    if (rows == height) rows *= std::max<int64_t>(1, kElements / band_elements(height, cols));
    // The image is read, copied and read again.
    const auto image = static_cast<double>(job_.batch * job_.source.height * job_.source.width * group_source_);
    const Split split = choose_split({.units = pixels,
                                      .panels = panels_.count,
                                      .others = stripes_ * job_.groups,
                                      .least = ceil_div(lines, rows),
                                      .most = std::max<int64_t>(1, pixels / kMinPixels),
                                      .products = static_cast<double>(panels_.width() * depth_),
                                      .range_bytes = static_cast<double>(sizeof(T) * depth_ * group_dest_),
                                      .split_bytes = 3.0 * sizeof(T) * image});
    ranges_ = split.ranges;
    panel_splits_ = split.splits;
  }

  // Taps of one filter row that read neighbouring pixels form a single run of products.
  void plan_runs() {
    merged_ = job_.groups == 1 && job_.w.dense();
    const int64_t taps_w = job_.w.taps.size();
    const int64_t length = merged_ ? taps_w * group_source_ : group_source_;
    for (const auto& th : job_.h.taps) {
      for (int64_t t = 0; t < (merged_ ? 1 : taps_w); ++t) {
        const int64_t dy = th.offset - job_.h.low(), dx = job_.w.taps[t].offset - job_.w.low();
        const int64_t pieces = ceil_div(length, kDepthBlock), piece = ceil_div(length, pieces);
        for (int64_t at = 0; at < length; at += piece) {
          const int64_t n = std::min(piece, length - at);
          if (blocks_.empty() || blocks_.back().length != n || (blocks_.back().runs + 1) * n > kDepthBlock)
            blocks_.push_back({static_cast<int64_t>(runs_.size()), 0, n, 0});
          ++blocks_.back().runs;
          runs_.push_back({dy, dx, at});
        }
      }
    }
    for (size_t i = 1; i < blocks_.size(); ++i)
      blocks_[i].k = blocks_[i - 1].k + blocks_[i - 1].runs * blocks_[i - 1].length;
  }

  // Packs the matrices into panels [group][panel][k][width], unless they are read too few times to
  // repay it and lie well as they are.
  void prepare_matrices() {
    const TapMatrices<T>& m = job_.matrices;
    const int64_t tiles = ceil_div(job_.batch * job_.h.count * job_.w.count, tiles_.max_rows[panels_.vectors - 1]);
    const bool in_order = m.dest_stride == 1 && m.tap_stride == group_source_ * m.source_stride;
    const bool as_is = in_order && job_.groups == 1 && group_dest_ % panels_.lanes == 0 && merged_;
    if (as_is && tiles < 8 && !job_.packed && !job_.epilogue.scale) {
      b_ = m.data;
      ldb_ = m.source_stride;
      panel_stride_ = panels_.width();
      return;
    }
    ldb_ = panels_.width();
    panel_stride_ = depth_ * ldb_;
    if (job_.packed && job_.packed->defined()) {
      packed_ = *job_.packed;
    } else {
      packed_ = Tensor(dtype_of<T>, Shape{job_.groups * panels_.count * panel_stride_});
      pack(packed_.template data<T>());
      if (job_.packed) *job_.packed = packed_;
    }
    b_ = packed_.template data<T>();
  }

  void pack(T* packed) const {
    const TapMatrices<T>& m = job_.matrices;
    const int64_t taps_w = job_.w.taps.size(), taps = job_.h.taps.size() * taps_w;
    const int64_t bytes = group_source_ * group_dest_ * sizeof(T) * 2;
    parallel_for(job_.groups * taps, grain_for_bytes(bytes), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t group = i / taps, tap = i % taps;
        const T* from = m.data + (job_.h.taps[tap / taps_w].k * m.width + job_.w.taps[tap % taps_w].k) * m.tap_stride +
                        group * m.group_stride;
        // Few rows at a time for all panels, so that whole cache lines are used, in both directions.
        for (int64_t s = 0; s < group_source_; s += kPackRows) {
          const int64_t rows = std::min(kPackRows, group_source_ - s);
          for (int64_t p = 0; p < panels_.count; ++p) {
            const int64_t channel = p * panels_.width();
            pack_matrix(from + s * m.source_stride + channel * m.dest_stride, m.source_stride, m.dest_stride, rows,
                        panels_.width_of(p), ldb_,
                        job_.epilogue.scale ? job_.epilogue.scale + group * group_dest_ + channel : nullptr,
                        packed + (group * panels_.count + p) * panel_stride_ + (tap * group_source_ + s) * ldb_);
          }
        }
      }
    });
  }

  struct Run {
    int64_t dy, dx, at;
  };

  // Scratch of one thread, reused over its blocks.
  class Worker {
   public:
    explicit Worker(const Correlator& job) : c_(job) {
      const Correlation<T>& c = job.job_;
      const int64_t pixels = ceil_div(c.batch * c.h.count * ceil_div(c.w.count, job.stripes_), job.ranges_);
      a_.resize(pixels);
      out_.resize(pixels);
      at_.resize(pixels);
      offsets_.resize(job.runs_.size());
      if (job.job_.source.nchw) {
        const int64_t cols = ceil_div(job.panels_.count, job.panel_splits_) * job.panels_.width();
        planes_ = Tensor(dtype_of<T>, Shape{pixels * cols});
      }
    }

    void run(int64_t block, int64_t slice) {
      if (block != block_) load(block);
      block_ = block;
      const int64_t group = slice / c_.panel_splits_, split = slice % c_.panel_splits_;
      const int64_t first = c_.panels_.count * split / c_.panel_splits_;
      const int64_t last = c_.panels_.count * (split + 1) / c_.panel_splits_;
      const int64_t first_channel = group * c_.group_dest_ + first * c_.panels_.width();
      const Correlation<T>& job = c_.job_;
      const bool nchw = job.source.nchw;
      const int64_t plane = job.dest_height * job.dest_width;
      int64_t cols = 0;
      for (int64_t p = first; p < last; ++p) cols += c_.panels_.width_of(p);
      for (int64_t i = 0; i < pixels_; ++i)
        out_[i] = nchw ? planes_.data<T>() + i * cols : job.dest + at_[i] * job.dest_channels + first_channel;
      for (size_t r = 0; r < c_.runs_.size(); ++r) {
        const Run& run = c_.runs_[r];
        offsets_[r] = (run.dy * row_pixels_ + run.dx) * job.source.channels + group * c_.group_source_ + run.at;
      }
      // A wide filter that stays in L2 passes over few pixels at a time: their outputs are written from end to end.
      constexpr int64_t kBytes = sizeof(T);
      const bool strip = (last - first) * c_.panel_stride_ * kBytes <= kFilterBytes && cols * kBytes >= kRowBytes;
      const int64_t strips = strip ? ceil_div(pixels_, c_.tiles_.max_rows[c_.panels_.vectors - 1]) : 1;
      for (int64_t i = 0; i < strips; ++i)
        for (int64_t p = first; p < last; ++p)
          multiply(group, p, (p - first) * c_.panels_.width(), pixels_ * i / strips, pixels_ * (i + 1) / strips);
      if (nchw)
        store_planes(planes_.data<T>(), pixels_, cols, job.dest + first_channel * plane, plane,
                     [this](int64_t p) { return at_[p]; });
    }

   private:
    // Pointers to the block's source pixels, in the images themselves if no border has to be padded.
    void load(int64_t block) {
      const Correlation<T>& job = c_.job_;
      const Image<T>& src = job.source;
      const int64_t stripe = block / c_.ranges_, range = block % c_.ranges_;
      const int64_t col0 = job.w.count * stripe / c_.stripes_;
      const int64_t cols = job.w.count * (stripe + 1) / c_.stripes_ - col0, plane = job.h.count * cols;
      const int64_t first = job.batch * plane * range / c_.ranges_, last = job.batch * plane * (range + 1) / c_.ranges_;
      pieces_.clear();
      bool direct = !src.nchw;
      int64_t pixels = 0;  // of the band
      for (int64_t p = first; p < last;) {
        const int64_t image = p / plane, end = std::min(last, (image + 1) * plane);
        const int64_t row = (p - image * plane) / cols, rows = ceil_div(end - image * plane, cols) - row;
        const Rect rect{row * job.h.step + job.h.low(), col0 * job.w.step + job.w.low(), job.h.span(rows),
                        job.w.span(cols)};
        direct &= rect.y >= 0 && rect.x >= 0 && rect.y + rect.height <= src.height && rect.x + rect.width <= src.width;
        pieces_.push_back({rect, image, p - image * plane, end - image * plane, pixels});
        pixels += rect.height * rect.width;
        p = end;
      }
      if (!direct && (!band_.defined() || band_.num_elements() < pixels * src.channels))
        band_ = Tensor(dtype_of<T>, Shape{pixels * src.channels});
      row_pixels_ = direct ? src.width : job.w.span(cols);
      pixels_ = 0;
      const int64_t dest_plane = job.dest_height * job.dest_width;
      for (const Piece& piece : pieces_) {
        const Rect& rect = piece.rect;
        Image<T> image = src;
        image.data += piece.image * src.height * src.width * src.channels;
        const T* origin = image.data + (rect.y * src.width + rect.x) * src.channels;
        if (!direct) {
          T* const copy = band_.data<T>() + piece.at * src.channels;
          load_band(image, rect, copy);
          origin = copy;
        }
        const int64_t base = piece.image * (src.nchw ? job.dest_channels : 1) * dest_plane, row0 = piece.begin / cols;
        int64_t y = row0, x = piece.begin % cols;
        for (int64_t p = piece.begin; p < piece.end; ++p, ++pixels_) {
          a_[pixels_] = origin + ((y - row0) * job.h.step * row_pixels_ + x * job.w.step) * src.channels;
          at_[pixels_] =
              base + (job.h.first + y * job.h.every) * job.dest_width + job.w.first + (col0 + x) * job.w.every;
          if (++x == cols) x = 0, ++y;
        }
      }
    }

    void multiply(int64_t group, int64_t panel, int64_t c_offset, int64_t first, int64_t last) {
      const int64_t cols = c_.panels_.width_of(panel);
      const T* b = c_.b_ + (group * c_.panels_.count + panel) * c_.panel_stride_;
      const ConvFinish<T> finish = c_.job_.finish(group * c_.group_dest_ + panel * c_.panels_.width());
      const bool finishes = c_.job_.epilogue.finishes();
      const int64_t vectors = ceil_div(cols, c_.panels_.lanes);
      const int64_t max_rows = c_.tiles_.max_rows[vectors - 1];
      const int64_t tiles = ceil_div(last - first, max_rows);
      for (const DepthBlock& d : c_.blocks_) {
        ConvTile<T> t{nullptr,
                      offsets_.data() + d.first_run,
                      d.runs,
                      d.length,
                      1,
                      b + d.k * c_.ldb_,
                      c_.ldb_,
                      nullptr,
                      c_offset,
                      cols,
                      d.k > 0,
                      nullptr,
                      finishes && &d == &c_.blocks_.back() ? &finish : nullptr};
        for (int64_t i = 0; i < tiles; ++i) {
          const int64_t begin = first + (last - first) * i / tiles, end = first + (last - first) * (i + 1) / tiles;
          t.a = a_.data() + begin;
          t.c = out_.data() + begin;
          t.next = out_.data() + std::min(end, pixels_ - (end - begin));
          c_.tiles_.tile[vectors - 1][end - begin - 1](t);
        }
      }
    }

    // The part of a block in one image: its pixels [begin, end), and where they lie in the band.
    struct Piece {
      Rect rect;
      int64_t image, begin, end, at;
    };

    const Correlator& c_;
    int64_t block_ = -1;
    int64_t pixels_ = 0;
    int64_t row_pixels_ = 0;
    Tensor band_, planes_;
    std::vector<Piece> pieces_;
    std::vector<const T*> a_;
    std::vector<T*> out_;
    std::vector<int64_t> at_, offsets_;
  };

  const Correlation<T>& job_;
  const ConvTiles<T>& tiles_;
  const int64_t group_source_, group_dest_;
  const Panels panels_;
  const int64_t depth_;
  int64_t stripes_ = 1, ranges_ = 1, panel_splits_ = 1;
  bool merged_ = false;
  std::vector<Run> runs_;
  std::vector<DepthBlock> blocks_;
  Tensor packed_;
  const T* b_ = nullptr;
  int64_t ldb_ = 0, panel_stride_ = 0;
};

// Outputs that no source reaches: sums of nothing.
template <class T>
void clear(const Correlation<T>& job) {
  const int64_t channels = job.dest_channels, plane = job.dest_height * job.dest_width;
  const bool nchw = job.source.nchw;
  std::vector<T> planar(nchw ? channels : 0);
  for (int64_t n = 0; n < job.batch; ++n)
    for (int64_t y = 0; y < job.h.count; ++y)
      for (int64_t x = 0; x < job.w.count; ++x) {
        const int64_t at = (job.h.first + y * job.h.every) * job.dest_width + job.w.first + x * job.w.every;
        T* const out = job.dest + n * plane * channels + (nchw ? at : at * channels);
        T* const sums = nchw ? planar.data() : out;
        std::fill_n(sums, channels, T(0));
        simd::conv_tiles<T>().finish(job.finish(0), &sums, 0, 1, channels);
        if (nchw) store_planes(sums, 1, channels, out, plane, [](int64_t) { return 0; });
      }
}

}  // namespace

template <class T>
void correlate_directly(const Correlation<T>& job) {
  Correlator<T>(job).run();
}

template <class T>
void correlate(const Correlation<T>& job) {
  if (job.batch * job.h.count * job.w.count * job.dest_channels == 0) return;
  if (job.h.taps.empty() || job.w.taps.empty() || job.source.channels == 0) return clear(job);
  if constexpr (std::is_same_v<T, float>)
    if (winograd_wins(job)) return winograd(job);
  correlate_directly(job);
}

template void correlate_directly(const Correlation<float>&);
template void correlate(const Correlation<float>&);
template void correlate(const Correlation<double>&);

}  // namespace tfmini::conv
