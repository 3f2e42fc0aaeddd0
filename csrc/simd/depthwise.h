// Inner loops of depthwise convolution: channels side by side, each with its own filter.
#pragma once

#include <cstdint>

#include "simd/dispatch.h"

namespace tfmini::simd {

template <class T>
struct DepthwiseLoops {
  // out[p][c] = sum over taps of x[p * step + offsets[t]][c] * w[t][c] for `pixels` output pixels
  // `out_step` elements apart. Offsets and steps are in elements.
  void (*forward)(const T* x, const int64_t* offsets, int64_t taps, int64_t step, const T* w, T* out, int64_t out_step,
                  int64_t pixels, int64_t channels);
  // dw[t][c] += sum over pixels of x[p * step + offsets[t]][c] * g[p][c].
  void (*filter_grad)(const T* x, const int64_t* offsets, int64_t taps, int64_t step, const T* g, T* dw, int64_t pixels,
                      int64_t channels);
};

struct DepthwiseTable {
  DepthwiseLoops<float> f32;
  DepthwiseLoops<double> f64;
};

TFMINI_SIMD_TABLE(DepthwiseTable, depthwise_table)

template <class T>
const DepthwiseLoops<T>& depthwise_loops() {
  if constexpr (sizeof(T) == sizeof(float))
    return depthwise_table().f32;
  else
    return depthwise_table().f64;
}

}  // namespace tfmini::simd
