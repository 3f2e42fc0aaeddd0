#include "conv/max_grad_rows.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/parallel.h"
#include "simd/pool.h"
#include "simd/transpose.h"

namespace tfmini::conv {
namespace {

// One image after the other. The rows that a window reaches are held apart: by phase (column modulo stride), then by
// channel, so that what a tap of all windows of a row reads, and sends its gradient to, lies side by side.
template <class T>
class MaxGradRows {
 public:
  explicit MaxGradRows(const PoolGeometry& g)
      : g_(g),
        loops_(simd::pool_loops<T>()),
        part_((g.w.in + g.w.stride - 1) / g.w.stride),
        parts_(g.w.stride * g.channels),
        row_(part_ * parts_),
        inner_begin_(std::min(g.w.out, (g.w.pad + g.w.stride - 1) / g.w.stride)),
        inner_end_(std::clamp(inside_end(g.w), inner_begin_, g.w.out)),
        in_(g.h.kernel * row_),
        sums_(g.h.kernel * row_),
        grad_(g.w.out * g.channels),
        winners_(g.w.out),
        taps_(g.h.kernel * g.w.kernel),
        numbers_(g.h.kernel * g.w.kernel),
        tap_columns_(g.w.kernel) {
    std::iota(numbers_.begin(), numbers_.end(), 0);
    for (int64_t k = 0; k < g.w.kernel; ++k) tap_columns_[k] = at_column(g.w.first(inner_begin_) + k);
  }

  void run(const T* image, const T* grad, T* dimage) {
    int64_t held = 0;  // rows [held - kernel, held) are
    const auto hold = [&](int64_t end) {
      for (; held < end; ++held) {
        if (held >= g_.h.kernel) join(held - g_.h.kernel, dimage);
        split(held, image);
      }
    };
    for (int64_t y = 0; y < g_.h.out; ++y, grad += g_.w.out * g_.channels) {
      const WindowRange h = inside(g_.h, y);
      hold(h.end);
      const T* by_channel = g_.channels == 1 ? grad : split_grad(grad);
      for (int64_t c = 0; c < g_.channels; ++c, by_channel += g_.w.out) {
        for (int64_t x = 0; x < inner_begin_; ++x) border(x, h, c, by_channel[x]);
        if (inner_end_ > inner_begin_) inner(h, c, by_channel);
        for (int64_t x = inner_end_; x < g_.w.out; ++x) border(x, h, c, by_channel[x]);
      }
    }
    hold(g_.h.in);
    for (int64_t y = std::max<int64_t>(0, held - g_.h.kernel); y < held; ++y) join(y, dimage);
  }

 private:
  // Windows before this one do not reach past the image.
  static int64_t inside_end(const WindowAxis& a) {
    const int64_t last = a.in - a.kernel + a.pad;
    return last < 0 ? 0 : last / a.stride + 1;
  }

  // Where a row, and in it a column of channel 0, are in in_ and sums_; channels are part_ apart.
  int64_t at_row(int64_t y) const { return y % g_.h.kernel * row_; }
  int64_t at_column(int64_t x) const { return x % g_.w.stride * g_.channels * part_ + x / g_.w.stride; }

  // A row is a matrix of parts (phase and channel) per `stride` columns; the last of those may lack some.
  void split(int64_t y, const T* image) {
    const T* const from = image + y * g_.w.in * g_.channels;
    T* const to = in_.data() + at_row(y);
    const int64_t whole = g_.w.in * g_.channels / parts_, rest = g_.w.in * g_.channels - whole * parts_;
    simd::transpose(from, parts_, to, part_, parts_, whole);
    simd::transpose(from + whole * parts_, parts_, to + whole, part_, rest, 1);
    std::fill_n(sums_.data() + at_row(y), row_, T(0));
  }
  void join(int64_t y, T* dimage) const {
    const T* const from = sums_.data() + at_row(y);
    T* const to = dimage + y * g_.w.in * g_.channels;
    const int64_t whole = g_.w.in * g_.channels / parts_, rest = g_.w.in * g_.channels - whole * parts_;
    simd::transpose(from, part_, to, parts_, whole, parts_);
    simd::transpose(from + whole, part_, to + whole * parts_, parts_, 1, rest);
  }
  const T* split_grad(const T* grad) {
    simd::transpose(grad, g_.channels, grad_.data(), g_.w.out, g_.channels, g_.w.out);
    return grad_.data();
  }

