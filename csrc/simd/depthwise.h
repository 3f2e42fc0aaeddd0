// Inner loops of depthwise convolution: channels side by side, each with its own filter.
#pragma once

#include <cstdint>

#include "simd/dispatch.h"

namespace tfmini::simd {

// The taps that some pixels have in common: tap t of pixel p is at x[p * step + offsets[t]], its weights (one
// per channel) at w[weights[t]]. All in elements.
struct DepthwiseTaps {
  const int64_t* offsets;
  const int64_t* weights;
  int64_t count;
  int64_t step;
};

template <class T>
struct DepthwiseLoops {
  // out[p][c] = sum over taps of x * w for `pixels` output pixels `out_step` elements apart.
  void (*forward)(const T* x, const DepthwiseTaps& taps, const T* w, T* out, int64_t out_step, int64_t pixels,
                  int64_t channels);
  // dw[t][c] += sum over pixels of x * g[p][c].
  void (*filter_grad)(const T* x, const DepthwiseTaps& taps, const T* g, T* dw, int64_t pixels, int64_t channels);
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
