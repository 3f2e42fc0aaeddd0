// Loops over rows of channels x[rows][cols]: the passes of batch normalization.
#pragma once

#include <cstdint>

#include "simd/dispatch.h"

namespace tfmini::simd {

// relu((x - mean[c]) * scale[c] + offset[c]), whose gradient is wanted; null where there is no relu.
template <class T>
struct ReluOf {
  const T *scale, *offset;
};

template <class T>
struct ChannelLoops {
  // sum[c] = sum over rows of x.
  void (*sum)(const T* x, int64_t rows, int64_t cols, T* sum);
  // squares[c] = sum over rows of (x - mean[c])^2.
  void (*squares)(const T* x, const T* mean, int64_t rows, int64_t cols, T* squares);
  // out = (x - mean[c]) * scale[c] + offset[c].
  void (*normalize)(const T* x, const T* mean, const T* scale, const T* offset, int64_t rows, int64_t cols, T* out);
  // The same, with max(0, ...) after adding `side`, unless that is null.
  void (*normalize_relu)(const T* x, const T* mean, const T* scale, const T* offset, const T* side, int64_t rows,
                         int64_t cols, T* out);
  // sum[c] = sum of g; product[c] = sum of g * (x - mean[c]). Where the relu is 0, so is g.
  void (*products)(const T* x, const T* g, const T* mean, const ReluOf<T>* relu, int64_t rows, int64_t cols, T* sum,
                   T* product);
  // out = g * a[c] + (x - mean[c]) * b[c] + d[c], with the same g.
  void (*combine)(const T* x, const T* g, const T* mean, const ReluOf<T>* relu, const T* a, const T* b, const T* d,
                  int64_t rows, int64_t cols, T* out);
};

struct ChannelTable {
  ChannelLoops<float> f32;
  ChannelLoops<double> f64;
};

TFMINI_SIMD_TABLE(ChannelTable, channel_table)

template <class T>
const ChannelLoops<T>& channel_loops() {
  if constexpr (sizeof(T) == sizeof(float))
    return channel_table().f32;
  else
    return channel_table().f64;
}

}  // namespace tfmini::simd
