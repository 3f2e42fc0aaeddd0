// The elementwise functions, one line each: name, element types, cost, body. CPU loops, kernels, OpDefs and CUDA
// kernels all expand these lists; a function's name is its op's name in TensorFlow.
//
// X(Name, types, cost, body): the body sees x (and y), both of type T. `cost` is roughly ns per element on one core,
// for grain sizes only. 16-bit floats are computed in float.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "simd/math_special.h"

namespace tfmini::simd {

using DTypeMask = uint32_t;
constexpr DTypeMask mask_of(DType d) { return DTypeMask{1} << static_cast<int>(d); }
inline constexpr DTypeMask kFloats =
    mask_of(DType::kFloat) | mask_of(DType::kDouble) | mask_of(DType::kHalf) | mask_of(DType::kBFloat16);
inline constexpr DTypeMask kSignedInts =
    mask_of(DType::kInt8) | mask_of(DType::kInt16) | mask_of(DType::kInt32) | mask_of(DType::kInt64);
inline constexpr DTypeMask kInts =
    kSignedInts | mask_of(DType::kUInt8) | mask_of(DType::kUInt16) | mask_of(DType::kUInt32) | mask_of(DType::kUInt64);
inline constexpr DTypeMask kSigned = kFloats | kSignedInts;
inline constexpr DTypeMask kNumbers = kFloats | kInts;
inline constexpr DTypeMask kBools = mask_of(DType::kBool);
inline constexpr int kNumDTypes = static_cast<int>(DType::kUInt64) + 1;

// Pieces of the bodies below. Integer arithmetic wraps, as in NumPy.
namespace fn {

template <class T>
inline constexpr bool is_float = std::is_floating_point_v<T>;
// Wide enough that no product of two T overflows a signed type.
template <class T>
using Wrap = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

template <class T>
TFMINI_FN T add(T x, T y) {
  if constexpr (is_float<T>)
    return x + y;
  else
    return static_cast<T>(static_cast<Wrap<T>>(x) + static_cast<Wrap<T>>(y));
}
template <class T>
TFMINI_FN T sub(T x, T y) {
  if constexpr (is_float<T>)
    return x - y;
  else
    return static_cast<T>(static_cast<Wrap<T>>(x) - static_cast<Wrap<T>>(y));
}
template <class T>
TFMINI_FN T mul(T x, T y) {
  if constexpr (is_float<T>)
    return x * y;
  else
    return static_cast<T>(static_cast<Wrap<T>>(x) * static_cast<Wrap<T>>(y));
}
template <class T>
TFMINI_FN T neg(T x) {
  if constexpr (is_float<T>)
    return -x;
  else
    return sub(T(0), x);
}
template <class T>
TFMINI_FN T abs(T x) {
  if constexpr (is_float<T>)
    return math::abs(x);
  else
    return x < T(0) ? neg(x) : x;
}
template <class T>
TFMINI_FN T sign(T x) {
  const T s = static_cast<T>((x > T(0)) - (x < T(0)));
  if constexpr (is_float<T>)
    return x != x ? x : s;
  else
    return s;
}
// Both propagate NaN; equal operands give y, as in TensorFlow.
template <class T>
TFMINI_FN T max(T x, T y) {
  if constexpr (is_float<T>)
    return (x > y) | (x != x) ? x : y;
  else
    return x > y ? x : y;
}
template <class T>
TFMINI_FN T min(T x, T y) {
  if constexpr (is_float<T>)
    return (x < y) | (x != x) ? x : y;
  else
    return x < y ? x : y;
}
template <class T>
TFMINI_FN T rint(T x) {
  if constexpr (is_float<T>)
    return math::rint(x);
  else
    return x;
}

// Kernels refuse a zero divisor beforehand; here it only must not trap.
template <class T>
TFMINI_FN T div(T x, T y) {
  if constexpr (is_float<T>)
    return x / y;
  else if constexpr (std::is_signed_v<T>)
    return y == T(0) ? T(0) : y == T(-1) ? neg(x) : static_cast<T>(x / y);
  else
    return y == T(0) ? T(0) : static_cast<T>(x / y);
}
template <class T>
TFMINI_FN T truncate_div(T x, T y) {
  if constexpr (is_float<T>)
    return math::trunc(x / y);
  else
    return div(x, y);
}
template <class T>
TFMINI_FN T truncate_mod(T x, T y) {
  if constexpr (std::is_same_v<T, float>)
    return TFMINI_LIBM(fmodf)(x, y);
  else if constexpr (std::is_same_v<T, double>)
    return TFMINI_LIBM(fmod)(x, y);
  else if constexpr (std::is_signed_v<T>)
    return y == T(0) || y == T(-1) ? T(0) : static_cast<T>(x % y);
  else
    return y == T(0) ? T(0) : static_cast<T>(x % y);
}
template <class T>
TFMINI_FN T floor_div(T x, T y) {
  if constexpr (is_float<T>) {
    return math::floor(x / y);
  } else {
    const T q = div(x, y);
    if constexpr (std::is_signed_v<T>)
      return (x < T(0)) != (y < T(0)) && mul(q, y) != x ? sub(q, T(1)) : q;
    else
      return q;
  }
}
// The result has the sign of y.
template <class T>
TFMINI_FN T floor_mod(T x, T y) {
  const T m = truncate_mod(x, y);
  if constexpr (std::is_unsigned_v<T>)
    return m;
  else
    return m != T(0) && (m < T(0)) != (y < T(0)) ? add(m, y) : m;
}
// Negative integer exponents are refused by the kernel.
template <class T>
TFMINI_FN T pow(T x, T y) {
  if constexpr (is_float<T>) {
    return math::pow(x, y);
  } else {
    T result = 1;
    for (; y > T(0); y = static_cast<T>(y >> 1)) {
      if (y & T(1)) result = mul(result, x);
      x = mul(x, x);
    }
    return result;
  }
}
// Shifts by the width or more (or by a negative amount) are clamped to width - 1, as in TensorFlow.
template <class T>
TFMINI_FN int shift_count(T y) {
  constexpr int kLast = static_cast<int>(8 * sizeof(T)) - 1;
  if constexpr (std::is_signed_v<T>)
    if (y < T(0)) return 0;
  return static_cast<uint64_t>(y) > static_cast<uint64_t>(kLast) ? kLast : static_cast<int>(y);
}

inline constexpr double kSeluScale = 1.0507009873554804934193349852946;
inline constexpr double kSeluScaleAlpha = 1.7580993408473768599402175208123;
inline constexpr double kTwoOverSqrtPi = 1.12837916709551257390;

}  // namespace fn

// y = f(x)
#define TFMINI_UNARY_MATH(X)                   \
  X(Abs, kSigned, 0.2, fn::abs(x))             \
  X(Acos, kFloats, 2, math::acos(x))           \
  X(Acosh, kFloats, 4, math::acosh(x))         \
  X(Asin, kFloats, 2, math::asin(x))           \
  X(Asinh, kFloats, 4, math::asinh(x))         \
  X(Atan, kFloats, 2, math::atan(x))           \
  X(Atanh, kFloats, 4, math::atanh(x))         \
  X(Ceil, kFloats, 0.2, math::ceil(x))         \
  X(Cos, kFloats, 2, math::cos(x))             \
  X(Cosh, kFloats, 2, math::cosh(x))           \
  X(Digamma, kFloats, 30, math::digamma(x))    \
  X(Erf, kFloats, 1, math::erf(x))             \
  X(Erfc, kFloats, 3, math::erfc(x))           \
  X(Exp, kFloats, 0.6, math::exp(x))           \
  X(Expm1, kFloats, 0.6, math::expm1(x))       \
  X(Floor, kFloats, 0.2, math::floor(x))       \
  X(Inv, kFloats, 0.3, T(1) / x)               \
  X(Invert, kInts, 0.2, static_cast<T>(~x))    \
  X(Lgamma, kFloats, 30, math::lgamma(x))      \
  X(Log, kFloats, 0.8, math::log(x))           \
  X(Log1p, kFloats, 1, math::log1p(x))         \
  X(Neg, kSigned, 0.2, fn::neg(x))             \
  X(Reciprocal, kFloats, 0.3, T(1) / x)        \
  X(Rint, kFloats, 0.2, math::rint(x))         \
  X(Round, kSigned, 0.2, fn::rint(x))          \
  X(Rsqrt, kFloats, 0.6, T(1) / math::sqrt(x)) \
  X(Sigmoid, kFloats, 0.8, math::sigmoid(x))   \
  X(Sign, kSigned, 0.2, fn::sign(x))           \
  X(Sin, kFloats, 2, math::sin(x))             \
  X(Sinh, kFloats, 2, math::sinh(x))           \
  X(Sqrt, kFloats, 0.4, math::sqrt(x))         \
  X(Square, kNumbers, 0.2, fn::mul(x, x))      \
  X(Tan, kFloats, 3, math::tan(x))             \
  X(Tanh, kFloats, 0.8, math::tanh(x))

#define TFMINI_UNARY_LOGICAL(X) X(LogicalNot, kBools, 0.1, !x)

// y: bool
#define TFMINI_PREDICATES(X)                               \
  X(IsFinite, kFloats, 0.2, math::abs(x) < T(math::kInfF)) \
  X(IsInf, kFloats, 0.2, math::abs(x) == T(math::kInfF))   \
  X(IsNan, kFloats, 0.2, x != x)

// activations = f(features)
#define TFMINI_ACTIVATIONS(X)                                                                       \
  X(Elu, kFloats, 0.8, x < T(0) ? math::expm1(x) : x)                                               \
  X(Relu, kNumbers, 0.2, x < T(0) ? T(0) : x)                                                       \
  X(Relu6, kNumbers, 0.2, x<T(0) ? T(0) : x> T(6) ? T(6) : x)                                       \
  X(Selu, kFloats, 0.8, x < T(0) ? T(fn::kSeluScaleAlpha) * math::expm1(x) : T(fn::kSeluScale) * x) \
  X(Softplus, kFloats, 1.4, math::softplus(x))                                                      \
  X(Softsign, kFloats, 0.4, x / (math::abs(x) + T(1)))

#define TFMINI_ALL_UNARY(X) TFMINI_UNARY_MATH(X) TFMINI_UNARY_LOGICAL(X) TFMINI_PREDICATES(X) TFMINI_ACTIVATIONS(X)

// z = f(x, y)
#define TFMINI_BINARY_MATH(X)                                                                 \
  X(Add, kNumbers, 0.2, fn::add(x, y))                                                        \
  X(AddV2, kNumbers, 0.2, fn::add(x, y))                                                      \
  X(BitwiseAnd, kInts, 0.2, static_cast<T>(x & y))                                            \
  X(BitwiseOr, kInts, 0.2, static_cast<T>(x | y))                                             \
  X(BitwiseXor, kInts, 0.2, static_cast<T>(x ^ y))                                            \
  X(Div, kNumbers, 0.4, fn::div(x, y))                                                        \
  X(DivNoNan, kFloats, 0.4, y == T(0) ? T(0) : x / y)                                         \
  X(FloorDiv, kNumbers, 0.6, fn::floor_div(x, y))                                             \
  X(FloorMod, kNumbers, 8, fn::floor_mod(x, y))                                               \
  X(LeftShift, kInts, 0.2, static_cast<T>(static_cast<fn::Wrap<T>>(x) << fn::shift_count(y))) \
  X(Maximum, kNumbers, 0.2, fn::max(x, y))                                                    \
  X(Minimum, kNumbers, 0.2, fn::min(x, y))                                                    \
  X(Mod, kNumbers, 8, fn::truncate_mod(x, y))                                                 \
  X(Mul, kNumbers, 0.2, fn::mul(x, y))                                                        \
  X(MulNoNan, kFloats, 0.2, y == T(0) ? T(0) : x * y)                                         \
  X(Pow, kSigned, 4, fn::pow(x, y))                                                           \
  X(RealDiv, kNumbers, 0.4, fn::div(x, y))                                                    \
  X(RightShift, kInts, 0.2, static_cast<T>(x >> fn::shift_count(y)))                          \
  X(SquaredDifference, kNumbers, 0.2, fn::mul(fn::sub(x, y), fn::sub(x, y)))                  \
  X(Sub, kNumbers, 0.2, fn::sub(x, y))                                                        \
  X(TruncateDiv, kNumbers, 0.6, fn::truncate_div(x, y))                                       \
  X(TruncateMod, kNumbers, 8, fn::truncate_mod(x, y))                                         \
  X(Xdivy, kFloats, 0.4, x == T(0) ? T(0) : x / y)                                            \
  X(Xlogy, kFloats, 1, x == T(0) ? T(0) : x * math::log(y))

// z = atan2(y, x): TensorFlow declares the ordinate first; the body's x is that first input.
#define TFMINI_ATAN2(X) X(Atan2, kFloats, 3, math::atan2(x, y))
// z = polygamma(a, x) and zeta(x, q).
#define TFMINI_POLYGAMMA(X) X(Polygamma, kFloats, 200, math::polygamma(x, y))
#define TFMINI_ZETA(X) X(Zeta, kFloats, 200, math::zeta(x, y))

// z: bool
#define TFMINI_COMPARISONS(X)            \
  X(Greater, kNumbers, 0.2, x > y)       \
  X(GreaterEqual, kNumbers, 0.2, x >= y) \
  X(Less, kNumbers, 0.2, x < y)          \
  X(LessEqual, kNumbers, 0.2, x <= y)

#define TFMINI_EQUALITIES(X)               \
  X(Equal, kNumbers | kBools, 0.2, x == y) \
  X(NotEqual, kNumbers | kBools, 0.2, x != y)

#define TFMINI_BINARY_LOGICAL(X)                       \
  X(LogicalAnd, kBools, 0.1, static_cast<bool>(x & y)) \
  X(LogicalOr, kBools, 0.1, static_cast<bool>(x | y))

// z = f(y, dy): derivatives from the function's own result. The body's x is the result, y the incoming gradient.
#define TFMINI_RESULT_GRADS(X)                        \
  X(InvGrad, kFloats, 0.2, -y * x * x)                \
  X(ReciprocalGrad, kFloats, 0.2, -y * x * x)         \
  X(RsqrtGrad, kFloats, 0.2, T(-0.5) * y * x * x * x) \
  X(SigmoidGrad, kFloats, 0.2, y*(T(1) - x) * x)      \
  X(SqrtGrad, kFloats, 0.4, T(0.5) * y / x)           \
  X(TanhGrad, kFloats, 0.2, y*(T(1) - x * x))

// backprops = f(gradients, features); ReluGrad and Relu6Grad accept the activation as well.
#define TFMINI_FEATURE_GRADS(X)                                   \
  X(Relu6Grad, kNumbers, 0.2, (y > T(0)) & (y < T(6)) ? x : T(0)) \
  X(ReluGrad, kNumbers, 0.2, y > T(0) ? x : T(0))                 \
  X(SoftplusGrad, kFloats, 0.8, x* math::sigmoid(y))              \
  X(SoftsignGrad, kFloats, 0.4, x / ((T(1) + math::abs(y)) * (T(1) + math::abs(y))))

// backprops = f(gradients, outputs)
#define TFMINI_OUTPUT_GRADS(X)                            \
  X(EluGrad, kFloats, 0.2, y < T(0) ? (y + T(1)) * x : x) \
  X(SeluGrad, kFloats, 0.2, y < T(0) ? x * (y + T(fn::kSeluScaleAlpha)) : x * T(fn::kSeluScale))

// Not ops: building blocks of kernels with a scalar attribute. y is the slope, a scalar.
#define TFMINI_BINARY_INTERNAL(X)                  \
  X(LeakyRelu, kFloats, 0.2, x > T(0) ? x : x * y) \
  X(LeakyReluSlope, kFloats, 0.2, x > T(0) ? T(1) : y)

#define TFMINI_ALL_BINARY(X) \
  TFMINI_BINARY_MATH(X)      \
  TFMINI_ATAN2(X)            \
  TFMINI_POLYGAMMA(X)        \
  TFMINI_ZETA(X)             \
  TFMINI_COMPARISONS(X)      \
  TFMINI_EQUALITIES(X)       \
  TFMINI_BINARY_LOGICAL(X)   \
  TFMINI_RESULT_GRADS(X) TFMINI_FEATURE_GRADS(X) TFMINI_OUTPUT_GRADS(X) TFMINI_BINARY_INTERNAL(X)

// Positions in the tables of loops, and opcodes of fused programs.
#define TFMINI_ENUMERATOR(Name, types, cost, ...) k##Name,
enum class Unary : uint8_t { TFMINI_ALL_UNARY(TFMINI_ENUMERATOR) kCount };
enum class Binary : uint8_t { TFMINI_ALL_BINARY(TFMINI_ENUMERATOR) kCount };
#undef TFMINI_ENUMERATOR
inline constexpr int kNumUnary = static_cast<int>(Unary::kCount);
inline constexpr int kNumBinary = static_cast<int>(Binary::kCount);

}  // namespace tfmini::simd
