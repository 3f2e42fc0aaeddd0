// A correlation: every output pixel is a sum over taps (displaced source pixels), each multiplied
// by a matrix [source channels, destination channels]. Convolution is one; the input gradient of a
// convolution with stride s is s_h * s_w of them, one for each phase of the pixel grid.
#pragma once

#include <cstdint>
#include <vector>

#include "conv/band.h"
#include "conv/conv.h"
#include "conv/geometry.h"
#include "simd/conv.h"

namespace tfmini::conv {

// One axis: output o, stored at first + o * every, reads source o * step + tap.offset.
struct AxisTaps {
  struct Tap {
    int64_t offset;
    int64_t k;  // position in the filter
  };
  int64_t first = 0;
  int64_t every = 1;
  int64_t count = 0;
  int64_t step = 1;
  std::vector<Tap> taps;  // by ascending offset

  int64_t low() const { return taps.front().offset; }
  // Source positions that n outputs in a row read.
  int64_t span(int64_t n) const { return (n - 1) * step + taps.back().offset - low() + 1; }
  // Taps read neighbouring positions, in order.
  bool dense() const { return taps.back().offset - low() + 1 == static_cast<int64_t>(taps.size()); }
};

// Outputs as sums over their windows' inputs.
AxisTaps forward_taps(const WindowAxis& axis);
// Gradients of inputs phase, phase + stride, ... as sums over the outputs whose windows hold them.
AxisTaps gradient_taps(const WindowAxis& axis, int64_t phase);

// The matrix of tap (kh, kw) and group g: element (s, d) is
// data[(kh * width + kw) * tap_stride + g * group_stride + s * source_stride + d * dest_stride].
template <class T>
struct TapMatrices {
  const T* data;
  int64_t width;
  int64_t tap_stride, group_stride, source_stride, dest_stride;
};

template <class T>
struct Correlation {
  int64_t batch, groups;
  Image<T> source;  // the first of the batch; `channels` of all groups together
  T* dest;
  int64_t dest_height, dest_width, dest_channels;
  AxisTaps h, w;
  TapMatrices<T> matrices;
  Epilogue<T> epilogue{};
  Tensor* packed = nullptr;  // see conv::forward

  // What the sums of channels from `first` on still need.
  simd::ConvFinish<T> finish(int64_t first) const {
    return {epilogue.bias ? epilogue.bias + first : nullptr, epilogue.add, dest, epilogue.low, epilogue.high};
  }
};

template <class T>
void correlate(const Correlation<T>& job);
// By sums of products, even where Winograd's method would win. Not for empty jobs.
template <class T>
void correlate_directly(const Correlation<T>& job);

}  // namespace tfmini::conv
