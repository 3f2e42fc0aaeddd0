#include "conv/scatter.h"

#include <algorithm>
#include <vector>

#include "conv/panels.h"
#include "core/parallel.h"
#include "simd/conv.h"

namespace tfmini::conv {
namespace {

template <class T>
class Scatter {
 public:
  Scatter(const ConvGeometry& g, const T* filter, const T* grad, T* dinput)
      : g_(g),
        filter_(filter),
        grad_(grad),
        dinput_(dinput),
        tiles_(simd::conv_tiles<T>()),
        taps_(g.depth()),
        panels_(g.w.out, tiles_.lanes, tiles_.max_vectors) {
    span_h_ = (g.h.kernel - 1) * g.h.dilation + 1;
    const int64_t last_tap = (g.w.kernel - 1) * g.w.dilation;
    span_w_ = (g.w.out - 1) * g.w.stride + last_tap + 1;
    plane_ = g.w.out + last_tap / g.w.stride;
  }

  void run() {
    // A band of input rows recomputes the outputs that its neighbours need too: keep bands tall.
    const int64_t tall = 4 * std::max(span_h_, g_.h.stride);
    const int64_t wanted = ceil_div(2 * max_threads(), g_.batch);
    const int64_t rows = std::min(g_.h.in, std::max(tall, ceil_div(g_.h.in, wanted)));
    const int64_t bands = ceil_div(g_.h.in, rows);
    const double flops = 2.0 * g_.h.out * g_.w.out * taps_ * g_.out_channels / static_cast<double>(bands);
    parallel_for(g_.batch * bands, grain_for_cost(flops / 40), [&](int64_t begin, int64_t end) {
      Worker worker(*this, rows);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t y = i % bands * rows;
        worker.run(i / bands, y, std::min(g_.h.in, y + rows));
      }
    });
  }

 private:
  class Worker {
   public:
    Worker(const Scatter& job, int64_t rows)
        : s_(job),
          row_(job.g_.w.stride * job.g_.in_channels * job.plane_),
          width_(job.panels_.count * job.panels_.width()),
          sums_(rows * row_),
          products_(job.taps_ * width_),
          pixels_(job.g_.out_channels * job.panels_.width()) {}

    // Input rows [y0, y1) of image n.
    void run(int64_t n, int64_t y0, int64_t y1) {
      const ConvGeometry& g = s_.g_;
      std::fill(sums_.begin(), sums_.end(), T(0));
      const int64_t low = y0 + g.h.pad - s_.span_h_ + 1;
      const int64_t first = low <= 0 ? 0 : ceil_div(low, g.h.stride);
      const int64_t last = std::min(g.h.out, (y1 - 1 + g.h.pad) / g.h.stride + 1);
      for (int64_t oy = first; oy < last; ++oy) {
        multiply(n, oy);
        for (int64_t k = 0; k < g.h.kernel; ++k) {
          const int64_t y = g.h.first(oy) + k * g.h.dilation;
          if (y >= y0 && y < y1) add(k, &sums_[(y - y0) * row_]);
        }
      }
      for (int64_t y = y0; y < y1; ++y) store(n, y, &sums_[(y - y0) * row_]);
    }

   private:
    // The filter times a row of gradients: products [tap and input channel][pixel].
    void multiply(int64_t n, int64_t oy) {
      const ConvGeometry& g = s_.g_;
      const int64_t depth = g.out_channels, plane = g.h.out * g.w.out, offset = 0;
      const int64_t between_channels = g.nchw ? plane : 1, between_pixels = g.nchw ? 1 : depth;
      const T* row = s_.grad_ + n * plane * depth + oy * g.w.out * between_pixels;
      const Panels& panels = s_.panels_;
      const int64_t tiles = ceil_div(s_.taps_, s_.tiles_.max_rows[panels.vectors - 1]);
      constexpr int kMax = simd::ConvTiles<T>::kMaxRows;
      const T* a[kMax];
      T* c[kMax];
      for (int64_t p = 0; p < panels.count; ++p) {
        const int64_t width = panels.width(), pixel = p * width;
        pack_matrix<T>(row + pixel * between_pixels, between_channels, between_pixels, depth, panels.width_of(p), width,
                       nullptr, pixels_.data());
        for (int64_t t = 0; t < tiles; ++t) {
          const int64_t begin = s_.taps_ * t / tiles, rows = s_.taps_ * (t + 1) / tiles - begin;
          for (int64_t i = 0; i < rows; ++i) {
            a[i] = s_.filter_ + (begin + i) * depth;
            c[i] = &products_[(begin + i) * width_];
          }
          s_.tiles_.tile[panels.vectors - 1][rows - 1](
              {a, &offset, 1, depth, 1, pixels_.data(), width, c, pixel, width, false, c});
        }
      }
    }

