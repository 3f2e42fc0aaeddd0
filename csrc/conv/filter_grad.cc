// dfilter[tap, ci, co] = sum over output pixels of input[pixel + tap, ci] * grad[pixel, co]: a
// product of two tall matrices, of which neither is formed. Rows of the register tile are
// (tap, ci) pairs, its runs are rows of the image.
//
// With many channels the padded copy of the input holds bundles of as many channels as the tile has
// rows, pixel after pixel: a tile then reads its part of L1 from end to end, once per tap.
#include <vector>

#include "conv/band.h"
#include "conv/conv.h"
#include "conv/panels.h"
#include "conv/pointwise.h"
#include "conv/winograd.h"
#include "core/parallel.h"
#include "core/tensor.h"
#include "simd/conv.h"

namespace tfmini::conv {
namespace {

using simd::ConvTile;
using simd::ConvTiles;

constexpr int64_t kBandBytes = 256 << 10;      // of padded input and gradient held at a time by a thread,
constexpr int64_t kSharedBandBytes = 4 << 20;  // or by all of them
constexpr int64_t kL1Bytes = 12 << 10;         // of gradient per pass over the filter's rows,
constexpr int64_t kL2Bytes = 192 << 10;        // or of gradient if the filter is larger than that itself
constexpr int64_t kParts = 16;                 // partial sums at most; fixed, so that bits do not depend on threads
constexpr int64_t kFewParts = 8;               // fewer are not worth it

template <class T>
class FilterGrad {
 public:
  FilterGrad(const ConvGeometry& g, const T* input, const T* grad, T* dfilter)
      : g_(g), input_(input), grad_(grad), dfilter_(dfilter), tiles_(simd::conv_tiles<T>()) {
    span_w_ = (g.w.out - 1) * g.w.stride + (g.w.kernel - 1) * g.w.dilation + 1;
    span_h_ = (g.h.kernel - 1) * g.h.dilation + 1;
    cols_ = g.group_out();
    vectors_ = ceil_div(cols_, tiles_.lanes);
    panels_ = ceil_div(vectors_, tiles_.max_vectors);
    panel_width_ = ceil_div(vectors_, panels_) * tiles_.lanes;
    panels_ = ceil_div(cols_, panel_width_);
    rows_ = g.depth();
    row_tile_ = tiles_.max_rows[panel_width_ / tiles_.lanes - 1];
    bundled_ = g.group_in() >= row_tile_;
    const int64_t bundle_rows = bundled_ ? g.group_in() : rows_;  // tiles do not reach past these
    row_tile_ = ceil_div(bundle_rows, ceil_div(bundle_rows, row_tile_));
    for (int64_t r = 0; r < rows_; r += bundle_rows)
      for (int64_t i = 0; i < bundle_rows; i += row_tile_) tile_rows_.push_back(r + i);
    tile_count_ = static_cast<int64_t>(tile_rows_.size());
    tile_rows_.push_back(rows_);
    bundles_ = bundled_ ? ceil_div(g.group_in(), row_tile_) : 1;
    pixel_ = bundled_ ? row_tile_ : g.in_channels;
    // The loops read whole vectors, next to each other: rows a power of two apart share few sets of L1.
    copy_grad_ = g.nchw || g.groups > 1 || cols_ != panel_width_;
    // Partial sums should move less memory than the images do.
    const int64_t bytes = g.groups * rows_ * cols_;
    const int64_t moved = g.batch * (g.h.in * g.w.in * g.in_channels + g.h.out * g.w.out * g.out_channels);
    parts_ = std::min({kParts, moved / (2 * bytes), g.batch * g.h.out});
    const int64_t band_bytes = parts_ < kFewParts ? kSharedBandBytes : kBandBytes;
    const int64_t row_bytes = (g.h.stride * span_w_ * g.in_channels + g.w.out * g.out_channels) * sizeof(T);
    const int64_t image_bytes = g.h.out * row_bytes + span_h_ * row_bytes / g.h.stride;
    band_rows_ = image_bytes <= band_bytes ? std::min(g.batch, band_bytes / image_bytes) * g.h.out
                                           : std::clamp<int64_t>(band_bytes / row_bytes - span_h_, 1, g.h.out);
    const int64_t pass_bytes = rows_ * panel_width_ * static_cast<int64_t>(sizeof(T)) > kL2Bytes ? kL2Bytes : kL1Bytes;
    inner_rows_ = std::max<int64_t>(1, pass_bytes / static_cast<int64_t>(g.w.out * panel_width_ * sizeof(T)));
  }

