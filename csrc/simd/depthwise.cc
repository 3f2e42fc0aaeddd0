#include "simd/depthwise.h"

#include "simd/vec.h"

namespace tfmini::simd::TFMINI_ISA {
namespace {

// V is a vector of channels or, for the last few, one channel.
template <class T>
struct Wide {
  typedef T type __attribute__((vector_size(kVectorBytes), aligned(sizeof(T)), may_alias));
};

// kPixels outputs share each load of the filter.
template <class V, int kPixels, class T>
inline __attribute__((always_inline)) void forward_pixels(const T* x, const DepthwiseTaps& taps, const T* w, T* out,
                                                          int64_t out_step) {
  V acc[kPixels] = {};
  const int64_t step = taps.step;
  for (int64_t t = 0; t < taps.count; ++t) {
    const V weight = *reinterpret_cast<const V*>(w + taps.weights[t]);
    const T* at = x + taps.offsets[t];
#pragma GCC unroll 6
    for (int p = 0; p < kPixels; ++p) acc[p] += weight * *reinterpret_cast<const V*>(at + p * step);
  }
#pragma GCC unroll 6
  for (int p = 0; p < kPixels; ++p) *reinterpret_cast<V*>(out + p * out_step) = acc[p];
}

template <int kPixels, class T>
inline __attribute__((always_inline)) void forward_channels(const T* x, const DepthwiseTaps& taps, const T* w, T* out,
                                                            int64_t out_step, int64_t channels) {
  using V = typename Wide<T>::type;
  constexpr int64_t kLanes = kVectorBytes / sizeof(T);
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) forward_pixels<V, kPixels>(x + c, taps, w + c, out + c, out_step);
  for (; c < channels; ++c) forward_pixels<T, kPixels>(x + c, taps, w + c, out + c, out_step);
}

// All channels of a few pixels before the next ones: whole cache lines are used while they are in L1.
template <class T>
void forward(const T* x, const DepthwiseTaps& taps, const T* w, T* out, int64_t out_step, int64_t pixels,
             int64_t channels) {
  constexpr int kPixels = 6;
  int64_t p = 0;
  for (; p + kPixels <= pixels; p += kPixels)
    forward_channels<kPixels>(x + p * taps.step, taps, w, out + p * out_step, out_step, channels);
  for (; p < pixels; ++p) forward_channels<1>(x + p * taps.step, taps, w, out + p * out_step, out_step, channels);
}

// kTaps sums share each load of the gradient.
template <class V, int kTaps, class T>
inline __attribute__((always_inline)) void grad_taps(const T* x, const DepthwiseTaps& taps, int64_t first, const T* g,
                                                     int64_t g_step, T* dw, int64_t pixels) {
  V acc[kTaps] = {};
  const T* at[kTaps];
  const int64_t step = taps.step;
#pragma GCC unroll 9
  for (int t = 0; t < kTaps; ++t) at[t] = x + taps.offsets[first + t];
  for (int64_t p = 0; p < pixels; ++p) {
    const V gp = *reinterpret_cast<const V*>(g + p * g_step);
#pragma GCC unroll 9
    for (int t = 0; t < kTaps; ++t) acc[t] += gp * *reinterpret_cast<const V*>(at[t] + p * step);
  }
#pragma GCC unroll 9
  for (int t = 0; t < kTaps; ++t) *reinterpret_cast<V*>(dw + taps.weights[first + t]) += acc[t];
}

template <class V, class T>
inline __attribute__((always_inline)) void grad_channels(const T* x, const DepthwiseTaps& taps, const T* g,
                                                         int64_t channels, T* dw, int64_t pixels) {
  int64_t t = 0;
  for (; t + 9 <= taps.count; t += 9) grad_taps<V, 9>(x, taps, t, g, channels, dw, pixels);
  for (; t + 5 <= taps.count; t += 5) grad_taps<V, 5>(x, taps, t, g, channels, dw, pixels);
  for (; t < taps.count; ++t) grad_taps<V, 1>(x, taps, t, g, channels, dw, pixels);
}

template <class T>
void filter_grad(const T* x, const DepthwiseTaps& taps, const T* g, T* dw, int64_t pixels, int64_t channels) {
  using V = typename Wide<T>::type;
  constexpr int64_t kLanes = kVectorBytes / sizeof(T);
  constexpr int64_t kPixels = 32;  // per pass over the channels, so that these stay in L1
  for (int64_t p = 0; p < pixels; p += kPixels, x += kPixels * taps.step, g += kPixels * channels) {
    const int64_t n = pixels - p < kPixels ? pixels - p : kPixels;
    int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) grad_channels<V>(x + c, taps, g + c, channels, dw + c, n);
    for (; c < channels; ++c) grad_channels<T>(x + c, taps, g + c, channels, dw + c, n);
  }
}

}  // namespace

const DepthwiseTable depthwise_table = {{forward<float>, filter_grad<float>}, {forward<double>, filter_grad<double>}};

}  // namespace tfmini::simd::TFMINI_ISA
