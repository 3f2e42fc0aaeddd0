// Elementary functions as branch-free scalar code, so that loops over them vectorise for every ISA and the same bodies
// serve CUDA. Polynomials were fitted (Lawson-weighted least squares) for the reduced ranges named at each.
//
// float: at most 2.5 ULP, most below 1 (docs/vector_math.md has the table); denormals, infinities, NaN and signed
// zeros as in C99. Functions whose float form would be delicate run in double inside (namespace wide, good to about
// 2^-35), which costs half the vector width and rounds once. double: libm.
#pragma once

#include "simd/math_base.h"

namespace tfmini::simd::math {

// --- exp family in float -------------------------------------------------------------------------
inline constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: x + kRound holds round(x) in its low bits
inline constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;  // high: 9 bits, n * high is exact

// x = n ln2 + r, |r| <= ln2 / 2; returns expm1(r). `shifter` holds n + bias in its low bits.
TFMINI_FN float expm1_reduced(float x, int bias, float& shifter) {
  const float round = kRound + static_cast<float>(bias);
  shifter = madd(x, 1.44269504f, round);
  const float n = shifter - round;
  const float r = madd(n, -kLn2Low, madd(n, -kLn2High, x));
  const float p = poly(r, 0.5f, 0.166665435f, 0.0416662805f, 0.00836661085f, 0.00139464939f);
  return madd(r * r, p, r);
}
// 2^m from a shifter whose low bits hold m + 127, in [1, 254].
TFMINI_FN float pow2(float shifter) { return bits<float>(bits<uint32_t>(shifter) << 23); }

TFMINI_FN float exp(float x) {
  float shifter;
  const float q = expm1_reduced(clamp(x, -104.0f, 89.0f), 2 * 127, shifter);
  // Two factors, since 2^n alone leaves the normal range where e^x is denormal or infinite.
  const uint32_t m = bits<uint32_t>(shifter), half = m >> 1;
  const float scale = bits<float>(half << 23);
  return madd(q, scale, scale) * bits<float>((m - half) << 23);
}
// e^-a for a >= 0: nothing overflows, and a constant brings results down to where they may be denormal.
TFMINI_FN float exp_minus(float a) {
  float shifter;
  const float q = expm1_reduced(-at_most(a, 104.0f), 127 + 64, shifter);
  const float scale = pow2(shifter);
  return madd(q, scale, scale) * 0x1p-64f;
}
// e^x where it is normal.
TFMINI_FN float exp_normal(float x) {
  float shifter;
  const float q = expm1_reduced(x, 127, shifter);
  const float scale = pow2(shifter);
  return madd(q, scale, scale);
}
// Below ln(2^24) in magnitude nothing cancels: 2^n - 1 is exact and expm1(r) enters with full precision.
TFMINI_FN float expm1(float x) {
  float shifter;
  const float q = expm1_reduced(clamp(x, -18.0f, 89.0f), 126, shifter);
  const float half_scale = pow2(shifter);  // 2^n overflows before e^x does
  const float y = madd(half_scale, q, half_scale - 0.5f) * 2.0f;
  return abs(x) < 1e-8f ? x : y;
}
// h = expm1(2|x|) / 2, tanh = h / (h + 1); 1 from 9.02 on. What one constant for ln2 / 2 lacks matters only where n is
// large, and there h does not.
TFMINI_FN float tanh(float x) {
  const float a = at_most(abs(x), 9.02f), round = kRound + 127.0f;
  const float shifter = madd(a, 2.88539008f, round);
  const float r = madd(shifter - round, -0.34657359f, a);
  const float p = poly(r, 1.0f, 0.66666174f, 0.333330244f, 0.1338657736f, 0.04462878048f);
  const float q = madd(r * r, p, r), scale = pow2(shifter);
  const float h = madd(scale, q, madd(scale, 0.5f, -0.5f));
  return with_sign(h / (h + 1.0f), x);
}
// c / (c + c e^-x): with c = 2^-32 neither e^104 overflows nor, divided by, stays above the smallest denormal.
TFMINI_FN float sigmoid(float x) {
  float shifter;
  const float q = expm1_reduced(-clamp(x, -104.0f, 60.0f), 127 - 32, shifter), scale = pow2(shifter);
  return 0x1p-32f / madd(scale, q, scale + 0x1p-32f);
}

// x positive and normal: x = 2^e m, m in [sqrt(1/2), sqrt(2)); log(1 + f) = f - f^2/2 + f^3 P(f). Returns log(x) +
// shift ln2.
TFMINI_FN float log_normal(float x, float shift = 0.0f) {
  const uint32_t u = bits<uint32_t>(x) - 0x3f3504f3u;
  const float e = static_cast<float>(static_cast<int32_t>(u) >> 23) + shift;
  const float f = bits<float>((u & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  const float p = poly(f, 0.333333105f, -0.249999866f, 0.200022265f, -0.166692495f, 0.142186552f, -0.123843685f,
                       0.118730128f, -0.117897049f, 0.0691516548f);
  const float f2 = f * f;
  return madd(e, kLn2High, f + madd(f2, -0.5f, madd(f2 * f, p, e * kLn2Low)));
}
TFMINI_FN float log(float x) {
  const bool tiny = x < 1.17549435e-38f;
  float y = log_normal(tiny ? x * 8388608.0f : x, tiny ? -23.0f : 0.0f);
  y = x == kInfF ? x : y;
  y = x == 0.0f ? -kInfF : y;
  return x >= 0.0f ? y : kNanF;
}

// The last term restores what 1 + x rounded away.
TFMINI_FN float log1p(float x) {
  const float u = 1.0f + x;
  float y = log_normal(u) + (x - (u - 1.0f)) / u;
  y = x == kInfF ? x : y;
  y = x == -1.0f ? -kInfF : y;
  y = x >= -1.0f ? y : kNanF;
  return abs(x) < 1e-8f ? x : y;
}
TFMINI_FN float softplus(float x) {
  const float e = exp_minus(abs(x)), u = 1.0f + e;
  return (x > 0.0f ? x : 0.0f) + (log_normal(u) + (e - (u - 1.0f)) / u);
}

// --- double inside, for float results ------------------------------------------------------------
namespace wide {

inline constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52
inline constexpr double kLn2High = 0.693147180369123816490, kLn2Low = 1.90821492927058770002e-10;

TFMINI_FN double expm1_reduced(double x, double& scale) {
  const double shifter = madd(x, 1.4426950408889634, kRound);
  const double n = shifter - kRound;
  const double r = madd(n, -kLn2Low, madd(n, -kLn2High, x));
  scale = bits<double>((bits<uint64_t>(shifter) + 1023u) << 52);
  const double p = poly(r, 0.49999999999735167, 0.16666666754753251, 0.041666666955959296, 0.0083332888858789721,
                        0.0013888809161370314, 0.00019905010241666555, 2.4882572875286752e-05);
  return madd(r * r, p, r);
}
// Saturates at e^+-700, far outside float.
TFMINI_FN double exp(double x) {
  double scale;
  const double q = expm1_reduced(clamp(x, -700.0, 700.0), scale);
  return madd(scale, q, scale);
}
TFMINI_FN double expm1(double x) {
  double scale;
  const double q = expm1_reduced(clamp(x, -700.0, 700.0), scale);
  return madd(scale, q, scale - 1.0);
}
// x positive and normal; log((1 + s) / (1 - s)) = 2 s (1 + s^2 P(s^2)).
TFMINI_FN double log(double x) {
  const uint64_t u = bits<uint64_t>(x) - 0x3fe6a09e667f3bcdull + (1023ull << 52);
  // The biased exponent placed under 2^52 becomes a double without an integer conversion.
  const double e = bits<double>((u >> 52) | 0x4330000000000000ull) - (4503599627370496.0 + 1023.0);
  const double f = bits<double>((u & 0x000fffffffffffffull) + 0x3fe6a09e667f3bcdull) - 1.0;
  const double s = f / (2.0 + f), z = s * s;
  const double p =
      poly(z, 0.33333333337900084, 0.19999997811236969, 0.14286054529352438, 0.1108809701042219, 0.097920299755415732);
  return madd(e, kLn2High, madd(e, kLn2Low, madd(2.0 * s * z, p, 2.0 * s)));
}
// x > -1.
TFMINI_FN double log1p(double x) {
  const double u = 1.0 + x;
  return log(u) + (x - (u - 1.0)) / u;
}

struct SinCos {
  double sin, cos;
  uint64_t quadrant;
};
// x = n pi/2 + r with a 33-bit high part, exact for |x| < kTrigLimit.
inline constexpr float kTrigLimit = 1e6f;
TFMINI_FN SinCos sincos(double x) {
  const double shifter = madd(x, 0.63661977236758134, kRound);
  const double n = shifter - kRound;
  const double r = madd(n, -6.07710050650619224932e-11, madd(n, -1.57079632673412561417, x));
  const double z = r * r;
  const double s = poly(z, -0.1666666664142597, 0.0083333293622349855, -0.00019839327125144421, 2.7182371874865679e-06);
  const double c =
      poly(z, 0.041666666622475923, -0.0013888883722546837, 2.4799511747174856e-05, -2.7209546582719477e-07);
  return {r * madd(z, s, 1.0), madd(z * z, c, madd(z, -0.5, 1.0)), bits<uint64_t>(shifter)};
}
// a in [0, 1].
TFMINI_FN double atan01(double a) {
  const double z = a * a;
  const double p = poly(z, -0.33333332235214702, 0.1999993219266582, -0.14284250787035957, 0.11095201801880474,
                        -0.089887889740747962, 0.072693751230830883, -0.054704315177589426, 0.034704451385277058,
                        -0.016471303309750763, 0.0049992523588121719, -0.0007112931286911968);
  return a * madd(z, p, 1.0);
}
// For |x| <= 1/2: asin(|x|); beyond: asin(sqrt((1 - |x|) / 2)), half of acos(|x|).
TFMINI_FN double asin_core(double a) {
  const bool big = a > 0.5;
  const double z = big ? (1.0 - a) * 0.5 : a * a;
  const double s = big ? sqrt(z) : a;
  const double p = poly(z, 0.16666667189848466, 0.074999481558911771, 0.044660163451085429, 0.030110255312819648,
                        0.024618339789341234, 0.0074692127886949603, 0.034692849734876387);
  return s * madd(z, p, 1.0);
}

}  // namespace wide

TFMINI_FN float sinh(float x) {
  const double t = wide::expm1(abs(x));
  return copysign(static_cast<float>(0.5 * (t + t / (t + 1.0))), x);
}
TFMINI_FN float cosh(float x) {
  const double e = wide::exp(abs(x));
  return static_cast<float>(0.5 * (e + 1.0 / e));
}
TFMINI_FN float asinh(float x) {
  const double a = abs(x), a2 = a * a;
  const float y = static_cast<float>(wide::log1p(a + a2 / (1.0 + sqrt(1.0 + a2))));
  return abs(x) == kInfF ? x : copysign(y, x);
}
TFMINI_FN float acosh(float x) {
  const double t = static_cast<double>(x) - 1.0;
  float y = static_cast<float>(wide::log1p(t + sqrt(t * (t + 2.0))));
  y = x == kInfF ? x : y;
  return x >= 1.0f ? y : kNanF;
}
TFMINI_FN float atanh(float x) {
  const double a = abs(x);
  float y = copysign(static_cast<float>(0.5 * wide::log1p(2.0 * a / (1.0 - a))), x);
  y = a == 1.0 ? copysign(kInfF, x) : y;
  return a <= 1.0 ? y : kNanF;
}
TFMINI_FN float sin(float x) {
  const wide::SinCos t = wide::sincos(x);
  const float y = static_cast<float>(t.quadrant & 1u ? t.cos : t.sin);
  return t.quadrant & 2u ? -y : y;
}
TFMINI_FN float cos(float x) {
  const wide::SinCos t = wide::sincos(x);
  const float y = static_cast<float>(t.quadrant & 1u ? t.sin : t.cos);
  return (t.quadrant + 1u) & 2u ? -y : y;
}
TFMINI_FN float tan(float x) {
  const wide::SinCos t = wide::sincos(x);
  const bool odd = t.quadrant & 1u;
  return static_cast<float>((odd ? -t.cos : t.sin) / (odd ? t.sin : t.cos));
}
TFMINI_FN float asin(float x) {
  const double p = wide::asin_core(abs(x));
  return copysign(static_cast<float>(abs(x) > 0.5f ? kPi / 2 - 2.0 * p : p), x);
}
TFMINI_FN float acos(float x) {
  const double p = wide::asin_core(abs(x));
  const double near_one = x > 0.0f ? 2.0 * p : kPi - 2.0 * p;
  return static_cast<float>(abs(x) > 0.5f ? near_one : kPi / 2 - copysign(p, static_cast<double>(x)));
}
TFMINI_FN float atan(float x) {
  const double a = abs(x);
  const double p = wide::atan01(a > 1.0 ? 1.0 / a : a);
  return copysign(static_cast<float>(a > 1.0 ? kPi / 2 - p : p), x);
}
TFMINI_FN float atan2(float y, float x) {
  const double ay = abs(y), ax = abs(x);
  const double high = ay > ax ? ay : ax, low = ay > ax ? ax : ay;
  double t = low / high;
  t = low == high ? 1.0 : t;  // both infinite
  t = high == 0.0 ? 0.0 : t;
  double p = wide::atan01(t);
  p = ay > ax ? kPi / 2 - p : p;
  p = bits<uint32_t>(x) >> 31 ? kPi - p : p;
  return is_nan(x) || is_nan(y) ? x + y : copysign(static_cast<float>(p), y);
}
// |x| < 1: x P(x^2); beyond: 1 - e^-Q(|x|).
TFMINI_FN float erf(float x) {
  const float a = at_most(abs(x), 4.0f), z = a * a;
  const float p =
      poly(z, -0.37612626f, 0.112836003f, -0.0268544443f, 0.00518953521f, -0.000802083989f, 7.88911566e-05f);
  const float small = x * madd(z, p, 1.12837911f);
  const float q = poly(a, -0.000188040227f, 1.12957847f, 0.633219898f, 0.108418576f, -0.0252082571f, 0.00420456193f,
                       -0.000441336364f, 2.16868502e-05f);
  return a < 1.0f ? small : with_sign(1.0f - exp_normal(-q), x);
}
// e^-a^2 / (1 + 2a) times a polynomial in (a - 4) / (a + 4).
TFMINI_FN float erfc(float x) {
  const double a = at_most(abs(x), 11.0f), t = (a - 4.0) / (a + 4.0);
  const double p = poly(t, 1.2329951186256458, -0.13962111687191456, 0.015379652072462372, 0.068097056735960587,
                        -0.10103906331555292, 0.093732779762735891, -0.066330446957308012, 0.037168012918698021,
                        -0.016196760626925374, 0.0050301681225175809, -0.00076289104408818614, -0.00019834890480416632,
                        0.00016140216639656831, -1.7719999517817879e-05, -1.6179158388321541e-05);
  const double y = wide::exp(-a * a) * p / madd(a, 2.0, 1.0);
  return static_cast<float>(x < 0.0f ? 2.0 - y : y);
}
TFMINI_FN float pow(float x, float y) {
  const double a = abs(x), yd = y, half = yd * 0.5;
  double l = wide::log(a);
  l = a == 0.0 ? -__builtin_inf() : l;
  l = abs(x) == kInfF ? __builtin_inf() : l;
  double r = wide::exp(yd * l);
  const bool integer = rint(yd) == yd, odd = integer & (rint(half) != half);
  r = (bits<uint32_t>(x) >> 31) & odd ? -r : r;
  r = (x < 0.0f) & (a != __builtin_inf()) & !integer ? static_cast<double>(kNanF) : r;
  r = is_nan(x) | is_nan(y) ? static_cast<double>(kNanF) : r;
  const bool one = (y == 0.0f) | (x == 1.0f) | ((a == 1.0) & (abs(y) == kInfF));
  return one ? 1.0f : static_cast<float>(r);
}

// --- double --------------------------------------------------------------------------------------
#define TFMINI_DOUBLE_FN(name) \
  TFMINI_FN double name(double x) { return TFMINI_LIBM(name)(x); }
TFMINI_DOUBLE_FN(exp)
TFMINI_DOUBLE_FN(expm1)
TFMINI_DOUBLE_FN(log)
TFMINI_DOUBLE_FN(log1p)
TFMINI_DOUBLE_FN(sin)
TFMINI_DOUBLE_FN(cos)
TFMINI_DOUBLE_FN(tan)
TFMINI_DOUBLE_FN(asin)
TFMINI_DOUBLE_FN(acos)
TFMINI_DOUBLE_FN(atan)
TFMINI_DOUBLE_FN(sinh)
TFMINI_DOUBLE_FN(cosh)
TFMINI_DOUBLE_FN(tanh)
TFMINI_DOUBLE_FN(asinh)
TFMINI_DOUBLE_FN(acosh)
TFMINI_DOUBLE_FN(atanh)
TFMINI_DOUBLE_FN(erf)
TFMINI_DOUBLE_FN(erfc)
#undef TFMINI_DOUBLE_FN
TFMINI_FN double pow(double x, double y) { return TFMINI_LIBM(pow)(x, y); }
TFMINI_FN double atan2(double y, double x) { return TFMINI_LIBM(atan2)(y, x); }
TFMINI_FN double exp_minus(double a) { return exp(-a); }
TFMINI_FN double sigmoid(double x) {
  const double e = exp_minus(abs(x));
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}
TFMINI_FN double softplus(double x) { return (x > 0.0 ? x : 0.0) + log1p(exp_minus(abs(x))); }

}  // namespace tfmini::simd::math