  void run() {
    const int64_t rows = g_.batch * g_.h.out;
    const double cost = 2.0 * rows_ * cols_ * g_.groups * rows * g_.w.out / 60.0;  // nanoseconds, at 60 GFLOP/s
    if (parts_ < kFewParts)
      by_filter_rows(rows, cost);
    else
      by_pixels(rows, cost);
  }

 private:
  int64_t panel_elements() const { return band_rows_ * g_.w.out * panel_width_; }

  // Every thread owns some rows of the filter; bands of pixels come one after the other.
  void by_filter_rows(int64_t rows, double cost) {
    const int64_t tasks = g_.groups * panels_ * std::min<int64_t>(tile_count_, 16);
    const int64_t splits = tasks / (g_.groups * panels_);
    Worker worker(*this);
    for (int64_t r = 0; r < rows; r = worker.end()) {
      worker.load(r, rows);
      parallel_for(tasks, grain_for_cost(cost * (worker.end() - r) / (rows * tasks)), [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; ++t) {
          const int64_t split = t % splits, slice = t / splits;
          worker.multiply(slice / panels_, slice % panels_, tile_count_ * split / splits,
                          tile_count_ * (split + 1) / splits, dfilter_, r > 0);
        }
      });
    }
  }

  // Each part sums its share of the pixels; parts are added in order.
  void by_pixels(int64_t rows, double cost) {
    const int64_t parts = parts_, size = rows_ * cols_ * g_.groups;
    Tensor partial(dtype_of<T>, Shape{(parts - 1) * size});
    parallel_for(parts, grain_for_cost(cost / parts), [&](int64_t begin, int64_t end) {
      Worker worker(*this);
      for (int64_t p = begin; p < end; ++p) {
        T* out = p == 0 ? dfilter_ : partial.data<T>() + (p - 1) * size;
        const int64_t first = rows * p / parts, last = rows * (p + 1) / parts;
        for (int64_t r = first; r < last; r = worker.end()) {
          worker.load(r, last);
          for (int64_t slice = 0; slice < g_.groups * panels_; ++slice)
            worker.multiply(slice / panels_, slice % panels_, 0, tile_count_, out, r > first);
        }
      }
    });
    parallel_for(size, grain_for_bytes(parts * sizeof(T)), [&](int64_t begin, int64_t end) {
      for (int64_t p = 1; p < parts; ++p) {
        const T* from = partial.data<T>() + (p - 1) * size;
        for (int64_t i = begin; i < end; ++i) dfilter_[i] += from[i];
      }
    });
  }

  // A band of consecutive output rows, numbered through the whole batch: their padded input and
  // the gradient beside it.
  class Worker {
   public:
    explicit Worker(const FilterGrad& job) : f_(job), starts_(job.band_rows_), rows_(job.rows_) {
      const ConvGeometry& g = job.g_;
      const int64_t images = job.band_rows_ / g.h.out + 2;
      const int64_t height = job.band_rows_ * g.h.stride + images * job.span_h_;
      bundle_ = height * job.span_w_ * job.pixel_;
      band_ = Tensor(dtype_of<T>, Shape{job.bundled_ ? g.groups * job.bundles_ * bundle_ : bundle_});
      if (job.copy_grad_) grad_ = Tensor(dtype_of<T>, Shape{g.groups * job.panels_ * job.panel_elements()});
    }

