#include "simd/binary.h"

#include "simd/convert16.h"

namespace tfmini::simd {
namespace {

#define TFMINI_BINARY_STRUCT(Name, types, cost, ...) \
  struct Name {                                      \
    static constexpr DTypeMask kTypes = types;       \
    template <class T>                               \
    static TFMINI_FN auto run(T x, T y) {            \
      using R = decltype(__VA_ARGS__);               \
      return static_cast<R>(__VA_ARGS__);            \
    }                                                \
  };
TFMINI_ALL_BINARY(TFMINI_BINARY_STRUCT)
#undef TFMINI_BINARY_STRUCT

enum class Form { kVectorVector, kVectorScalar, kScalarVector };

template <class F, class T, Form form>
__attribute__((noinline)) void loop(const void* xv, const void* yv, void* zv, int64_t n) {
  using R = decltype(F::run(T{}, T{}));
  const T* x = static_cast<const T*>(xv);
  const T* y = static_cast<const T*>(yv);
  R* z = static_cast<R*>(zv);
  if constexpr (form == Form::kVectorVector) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) z[i] = F::run(x[i], y[i]);
  } else if constexpr (form == Form::kVectorScalar) {
    const T s = *y;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) z[i] = F::run(x[i], s);
  } else {
    const T s = *x;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) z[i] = F::run(s, y[i]);
  }
}

constexpr int64_t kBlock = 256;

// For types few programs compute in: the scalar is repeated, so that one loop serves all three forms. A third of the
// code to compile, at the price of reading a block that stays in the first-level cache.
template <class F, class T, Form form>
void loop_repeated(const void* xv, const void* yv, void* zv, int64_t n) {
  using R = decltype(F::run(T{}, T{}));
  T block[kBlock];
  const T s = *static_cast<const T*>(form == Form::kScalarVector ? xv : yv);
  for (int64_t i = 0; i < kBlock && i < n; ++i) block[i] = s;
  for (int64_t i = 0; i < n; i += kBlock) {
    const T* x = form == Form::kScalarVector ? block : static_cast<const T*>(xv) + i;
    const T* y = form == Form::kVectorScalar ? block : static_cast<const T*>(yv) + i;
    loop<F, T, Form::kVectorVector>(x, y, static_cast<R*>(zv) + i, n - i < kBlock ? n - i : kBlock);
  }
}

template <class F, class H, Form form>
void loop16(const void* xv, const void* yv, void* zv, int64_t n) {
  using R = decltype(F::run(0.0f, 0.0f));
  const H* x = static_cast<const H*>(xv);
  const H* y = static_cast<const H*>(yv);
  alignas(64) float bx[kBlock16], by[kBlock16], out[kBlock16];
  if constexpr (form == Form::kScalarVector)
    for (float& f : bx) f = *x;
  if constexpr (form == Form::kVectorScalar)
    for (float& f : by) f = *y;
  for (int64_t i = 0; i < n; i += kBlock16) {
    const int64_t m = n - i < kBlock16 ? n - i : kBlock16;
    if constexpr (form != Form::kScalarVector) to_float(x + i, bx, m);
    if constexpr (form != Form::kVectorScalar) to_float(y + i, by, m);
    if constexpr (sizeof(R) == 1) {
      loop<F, float, Form::kVectorVector>(bx, by, static_cast<R*>(zv) + i, m);
    } else {
      loop<F, float, Form::kVectorVector>(bx, by, out, m);
      from_float(out, static_cast<H*>(zv) + i, m);
    }
  }
}

// The types that most arithmetic is done in get a loop for each form.
template <class T>
constexpr bool kCommon = std::is_floating_point_v<T> || std::is_same_v<T, int32_t> || std::is_same_v<T, int64_t>;

template <class F, class T>
constexpr void add_type(BinaryTable& table, int row) {
  constexpr DType dtype = dtype_of<T>;
  if constexpr ((F::kTypes & mask_of(dtype)) != 0) {
    BinaryLoops& entry = table.loops[row][static_cast<int>(dtype)];
    if constexpr (std::is_same_v<T, ComputeType<T>> && !kCommon<T>)
      entry = {&loop<F, T, Form::kVectorVector>, &loop_repeated<F, T, Form::kVectorScalar>,
               &loop_repeated<F, T, Form::kScalarVector>};
    else if constexpr (std::is_same_v<T, ComputeType<T>>)
      entry = {&loop<F, T, Form::kVectorVector>, &loop<F, T, Form::kVectorScalar>, &loop<F, T, Form::kScalarVector>};
    else
      entry = {&loop16<F, T, Form::kVectorVector>, &loop16<F, T, Form::kVectorScalar>,
               &loop16<F, T, Form::kScalarVector>};
  }
}
template <class F, class... Ts>
constexpr void add_types(BinaryTable& table, int row, TypeList<Ts...>) {
  (add_type<F, Ts>(table, row), ...);
}

// Ops that are one function under two names share its loops.
constexpr void share(BinaryTable& table, Binary to, Binary from) {
  for (int d = 0; d < kNumDTypes; ++d) table.loops[static_cast<int>(to)][d] = table.loops[static_cast<int>(from)][d];
}

constexpr BinaryTable make_table() {
  BinaryTable table{};
#define TFMINI_ADD(Name, types, cost, ...)                                                                    \
  if constexpr (!std::is_same_v<Name, AddV2> && !std::is_same_v<Name, RealDiv> && !std::is_same_v<Name, Mod>) \
    add_types<Name>(table, static_cast<int>(Binary::k##Name), PodTypes{});
  TFMINI_ALL_BINARY(TFMINI_ADD)
#undef TFMINI_ADD
  share(table, Binary::kAddV2, Binary::kAdd);
  share(table, Binary::kRealDiv, Binary::kDiv);
  share(table, Binary::kMod, Binary::kTruncateMod);
  return table;
}

}  // namespace

namespace TFMINI_ISA {
extern const BinaryTable binary_table;
constexpr BinaryTable kTable = make_table();
const BinaryTable binary_table = kTable;
}  // namespace TFMINI_ISA

}  // namespace tfmini::simd
