#include "conv/depthwise.h"

#include <algorithm>
#include <vector>

#include "conv/correlate.h"
#include "core/parallel.h"
#include "core/tensor.h"
#include "simd/depthwise.h"

namespace tfmini::conv {
namespace {

constexpr int64_t kBandRows = 16;         // of outputs computed together, strip by strip:
constexpr int64_t kStripBytes = 4 << 10;  // of a row of the source, so that the rows of a window stay in L1
constexpr int64_t kParts = 16;  // partial filter gradients at most; fixed, so that bits do not depend on threads

// Outputs [begin, end) that have the taps [first, last) of an axis inside the image.
struct Segment {
  int64_t begin, end, first, last;
};

std::vector<Segment> segments(const AxisTaps& a, int64_t size, int64_t longest) {
  std::vector<Segment> found;
  for (int64_t o = 0; o < a.count; ++o) {
    const auto below = [&](int64_t limit) {
      return std::ranges::lower_bound(a.taps, limit - o * a.step, {}, &AxisTaps::Tap::offset) - a.taps.begin();
    };
    const int64_t first = below(0), last = below(size);
    if (found.empty() || found.back().first != first || found.back().last != last) found.push_back({o, o, first, last});
    found.back().end = o + 1;
  }
  return found;
}

// Rows of images whose channels are repeated `multiplier` times.
template <class T>
class SourceRows {
 public:
  SourceRows(const Image<T>& first, int64_t multiplier) : image_(first), multiplier_(multiplier) {}

  // Makes rows [begin, end) of image n available.
  void load(int64_t n, int64_t begin, int64_t end) {
    const int64_t row = image_.width * image_.channels;
    const T* from = image_.data + n * image_.height * row;
    first_ = multiplier_ == 1 ? 0 : begin;
    data_ = from;
    if (multiplier_ == 1) return;
    from += begin * row;
    copy_.resize(std::max<int64_t>(0, end - begin) * row * multiplier_);
    T* to = copy_.data();
    for (int64_t i = 0; i < (end - begin) * row; ++i, to += multiplier_) std::fill_n(to, multiplier_, from[i]);
    data_ = copy_.data();
  }
  int64_t channels() const { return image_.channels * multiplier_; }
  int64_t row() const { return image_.width * channels(); }
  // Where row y begins, which may lie outside as long as nothing is read there.
  const T* at(int64_t y) const { return data_ + (y - first_) * row(); }

 private:
  const Image<T> image_;
  const int64_t multiplier_;
  std::vector<T> copy_;
  const T* data_ = nullptr;
  int64_t first_ = 0;
};

// Walks over rows of outputs in stretches whose pixels have the same taps inside the image.
template <class T>
class Walker {
 public:
  Walker(const Image<T>& source, int64_t multiplier, const AxisTaps& h, const AxisTaps& w)
      : source_(source, multiplier),
        height_(source.height),
        h_(h),
        w_(w),
        columns_(segments(w, source.width, strip(source.channels * multiplier * w.step))) {}

  // fn(x, taps, y, begin, end): outputs [begin, end) of row y, the first of which lies on x.
  template <class Fn>
  void rows(int64_t n, int64_t first, int64_t last, const Fn& fn) {
    if (!h_.taps.empty())
      source_.load(n, std::clamp<int64_t>(first * h_.step + h_.low(), 0, height_),
                   std::clamp<int64_t>((last - 1) * h_.step + h_.taps.back().offset + 1, 0, height_));
    for (const Segment& s : columns_)
      for (int64_t y = first; y < last; ++y) {
        offsets_.clear();
        weights_.clear();
        for (size_t i = 0; i < h_.taps.size(); ++i) {
          const int64_t at = y * h_.step + h_.taps[i].offset;
          if (at < 0 || at >= height_) continue;
          for (int64_t j = s.first; j < s.last; ++j) {
            offsets_.push_back(h_.taps[i].offset * source_.row() + w_.taps[j].offset * source_.channels());
            weights_.push_back((static_cast<int64_t>(i * w_.taps.size()) + j) * source_.channels());
          }
        }
        const T* const x = source_.at(y * h_.step) + s.begin * w_.step * source_.channels();
        fn(x,
           simd::DepthwiseTaps{offsets_.data(), weights_.data(), static_cast<int64_t>(offsets_.size()),
                               w_.step * source_.channels()},
           y, s.begin, s.end);
      }
  }

 private:
  static int64_t strip(int64_t elements_per_pixel) {
    return std::max<int64_t>(6, kStripBytes / static_cast<int64_t>(sizeof(T)) / elements_per_pixel);
  }

