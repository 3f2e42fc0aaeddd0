#include "simd/cast.h"

#include "simd/convert16.h"

namespace tfmini::simd {
namespace {

// Floats outside the integer's range, and NaN, give what x86 gives and TensorFlow therefore shows: the most negative
// int32 (for types up to 32 bits, then truncated) or int64. Written out, because C++ leaves it undefined.
template <class To, class From>
TFMINI_FN To cast_one(From x) {
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

template <class From, class To>
void loop(const void* xv, void* yv, int64_t n) {
  const From* x = static_cast<const From*>(xv);
  To* y = static_cast<To*>(yv);
  constexpr bool kFrom16 = !std::is_same_v<From, ComputeType<From>>, kTo16 = !std::is_same_v<To, ComputeType<To>>;
  if constexpr (kFrom16 || kTo16) {
    alignas(64) float buffer[kBlock16];
    for (int64_t i = 0; i < n; i += kBlock16) {
      const int64_t m = n - i < kBlock16 ? n - i : kBlock16;
      if constexpr (kFrom16)
        to_float(x + i, buffer, m);
      else
        for (int64_t j = 0; j < m; ++j) buffer[j] = cast_one<float>(x[i + j]);
      if constexpr (kTo16)
        from_float(buffer, y + i, m);
      else
        for (int64_t j = 0; j < m; ++j) y[i + j] = cast_one<To>(buffer[j]);
    }
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = cast_one<To>(x[i]);
  }
}

template <class From, class... To>
constexpr void add_row(CastTable& table, TypeList<To...>) {
  ((table.loops[static_cast<int>(dtype_of<From>)][static_cast<int>(dtype_of<To>)] = &loop<From, To>), ...);
}
template <class... From>
constexpr CastTable make_table(TypeList<From...> types) {
  CastTable table{};
  (add_row<From>(table, types), ...);
  return table;
}

}  // namespace

namespace TFMINI_ISA {
extern const CastTable cast_table;
constexpr CastTable kTable = make_table(PodTypes{});
const CastTable cast_table = kTable;
}  // namespace TFMINI_ISA

}  // namespace tfmini::simd
