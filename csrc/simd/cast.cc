#include "simd/cast.h"

#include "simd/cast_one.h"
#include "simd/convert16.h"

namespace tfmini::simd {
namespace {

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
