#include "conv/scatter.h"

#include <vector>

#include "conv/band.h"
#include "conv/panels.h"
#include "core/parallel.h"
#include "core/tensor.h"
#include "simd/conv.h"

namespace tfmini::conv {
namespace {

template <class T>
class Scatter {
 public:
  Scatter(const ConvGeometry& g, const T* filter, const T* grad, T* dinput)
      : g_(g), grad_(grad), dinput_(dinput), tiles_(simd::conv_tiles<T>()), cols_(g.depth()) {
    span_h_ = (g.h.kernel - 1) * g.h.dilation + 1;
    span_w_ = (g.w.out - 1) * g.w.stride + (g.w.kernel - 1) * g.w.dilation + 1;
    width_ = tiles_.lanes * std::min<int64_t>(tiles_.max_vectors, ceil_div(cols_, tiles_.lanes));
    pack(filter);
  }

  void run() {
    // A band of input rows recomputes the outputs that its neighbours need too: keep bands tall.
    const int64_t tall = 4 * std::max(span_h_, g_.h.stride);
    const int64_t wanted = ceil_div(4 * max_threads(), g_.batch);
    const int64_t rows = std::min(g_.h.in, std::max(tall, ceil_div(g_.h.in, wanted)));
    const int64_t bands = ceil_div(g_.h.in, rows);
    const double flops = 2.0 * g_.h.out * g_.w.out * cols_ * g_.out_channels / static_cast<double>(bands);
    parallel_for(g_.batch * bands, grain_for_cost(flops / 40), [&](int64_t begin, int64_t end) {
      Worker worker(*this, rows);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t y = i % bands * rows;
        worker.run(i / bands, y, std::min(g_.h.in, y + rows));
      }
    });
  }

 private:
  // [panel][output channel][width]: the filter transposed.
  void pack(const T* filter) {
    const int64_t depth = g_.out_channels, panels = ceil_div(cols_, width_);
    packed_ = Tensor(dtype_of<T>, Shape{panels * depth * width_});
    T* to = packed_.template data<T>();
    for (int64_t p = 0; p < panels; ++p, to += depth * width_)
      for (int64_t j = 0; j < width_; ++j)
        for (int64_t k = 0; k < depth; ++k) {
          const int64_t col = p * width_ + j;
          to[k * width_ + j] = col < cols_ ? filter[col * depth + k] : T(0);
        }
  }

  class Worker {
   public:
    Worker(const Scatter& job, int64_t rows)
        : s_(job), sums_(rows * job.span_w_ * job.g_.in_channels), products_(job.g_.w.out * job.cols_) {
      if (job.g_.nchw) pixels_.resize(job.g_.w.out * job.g_.out_channels);
    }

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
          if (y >= y0 && y < y1) add(k, &sums_[(y - y0) * s_.span_w_ * g.in_channels]);
        }
      }
      store(n, y0, y1);
    }

   private:
    // Products of a row of gradients with all of the filter: [pixel][tap and input channel].
    void multiply(int64_t n, int64_t oy) {
      const ConvGeometry& g = s_.g_;
      const int64_t depth = g.out_channels, offset = 0;
      const T* row = s_.grad_ + (n * g.h.out + oy) * g.w.out * depth;
      if (g.nchw) {
        load_band<T>({s_.grad_ + n * depth * g.h.out * g.w.out, g.h.out, g.w.out, depth, true}, {oy, 0, 1, g.w.out},
                     pixels_.data());
        row = pixels_.data();
      }
      constexpr int kMax = simd::ConvTiles<T>::kMaxRows;
      const T* a[kMax];
      T* c[kMax];
      for (int64_t col = 0; col < s_.cols_; col += s_.width_) {
        const int64_t cols = std::min(s_.width_, s_.cols_ - col), vectors = ceil_div(cols, s_.tiles_.lanes);
        const T* b = s_.packed_.template data<T>() + col * depth;
        const int64_t tiles = ceil_div(g.w.out, s_.tiles_.max_rows[vectors - 1]);
        for (int64_t t = 0; t < tiles; ++t) {
          const int64_t begin = g.w.out * t / tiles, rows = g.w.out * (t + 1) / tiles - begin;
          for (int64_t i = 0; i < rows; ++i) {
            a[i] = row + (begin + i) * depth;
            c[i] = &products_[(begin + i) * s_.cols_];
          }
          s_.tiles_.tile[vectors - 1][rows - 1]({a, &offset, 1, depth, 1, b, s_.width_, c, col, cols, false, c});
        }
      }
    }

    // Adds row k of the filter's products where they belong in a row of inputs.
    void add(int64_t k, T* sums) const {
      const ConvGeometry& g = s_.g_;
      const int64_t c = g.in_channels, run = g.w.kernel * c;
      for (int64_t x = 0; x < g.w.out; ++x) {
        const T* from = &products_[x * s_.cols_ + k * run];
        T* to = sums + x * g.w.stride * c;
        if (g.w.dilation == 1) {
          for (int64_t i = 0; i < run; ++i) to[i] += from[i];
        } else {
          for (int64_t j = 0; j < g.w.kernel; ++j)
            for (int64_t i = 0; i < c; ++i) to[j * g.w.dilation * c + i] += from[j * c + i];
        }
      }
    }

    // The sums without their padding; inputs that no window reaches are zero.
    void store(int64_t n, int64_t y0, int64_t y1) const {
      const ConvGeometry& g = s_.g_;
      const int64_t c = g.in_channels;
      for (int64_t y = y0; y < y1; ++y) {
        const T* from = &sums_[(y - y0) * s_.span_w_ * c];
        for (int64_t x = 0; x < g.w.in; ++x) {
          const bool reached = x + g.w.pad < s_.span_w_;
          for (int64_t ch = 0; ch < c; ++ch) {
            T* to = s_.dinput_ +
                    (g.nchw ? ((n * c + ch) * g.h.in + y) * g.w.in + x : ((n * g.h.in + y) * g.w.in + x) * c + ch);
            *to = reached ? from[(x + g.w.pad) * c + ch] : T(0);
          }
        }
      }
    }

    const Scatter& s_;
    std::vector<T> sums_;      // rows of inputs, padding included
    std::vector<T> products_;  // of one row of outputs
    std::vector<T> pixels_;    // that row, channels last
  };

  const ConvGeometry& g_;
  const T* grad_;
  T* dinput_;
  const simd::ConvTiles<T>& tiles_;
  const int64_t cols_;  // taps * input channels
  int64_t span_h_, span_w_, width_;
  Tensor packed_;
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
