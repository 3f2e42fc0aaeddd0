// One element from one type to another, for CPU loops and CUDA kernels.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/half.h"

namespace tfmini::simd {

// Floats outside the integer's range, and NaN, give what x86 gives and TensorFlow therefore shows: the most negative
// int32 (for types up to 32 bits, then truncated) or int64. Written out, because C++ leaves it undefined.
template <class To, class From>
TFMINI_ALWAYS_INLINE To cast_one(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    using Wide = std::conditional_t<(sizeof(To) < 4 || std::is_same_v<To, int32_t>), int32_t, int64_t>;
    constexpr Wide kLowest = static_cast<Wide>(Wide{1} << (8 * sizeof(Wide) - 2)) * -2;
    constexpr From kBound = -static_cast<From>(kLowest);  // 2^31 or 2^63
    if constexpr (std::is_same_v<To, uint64_t>)
      if (x >= kBound)
        return x < kBound * 2 ? static_cast<To>(static_cast<Wide>(x - kBound)) + (To{1} << 63) : To{1} << 63;
    const bool fits = x >= -kBound && x < kBound;
    const Wide wide = fits ? static_cast<Wide>(fits ? x : From(0)) : kLowest;
    if constexpr (std::is_same_v<To, uint32_t>)
      return wide < -int64_t{0x80000000} || wide > int64_t{0xffffffff} ? To{0x80000000u} : static_cast<To>(wide);
    return static_cast<To>(wide);
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace tfmini::simd