    // Takes rows from `row` on, as many before `limit` as a band holds.
    void load(int64_t row, int64_t limit) {
      const ConvGeometry& g = f_.g_;
      count_ = std::min(f_.band_rows_, limit - row);
      end_ = row + count_;
      const bool direct = !f_.bundled_ && !g.nchw && g.h.pad <= 0 && g.w.pad <= 0 && fits(g.h) && fits(g.w);
      row_elements_ = (direct ? g.w.in : f_.span_w_) * f_.pixel_;
      a_ = direct ? f_.input_ : band_.template data<T>();
      b_ = f_.copy_grad_ ? grad_.template data<T>() : f_.grad_ + row * g.w.out * g.out_channels;
      // Pieces of the band, each from one image.
      const int64_t first = row / g.h.out, images = ceil_div(end_, g.h.out) - first;
      const int64_t height = (g.h.out - 1) * g.h.stride + f_.span_h_;  // of a whole image in the band
      const int64_t piece_bytes = row_elements_ * std::min(height, count_ * g.h.stride) * sizeof(T);
      parallel_for(images, grain_for_bytes(2 * piece_bytes), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t n = first + i, from = std::max(row, n * g.h.out), y = from - n * g.h.out;
          const int64_t rows = std::min(end_, (n + 1) * g.h.out) - from;
          const T* data = f_.input_ + n * g.h.in * g.w.in * g.in_channels;
          const Rect rect{g.h.first(y), g.w.first(0), (rows - 1) * g.h.stride + f_.span_h_, f_.span_w_};
          int64_t base = ((n * g.h.in + rect.y) * g.w.in + rect.x) * g.in_channels;
          if (!direct) {
            // The first piece may be short: the others follow at whole heights.
            base = i == 0 ? 0 : (first_height(row) + (i - 1) * height) * row_elements_;
            const Image<T> image{data, g.h.in, g.w.in, g.in_channels, g.nchw};
            if (f_.bundled_)
              load_bundles(image, rect, band_.template data<T>() + base);
            else
              load_band<T>(image, rect, band_.template data<T>() + base);
          }
          for (int64_t r = 0; r < rows; ++r) starts_[from - row + r] = base + r * g.h.stride * row_elements_;
          if (f_.copy_grad_) load_grad(n, y, rows, from - row);
        }
      });
      for (int64_t i = 0; i < f_.rows_; ++i) {
        const int64_t ci = i % g.group_in(), tap = i / g.group_in();
        const int64_t ky = tap / g.w.kernel * g.h.dilation, kx = tap % g.w.kernel * g.w.dilation;
        const int64_t channel = f_.bundled_ ? ci / f_.row_tile_ * bundle_ + ci % f_.row_tile_ : ci;
        rows_[i] = ky * row_elements_ + kx * f_.pixel_ + channel;
      }
    }

    int64_t end() const { return end_; }

    // Tiles first..last of the group's filter in the panel's columns of out (+)= this band's products.
    void multiply(int64_t group, int64_t panel, int64_t first, int64_t last, T* out, bool accumulate) const {
      const ConvGeometry& g = f_.g_;
      const int64_t col0 = panel * f_.panel_width_, cols = std::min(f_.panel_width_, f_.cols_ - col0);
      const int64_t vectors = ceil_div(cols, f_.tiles_.lanes);
      const T* b = b_ + (group * f_.panels_ + panel) * f_.panel_elements();
      const T* origin = a_ + group * (f_.bundled_ ? f_.bundles_ * bundle_ : g.group_in());
      const T* a[ConvTiles<T>::kMaxRows];
      T* c[ConvTiles<T>::kMaxRows];
      for (int64_t r = 0; r < count_; r += f_.inner_rows_) {
        ConvTile<T> t{a,
                      starts_.data() + r,
                      std::min(f_.inner_rows_, count_ - r),
                      g.w.out,
                      g.w.stride * f_.pixel_,
                      b + r * g.w.out * f_.panel_width_,
                      f_.panel_width_,
                      c,
                      group * f_.cols_ + col0,
                      cols,
                      accumulate || r > 0,
                      c};
        for (int64_t tile = first; tile < last; ++tile) {
          const int64_t at = f_.tile_rows_[tile], n = f_.tile_rows_[tile + 1] - at;
          for (int64_t i = 0; i < n; ++i) {
            a[i] = origin + rows_[at + i];
            c[i] = out + (at + i) * g.out_channels;
          }
          f_.tiles_.tile[vectors - 1][n - 1](t);
        }
      }
    }

   private:
    // Input rows of the piece that begins with output row `row`, up to the end of its image.
    int64_t first_height(int64_t row) const {
      const ConvGeometry& g = f_.g_;
      return (std::min(g.h.out - row % g.h.out, count_) - 1) * g.h.stride + f_.span_h_;
    }
    static bool fits(const WindowAxis& a) { return a.first(a.out - 1) + (a.kernel - 1) * a.dilation < a.in; }

