#include "simd/select.h"

namespace tfmini::simd {
namespace {

template <class T, bool kScalarA, bool kScalarB>
void loop(const bool* cv, const void* av, const void* bv, void* outv, int64_t n) {
  const uint8_t* c = reinterpret_cast<const uint8_t*>(cv);
  const T* a = static_cast<const T*>(av);
  const T* b = static_cast<const T*>(bv);
  T* out = static_cast<T*>(outv);
  const T a0 = kScalarA ? *a : T(0), b0 = kScalarB ? *b : T(0);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    // Masks, not a branch: both sides are read unconditionally, so the loop vectorises for every T.
    const T mask = static_cast<T>(T(0) - static_cast<T>(c[i] != 0));
    out[i] = static_cast<T>(((kScalarA ? a0 : a[i]) & mask) | ((kScalarB ? b0 : b[i]) & static_cast<T>(~mask)));
  }
}

template <class T>
constexpr void add_size(SelectTable& t, int row) {
  t.loops[row][0][0] = &loop<T, false, false>;
  t.loops[row][0][1] = &loop<T, false, true>;
  t.loops[row][1][0] = &loop<T, true, false>;
  t.loops[row][1][1] = &loop<T, true, true>;
}
constexpr SelectTable make_table() {
  SelectTable t{};
  add_size<uint8_t>(t, 0);
  add_size<uint16_t>(t, 1);
  add_size<uint32_t>(t, 2);
  add_size<uint64_t>(t, 3);
  return t;
}

}  // namespace

namespace TFMINI_ISA {
extern const SelectTable select_table;
constexpr SelectTable kTable = make_table();
const SelectTable select_table = kTable;
}  // namespace TFMINI_ISA

}  // namespace tfmini::simd
