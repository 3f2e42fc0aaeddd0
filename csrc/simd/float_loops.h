// Loops for each floating type, for tables of them (simd/dispatch.h).
#pragma once

#include <type_traits>

#include "core/dtype.h"

namespace tfmini::simd {

template <template <class> class Loops>
struct FloatLoops {
  Loops<float> f32;
  Loops<double> f64;
  Loops<Half> f16;
  Loops<BFloat16> bf16;

  template <class T>
  TFMINI_ALWAYS_INLINE const Loops<T>& of() const {
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

}  // namespace tfmini::simd