    // [group][bundle of channels][pixel][channel] = the rectangle, zero outside the image.
    void load_bundles(const Image<T>& image, const Rect& rect, T* dst) {
      const ConvGeometry& g = f_.g_;
      const int64_t width = f_.row_tile_;
      const int64_t row_bytes = 2 * rect.width * image.channels * sizeof(T);
      parallel_for(rect.height, grain_for_bytes(row_bytes), [&](int64_t begin, int64_t end) {
        std::vector<T> row(rect.width * image.channels);
        for (int64_t y = begin; y < end; ++y) {
          load_band(image, {rect.y + y, rect.x, 1, rect.width}, row.data());
          for (int64_t b = 0; b < g.groups * f_.bundles_; ++b) {
            const int64_t first = b % f_.bundles_ * width;
            copy_columns(row.data() + b / f_.bundles_ * g.group_in() + first, image.channels, rect.width,
                         std::min(width, g.group_in() - first), dst + b * bundle_ + y * rect.width * width, width);
          }
        }
      });
    }

    // Gradient rows y... of image n become [group][panel][pixel][channel], padded with zeros.
    void load_grad(int64_t n, int64_t y, int64_t rows, int64_t band_row) {
      const ConvGeometry& g = f_.g_;
      const int64_t pixels = rows * g.w.out, plane = g.h.out * g.w.out, width = f_.panel_width_;
      const T* const image = f_.grad_ + n * g.out_channels * plane;
      const int64_t slices = g.groups * f_.panels_;
      parallel_for(slices, grain_for_bytes(2 * pixels * width * sizeof(T)), [&](int64_t begin, int64_t end) {
        for (int64_t s = begin; s < end; ++s) {
          const int64_t col0 = s % f_.panels_ * width, cols = std::min(width, f_.cols_ - col0);
          const int64_t channel = s / f_.panels_ * f_.cols_ + col0;
          T* const to = grad_.template data<T>() + s * f_.panel_elements() + band_row * g.w.out * width;
          if (cols < width) std::fill_n(to, pixels * width, T(0));
          if (!g.nchw) {
            copy_columns(image + y * g.w.out * g.out_channels + channel, g.out_channels, pixels, cols, to, width);
            continue;
          }
          const T* const from = image + channel * plane + y * g.w.out;
          for (int64_t p = 0; p < pixels; ++p)
            for (int64_t c = 0; c < cols; ++c) to[p * width + c] = from[c * plane + p];
        }
      });
    }

    const FilterGrad& f_;
    Tensor band_, grad_;
    const T* a_ = nullptr;
    const T* b_ = nullptr;
    int64_t bundle_, row_elements_ = 0, count_ = 0, end_ = 0;
    std::vector<int64_t> starts_;  // where the runs of each output row begin
    std::vector<int64_t> rows_;    // displacement of each (tap, channel) from there
  };

  const ConvGeometry& g_;
  const T* input_;
  const T* grad_;
  T* dfilter_;
  const ConvTiles<T>& tiles_;
  int64_t span_w_, span_h_;  // input a row of outputs reads
  int64_t cols_, vectors_, panels_, panel_width_;
  int64_t rows_;                    // of the filter matrix: taps * channels of a group
  int64_t row_tile_, tile_count_;   // of which a register tile takes so many
  std::vector<int64_t> tile_rows_;  // first row of each tile, and rows_
  bool bundled_;
  int64_t bundles_, pixel_;         // of a group; elements from pixel to pixel of a row
  int64_t parts_;                   // partial sums
  int64_t band_rows_, inner_rows_;  // output rows held at a time, and per pass
  bool copy_grad_;
};

}  // namespace

template <class T>
void filter_grad(const ConvGeometry& g, const T* input, const T* grad, T* dfilter) {
  const int64_t size = g.depth() * g.out_channels;
  if (size == 0) return;
  if (g.batch * g.h.out * g.w.out == 0) {
    std::fill_n(dfilter, size, T(0));
    return;
  }
  if (is_strided_pointwise(g)) return pointwise_filter_grad(g, input, grad, dfilter);
  if constexpr (std::is_same_v<T, float>)
    if (winograd_filter_wins<T>(g)) return winograd_filter_grad(g, input, grad, dfilter);
  FilterGrad<T>(g, input, grad, dfilter).run();
}

template void filter_grad(const ConvGeometry&, const float*, const float*, float*);
template void filter_grad(const ConvGeometry&, const double*, const double*, double*);

}  // namespace tfmini::conv
