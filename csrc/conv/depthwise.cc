#include "conv/depthwise.h"

#include <optional>
#include <vector>

#include "conv/correlate.h"
#include "core/parallel.h"
#include "core/tensor.h"
#include "simd/depthwise.h"

namespace tfmini::conv {
namespace {

constexpr int64_t kBandBytes = 128 << 10;  // of padded source per band of rows
constexpr int64_t kParts = 16;  // partial filter gradients at most; fixed, so that bits do not depend on threads

// Rows of output pixels computed together, from one padded copy of what they read.
int64_t band_rows(const AxisTaps& h, const AxisTaps& w, int64_t channels, size_t element) {
  const int64_t row_bytes = w.span(w.count) * channels * static_cast<int64_t>(element);
  const int64_t rows = (kBandBytes / std::max<int64_t>(1, row_bytes) - h.span(1)) / h.step + 1;
  return std::clamp<int64_t>(rows, 1, h.count);
}

// The source of rows [begin, end) of outputs, each channel repeated `multiplier` times.
template <class T>
class SourceBand {
 public:
  SourceBand(const Image<T>& first, const AxisTaps& h, const AxisTaps& w, int64_t multiplier, int64_t max_rows)
      : image_(first), h_(h), w_(w), multiplier_(multiplier), channels_(first.channels * multiplier) {
    const int64_t pixels = h.span(max_rows) * w.span(w.count);
    copy_ = Tensor(dtype_of<T>, Shape{pixels * channels_});
    if (multiplier > 1) single_ = Tensor(dtype_of<T>, Shape{pixels * first.channels});
  }

  void load(int64_t n, int64_t begin, int64_t end) {
    const Rect rect{begin * h_.step + h_.low(), w_.low(), h_.span(end - begin), w_.span(w_.count)};
    Image<T> image = image_;
    image.data += n * image.height * image.width * image.channels;
    if (multiplier_ == 1 && rect.y >= 0 && rect.x >= 0 && rect.y + rect.height <= image.height &&
        rect.x + rect.width <= image.width) {
      data_ = image.data + (rect.y * image.width + rect.x) * channels_;
      row_ = image.width * channels_;
      return;
    }
    T* copy = copy_.template data<T>();
    data_ = copy;
    row_ = rect.width * channels_;
    if (multiplier_ == 1) {
      load_band(image, rect, copy);
      return;
    }
    const T* from = single_.template data<T>();
    load_band(image, rect, single_.template data<T>());
    for (int64_t i = 0; i < rect.height * rect.width * image.channels; ++i, copy += multiplier_)
      std::fill_n(copy, multiplier_, from[i]);
  }

  // What row `begin + i` of outputs reads.
  const T* row(int64_t i) const { return data_ + i * h_.step * row_; }
  // Where each tap lies from there, row-major over (h, w) taps.
  void offsets(std::vector<int64_t>& out) const {
    out.clear();
    for (const auto& th : h_.taps)
      for (const auto& tw : w_.taps) out.push_back((th.offset - h_.low()) * row_ + (tw.offset - w_.low()) * channels_);
  }
  int64_t step() const { return w_.step * channels_; }

 private:
  const Image<T> image_;
  const AxisTaps& h_;
  const AxisTaps& w_;
  const int64_t multiplier_, channels_;
  Tensor copy_, single_;
  const T* data_ = nullptr;
  int64_t row_ = 0;
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
  const int64_t taps = h.taps.size() * w.taps.size();
  const bool idle = taps == 0;  // no window reaches these pixels
  const int64_t rows = idle ? h.count : band_rows(h, w, channels, sizeof(T));
  const int64_t bands = (h.count + rows - 1) / rows;
  const auto& loops = simd::depthwise_loops<T>();
  parallel_for(batch * bands, grain_for_cost(0.1 * rows * w.count * channels * (taps + 1)),
               [&](int64_t begin, int64_t end) {
                 std::vector<T> sums(fold > 1 ? w.count * channels : 0);
                 std::vector<int64_t> offsets;
                 std::optional<SourceBand<T>> band;
                 if (!idle) band.emplace(source, h, w, multiplier, rows);
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t n = i / bands, first = i % bands * rows, last = std::min(h.count, first + rows);
                   if (!idle) {
                     band->load(n, first, last);
                     band->offsets(offsets);
                   }
                   for (int64_t y = first; y < last; ++y) {
                     T* to = out + ((n * out_height + h.first + y * h.every) * out_width + w.first) * out_channels;
                     const int64_t to_step = w.every * out_channels;
                     if (idle) {
                       for (int64_t x = 0; x < w.count; ++x) std::fill_n(to + x * to_step, out_channels, T(0));
                       continue;
                     }
                     T* direct = fold > 1 ? sums.data() : to;
                     loops.forward(band->row(y - first), offsets.data(), taps, band->step(), weights.data(), direct,
                                   fold > 1 ? channels : to_step, w.count, channels);
                     if (fold == 1) continue;
                     for (int64_t x = 0; x < w.count; ++x)
                       for (int64_t c = 0; c < out_channels; ++c) {
                         T sum = T(0);
                         for (int64_t q = 0; q < fold; ++q) sum += sums[x * channels + c * fold + q];
                         to[x * to_step + c] = sum;
                       }
                   }
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
  const int64_t rows = band_rows(h, w, channels, sizeof(T)), bands = (h.count + rows - 1) / rows;
  const int64_t parts = std::min(kParts, g.batch * bands);
  Tensor partial(dtype_of<T>, Shape{parts * size});
  const auto& loops = simd::depthwise_loops<T>();
  const double cost = 0.1 * g.batch * g.h.out * g.w.out * size;
  parallel_for(parts, grain_for_cost(cost / parts), [&](int64_t begin, int64_t end) {
    SourceBand<T> band({input, g.h.in, g.w.in, g.in_channels, false}, h, w, g.group_out(), rows);
    std::vector<int64_t> offsets;
    for (int64_t p = begin; p < end; ++p) {
      T* sum = partial.data<T>() + p * size;
      std::fill_n(sum, size, T(0));
      for (int64_t i = g.batch * bands * p / parts; i < g.batch * bands * (p + 1) / parts; ++i) {
        const int64_t n = i / bands, first = i % bands * rows, last = std::min(h.count, first + rows);
        band.load(n, first, last);
        band.offsets(offsets);
        for (int64_t y = first; y < last; ++y)
          loops.filter_grad(band.row(y - first), offsets.data(), taps, band.step(),
                            grad + (n * h.count + y) * w.count * channels, sum, w.count, channels);
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
