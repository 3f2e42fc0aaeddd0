// Softmax of one row. Rows of 16-bit floats are computed in float.
#pragma once

#include <cstdint>

#include "core/half.h"
#include "simd/dispatch.h"

namespace tfmini::simd {

// out may be x. A row with NaN or +inf, or of only -inf, gives NaN, as in TensorFlow.
template <class T>
using RowFn = void (*)(const T* x, T* out, int64_t n);

struct SoftmaxTable {
  RowFn<float> softmax_f32;
  RowFn<double> softmax_f64;
  RowFn<float> log_softmax_f32;
  RowFn<double> log_softmax_f64;
};

TFMINI_SIMD_TABLE(SoftmaxTable, softmax_table)

}  // namespace tfmini::simd
