// Softmax of one row. Rows of 16-bit floats are computed in float.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "simd/dispatch.h"

namespace tfmini::simd {

// out may be x. A row with NaN or +inf, or of only -inf, gives NaN, as in TensorFlow.
template <class T>
struct SoftmaxLoops {
  void (*softmax)(const T* x, T* out, int64_t n);
  void (*log_softmax)(const T* x, T* out, int64_t n);
};

struct SoftmaxTable {
  SoftmaxLoops<float> f32;
  SoftmaxLoops<double> f64;
  SoftmaxLoops<Half> f16;
  SoftmaxLoops<BFloat16> bf16;
};

TFMINI_SIMD_TABLE(SoftmaxTable, softmax_table)

template <class T>
const SoftmaxLoops<T>& softmax_loops() {
  if constexpr (std::is_same_v<T, float>)
    return softmax_table().f32;
  else if constexpr (std::is_same_v<T, double>)
    return softmax_table().f64;
  else if constexpr (std::is_same_v<T, Half>)
    return softmax_table().f16;
  else
    return softmax_table().bf16;
}

}  // namespace tfmini::simd
