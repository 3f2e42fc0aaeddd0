#include "simd/unary.h"

#include "simd/convert16.h"

namespace tfmini::simd {
namespace {

// A body may name a domain in which its vector form holds; arguments outside it go to libm one by one.
template <class F, class T>
concept HasDomain = requires(T x) { F::inside(x); };

#define TFMINI_UNARY_STRUCT(Name, types, cost, ...) \
  struct Name {                                     \
    static constexpr DTypeMask kTypes = types;      \
    template <class T>                              \
    static TFMINI_FN auto run(T x) {                \
      using R = decltype(__VA_ARGS__);              \
      return static_cast<R>(__VA_ARGS__);           \
    }                                               \
  };
TFMINI_ALL_UNARY(TFMINI_UNARY_STRUCT)
#undef TFMINI_UNARY_STRUCT

#define TFMINI_TRIG(Name, libm)                                                                  \
  struct Wide##Name : Name {                                                                     \
    static TFMINI_FN bool inside(float x) { return math::abs(x) < math::wide::kTrigLimit; }      \
    static TFMINI_FN float outside(float x) { return static_cast<float>(TFMINI_LIBM(libm)(x)); } \
  };
TFMINI_TRIG(Sin, sinf)
TFMINI_TRIG(Cos, cosf)
TFMINI_TRIG(Tan, tan)  // tanf is off by 1.5 ULP
#undef TFMINI_TRIG

template <class F, class T>
void loop(const void* xv, void* yv, int64_t n) {
  using R = decltype(F::run(T{}));
  const T* x = static_cast<const T*>(xv);
  R* y = static_cast<R*>(yv);
  if constexpr (HasDomain<F, T> && sizeof(T) == 4) {
    constexpr int64_t kBlock = 1024;
    for (int64_t begin = 0; begin < n; begin += kBlock) {
      const int64_t end = begin + kBlock < n ? begin + kBlock : n;
      int outliers = 0;
      for (int64_t i = begin; i < end; ++i) outliers += !F::inside(x[i]);
      if (outliers == 0) {
#pragma GCC ivdep
        for (int64_t i = begin; i < end; ++i) y[i] = F::run(x[i]);
      } else {
        for (int64_t i = begin; i < end; ++i) y[i] = F::inside(x[i]) ? F::run(x[i]) : F::outside(x[i]);
      }
    }
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = F::run(x[i]);
  }
}

template <class F, class H>
void loop16(const void* xv, void* yv, int64_t n) {
  using R = decltype(F::run(0.0f));
  const H* x = static_cast<const H*>(xv);
  alignas(64) float buffer[kBlock16];
  for (int64_t i = 0; i < n; i += kBlock16) {
    const int64_t m = n - i < kBlock16 ? n - i : kBlock16;
    to_float(x + i, buffer, m);
    if constexpr (sizeof(R) == 1) {
      loop<F, float>(buffer, static_cast<R*>(yv) + i, m);
    } else {
      loop<F, float>(buffer, buffer, m);
      from_float(buffer, static_cast<H*>(yv) + i, m);
    }
  }
}

template <class F, class T>
constexpr void add_type(UnaryTable& table, int row) {
  constexpr DType dtype = dtype_of<T>;
  if constexpr ((F::kTypes & mask_of(dtype)) != 0) {
    if constexpr (std::is_same_v<T, ComputeType<T>>)
      table.loops[row][static_cast<int>(dtype)] = &loop<F, T>;
    else
      table.loops[row][static_cast<int>(dtype)] = &loop16<F, T>;
  }
}
template <class F, class... Ts>
constexpr void add_types(UnaryTable& table, int row, TypeList<Ts...>) {
  (add_type<F, Ts>(table, row), ...);
}

constexpr UnaryTable make_table() {
  UnaryTable table{};
#define TFMINI_ADD(Name, types, cost, ...) add_types<Name>(table, static_cast<int>(Unary::k##Name), PodTypes{});
  TFMINI_ALL_UNARY(TFMINI_ADD)
#undef TFMINI_ADD
  add_types<WideSin>(table, static_cast<int>(Unary::kSin), FloatTypes{});
  add_types<WideCos>(table, static_cast<int>(Unary::kCos), FloatTypes{});
  add_types<WideTan>(table, static_cast<int>(Unary::kTan), FloatTypes{});
  return table;
}

}  // namespace

namespace TFMINI_ISA {
extern const UnaryTable unary_table;
constexpr UnaryTable kTable = make_table();
const UnaryTable unary_table = kTable;
}  // namespace TFMINI_ISA

}  // namespace tfmini::simd