  SourceRows<T> source_;
  const int64_t height_;
  const AxisTaps& h_;
  const AxisTaps& w_;
  const std::vector<Segment> columns_;
  std::vector<int64_t> offsets_, weights_;
};

// One phase of the input gradient, or the whole forward pass: out gets, per pixel, sums of
// `fold` neighbouring channels.
template <class T>
void correlate_channels(int64_t batch, const Image<T>& source, const AxisTaps& h, const AxisTaps& w, int64_t multiplier,
                        int64_t fold, const T* filter, int64_t filter_width, T* out, int64_t out_height,
                        int64_t out_width) {
  const int64_t channels = source.channels * multiplier, out_channels = channels / fold;
  if (batch * h.count * w.count * channels == 0) return;
  std::vector<T> weights;  // of this phase's taps, in their order
  for (const auto& th : h.taps)
    for (const auto& tw : w.taps) {
      const T* tap = filter + (th.k * filter_width + tw.k) * channels;
      weights.insert(weights.end(), tap, tap + channels);
    }
  const int64_t taps = h.taps.size() * w.taps.size(), bands = (h.count + kBandRows - 1) / kBandRows;
  const auto& loops = simd::depthwise_loops<T>();
  const double cost = 0.1 * static_cast<double>(kBandRows * w.count * channels * (taps + 1));
  parallel_for(batch * bands, grain_for_cost(cost), [&](int64_t begin, int64_t end) {
    Walker<T> walker(source, multiplier, h, w);
    std::vector<T> sums(fold > 1 ? w.count * channels : 0);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t n = i / bands, first = i % bands * kBandRows;
      walker.rows(n, first, std::min(h.count, first + kBandRows),
                  [&](const T* x, const simd::DepthwiseTaps& t, int64_t y, int64_t from, int64_t to) {
                    const int64_t step = w.every * out_channels;
                    T* const row =
                        out + ((n * out_height + h.first + y * h.every) * out_width + w.first) * out_channels;
                    if (fold == 1)
                      return loops.forward(x, t, weights.data(), row + from * step, step, to - from, channels);
                    loops.forward(x, t, weights.data(), sums.data(), channels, to - from, channels);
                    for (int64_t p = from; p < to; ++p)
                      for (int64_t c = 0; c < out_channels; ++c) {
                        T sum = T(0);
                        for (int64_t q = 0; q < fold; ++q) sum += sums[(p - from) * channels + c * fold + q];
                        row[p * step + c] = sum;
                      }
                  });
    }
  });
}

}  // namespace

template <class T>
void depthwise_forward(const ConvGeometry& g, const T* input, const T* filter, T* output) {
  if (g.in_channels == 0) return;
  correlate_channels<T>(g.batch, {input, g.h.in, g.w.in, g.in_channels, false}, forward_taps(g.h), forward_taps(g.w),
                        g.group_out(), 1, filter, g.w.kernel, output, g.h.out, g.w.out);
}

template <class T>
void depthwise_input_grad(const ConvGeometry& g, const T* filter, const T* grad, T* dinput) {
  if (g.out_channels == 0) {
    std::fill_n(dinput, g.batch * g.h.in * g.w.in * g.in_channels, T(0));
    return;
  }
  for (int64_t y = 0; y < std::min(g.h.stride, g.h.in); ++y)
    for (int64_t x = 0; x < std::min(g.w.stride, g.w.in); ++x)
      correlate_channels<T>(g.batch, {grad, g.h.out, g.w.out, g.out_channels, false}, gradient_taps(g.h, y),
                            gradient_taps(g.w, x), 1, g.group_out(), filter, g.w.kernel, dinput, g.h.in, g.w.in);
}

template <class T>
void depthwise_filter_grad(const ConvGeometry& g, const T* input, const T* grad, T* dfilter) {
  const int64_t taps = g.h.kernel * g.w.kernel, channels = g.out_channels, size = taps * channels;
  std::fill_n(dfilter, size, T(0));
  if (g.empty()) return;
  const AxisTaps h = forward_taps(g.h), w = forward_taps(g.w);
  const int64_t bands = (h.count + kBandRows - 1) / kBandRows, parts = std::min(kParts, g.batch * bands);
  Tensor partial(dtype_of<T>, Shape{parts * size});
  const auto& loops = simd::depthwise_loops<T>();
  const double cost = 0.1 * static_cast<double>(g.batch * g.h.out * g.w.out * size);
  parallel_for(parts, grain_for_cost(cost / static_cast<double>(parts)), [&](int64_t begin, int64_t end) {
    Walker<T> walker({input, g.h.in, g.w.in, g.in_channels, false}, g.group_out(), h, w);
    for (int64_t p = begin; p < end; ++p) {
      T* const sum = partial.data<T>() + p * size;
      std::fill_n(sum, size, T(0));
      for (int64_t i = g.batch * bands * p / parts; i < g.batch * bands * (p + 1) / parts; ++i) {
        const int64_t n = i / bands, first = i % bands * kBandRows;
        walker.rows(n, first, std::min(h.count, first + kBandRows),
                    [&](const T* x, const simd::DepthwiseTaps& t, int64_t y, int64_t from, int64_t to) {
                      const T* const row = grad + (n * h.count + y) * w.count * channels;
                      loops.filter_grad(x, t, row + from * channels, sum, to - from, channels);
                    });
      }
    }
  });
  for (int64_t p = 0; p < parts; ++p)
    for (int64_t i = 0; i < size; ++i) dfilter[i] += partial.data<T>()[p * size + i];
}

template void depthwise_forward(const ConvGeometry&, const float*, const float*, float*);
template void depthwise_forward(const ConvGeometry&, const double*, const double*, double*);
template void depthwise_input_grad(const ConvGeometry&, const float*, const float*, float*);
template void depthwise_input_grad(const ConvGeometry&, const double*, const double*, double*);
template void depthwise_filter_grad(const ConvGeometry&, const float*, const float*, float*);
template void depthwise_filter_grad(const ConvGeometry&, const double*, const double*, double*);

}  // namespace tfmini::conv
