// One row of an LSTM step. z holds 4n pre-activations in BasicLSTMCell's order: i, j, f, o.
#pragma once

#include <cstdint>

#include "simd/dispatch.h"
#include "simd/float_loops.h"

namespace tfmini::simd {

template <class T>
struct LSTMLoops {
  // c may be c_prev.
  void (*forward)(int64_t n, const T* z, const T* c_prev, float forget_bias, T* c, T* h);
  // dz may be z, and dc_prev any input of n elements.
  void (*backward)(int64_t n, const T* z, const T* c_prev, const T* c, const T* dc, const T* dh, float forget_bias,
                   T* dz, T* dc_prev);
};

using LSTMTable = FloatLoops<LSTMLoops>;
TFMINI_SIMD_TABLE(LSTMTable, lstm_table)

}  // namespace tfmini::simd
