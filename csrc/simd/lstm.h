// One row of an LSTM step. z holds 4n pre-activations in BasicLSTMCell's order: i, j, f, o.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/half.h"
#include "simd/dispatch.h"

namespace tfmini::simd {

template <class T>
struct LSTMLoops {
  // c may be c_prev.
  void (*forward)(int64_t n, const T* z, const T* c_prev, float forget_bias, T* c, T* h);
  // dz may be z, and dc_prev any input of n elements.
  void (*backward)(int64_t n, const T* z, const T* c_prev, const T* c, const T* dc, const T* dh, float forget_bias,
                   T* dz, T* dc_prev);
};

struct LSTMTable {
  LSTMLoops<float> f32;
  LSTMLoops<double> f64;
  LSTMLoops<Half> f16;
  LSTMLoops<BFloat16> bf16;

  template <class T>
  TFMINI_ALWAYS_INLINE const LSTMLoops<T>& of() const {
    if constexpr (std::is_same_v<T, float>)
      return f32;
    else if constexpr (std::is_same_v<T, double>)
      return f64;
    else if constexpr (std::is_same_v<T, Half>)
      return f16;
    else
      return bf16;
  }
};

TFMINI_SIMD_TABLE(LSTMTable, lstm_table)

}  // namespace tfmini::simd