  // The windows that lie in the image from left to right. An input gets its gradients from left to right, too.
  void inner(const WindowRange& h, int64_t c, const T* grad) {
    const int64_t begin = inner_begin_, n = inner_end_ - begin;
    const int64_t taps = (h.end - h.begin) * g_.w.kernel;
    for (int64_t i = h.begin, t = 0; i < h.end; ++i)
      for (int64_t k = 0; k < g_.w.kernel; ++k, ++t) taps_[t] = &in_[at_row(i) + c * part_ + tap_columns_[k]];
    loops_.argmax(taps_.data(), numbers_.data(), taps, nullptr, winners_.data(), n);
    for (int64_t i = h.begin, t = 0; i < h.end; ++i, t += g_.w.kernel)
      for (int64_t k = g_.w.kernel - 1; k >= 0; --k) {
        T* const to = sums_.data() + (taps_[t + k] - in_.data());
        loops_.send(grad + begin, winners_.data(), numbers_[t + k], to, n);
      }
  }

  // One window.
  void border(int64_t x, const WindowRange& h, int64_t c, T grad) {
    const WindowRange w = inside(g_.w, x);
    int64_t winner = at_row(h.begin) + at_column(w.begin) + c * part_;
    for (int64_t i = h.begin; i < h.end; ++i)
      for (int64_t j = w.begin; j < w.end; ++j)
        if (const int64_t k = at_row(i) + at_column(j) + c * part_; in_[k] > in_[winner]) winner = k;
    sums_[winner] += grad;
  }

  const PoolGeometry& g_;
  const simd::PoolLoops<T>& loops_;
  const int64_t part_, parts_, row_;       // elements of one phase and channel; how many there are, all of them
  const int64_t inner_begin_, inner_end_;  // windows between these lie in the image from left to right
  std::vector<T> in_, sums_;               // as many rows as a window has, row y in place y modulo that number
  std::vector<T> grad_;                    // a row by channel
  std::vector<int32_t> winners_;           // of the inner windows of a row: numbers of taps
  std::vector<const T*> taps_;             // of the first inner window
  std::vector<int32_t> numbers_;           // theirs: 0, 1, ...
  std::vector<int64_t> tap_columns_;       // where they are in their row
};

}  // namespace

template <class T>
void max_grad_rows(const PoolGeometry& g, const T* input, const T* grad, T* dinput) {
  const int64_t in = g.in_pixels() * g.channels, out = g.out_pixels() * g.channels;
  const auto taps = static_cast<double>(g.h.kernel * g.w.kernel * out);
  parallel_for(g.batch, grain_for_cost(0.3 * taps + 1.5 * static_cast<double>(in)), [&](int64_t begin, int64_t end) {
    MaxGradRows<T> rows(g);
    for (int64_t n = begin; n < end; ++n) rows.run(input + n * in, grad + n * out, dinput + n * in);
  });
}

#define TFMINI_MAX_GRAD_ROWS(T) template void max_grad_rows(const PoolGeometry&, const T*, const T*, T*);
TFMINI_MAX_GRAD_ROWS(float)
TFMINI_MAX_GRAD_ROWS(double)
TFMINI_MAX_GRAD_ROWS(int8_t)
TFMINI_MAX_GRAD_ROWS(int16_t)
TFMINI_MAX_GRAD_ROWS(int32_t)
TFMINI_MAX_GRAD_ROWS(int64_t)
TFMINI_MAX_GRAD_ROWS(uint8_t)
TFMINI_MAX_GRAD_ROWS(uint16_t)
#undef TFMINI_MAX_GRAD_ROWS

}  // namespace tfmini::conv