    // Adds row k of the filter's products where they belong in a row of inputs. That row lies in as many parts as the
    // stride, each with every stride-th pixel, so that all pixels of a tap are added side by side.
    void add(int64_t k, T* sums) const {
      const ConvGeometry& g = s_.g_;
      const T* from = &products_[k * g.w.kernel * g.in_channels * width_];
      for (int64_t j = 0; j < g.w.kernel; ++j) {
        const int64_t at = j * g.w.dilation;
        T* to = sums + at % g.w.stride * g.in_channels * s_.plane_ + at / g.w.stride;
        for (int64_t ch = 0; ch < g.in_channels; ++ch, to += s_.plane_, from += width_)
          for (int64_t x = 0; x < g.w.out; ++x) to[x] += from[x];
      }
    }

    // The parts of a row put together, without the padding; inputs that no window reaches are zero.
    void store(int64_t n, int64_t y, const T* sums) const {
      const ConvGeometry& g = s_.g_;
      const int64_t c = g.in_channels, reached = std::clamp<int64_t>(s_.span_w_ - g.w.pad, 0, g.w.in);
      for (int64_t ch = 0; ch < c; ++ch) {
        T* to = s_.dinput_ + (g.nchw ? ((n * c + ch) * g.h.in + y) * g.w.in : (n * g.h.in + y) * g.w.in * c + ch);
        const int64_t step = g.nchw ? 1 : c;
        for (int64_t phase = 0; phase < g.w.stride; ++phase) {
          const T* from = sums + (phase * c + ch) * s_.plane_;
          int64_t i = phase < g.w.pad ? ceil_div(g.w.pad - phase, g.w.stride) : 0;
          for (int64_t x = phase + i * g.w.stride - g.w.pad; x < reached; x += g.w.stride) to[x * step] = from[i++];
        }
        for (int64_t x = reached; x < g.w.in; ++x) to[x * step] = T(0);
      }
    }

    const Scatter& s_;
    const int64_t row_, width_;  // elements of a row of sums_, of products_
    std::vector<T> sums_;        // rows of inputs, padding included: [input row][phase][input channel][pixel]
    std::vector<T> products_;    // of one row of outputs
    std::vector<T> pixels_;      // a panel of that row: [output channel][pixel]
  };

  const ConvGeometry& g_;
  const T *filter_, *grad_;
  T* dinput_;
  const simd::ConvTiles<T>& tiles_;
  const int64_t taps_;  // times input channels
  const Panels panels_;
  int64_t span_h_, span_w_;  // of the inputs that windows reach, padding included
  int64_t plane_;            // pixels of one phase and channel
};

}  // namespace

template <class T>
bool scatter_wins(const ConvGeometry& g) {
  const int64_t lanes = simd::conv_tiles<T>().lanes;
  return g.groups == 1 && 2 * g.in_channels <= lanes && g.h.kernel * g.w.kernel >= 4;
}

template <class T>
void scatter_input_grad(const ConvGeometry& g, const T* filter, const T* grad, T* dinput) {
  Scatter<T>(g, filter, grad, dinput).run();
}

template bool scatter_wins<float>(const ConvGeometry&);
template bool scatter_wins<double>(const ConvGeometry&);
template void scatter_input_grad(const ConvGeometry&, const float*, const float*, float*);
template void scatter_input_grad(const ConvGeometry&, const double*, const double*, double*);

}  // namespace tfmini::conv
