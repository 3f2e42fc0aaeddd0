// Gamma functions and the Hurwitz zeta function, computed in double one element at a time.
#pragma once

#include "simd/math.h"

namespace tfmini::simd::math {

TFMINI_FN double lgamma(double x) {
#if defined(__CUDA_ARCH__)
  return ::lgamma(x);
#else
  int sign;  // lgamma() itself writes a global
  return __builtin_lgamma_r(x, &sign);
#endif
}
TFMINI_FN float lgamma(float x) { return static_cast<float>(lgamma(static_cast<double>(x))); }

// Reflection for x <= 0, recurrence up to 10, then the asymptotic series. NaN at the poles, as in TensorFlow.
TFMINI_FN double digamma(double x) {
  double y = 0.0;
  if (x <= 0.0) {
    const double fraction = x - rint(x);
    if (fraction == 0.0 || x == -__builtin_inf()) return static_cast<double>(kNanF);
    y = -kPi / tan(kPi * fraction);
    x = 1.0 - x;
  }
  for (; x < 10.0; x += 1.0) y -= 1.0 / x;
  const double z = 1.0 / (x * x);
  const double series = z * poly(z, 1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12);
  return y + log(x) - 0.5 / x - series;
}
TFMINI_FN float digamma(float x) { return static_cast<float>(digamma(static_cast<double>(x))); }

// Sum of (q + k)^-x by Euler-Maclaurin: ten terms or more, then up to twelve Bernoulli terms.
TFMINI_FN double zeta(double x, double q) {
  if (x == 1.0) return __builtin_inf();
  if (!(x > 1.0) || is_nan(q)) return static_cast<double>(kNanF);
  if (q <= 0.0) {
    if (q == rint(q)) return __builtin_inf();
    if (x != rint(x)) return static_cast<double>(kNanF);  // q^-x is not real
  }
  constexpr double kEpsilon = 1.1e-16;
  double sum = pow(q, -x), a = q, term = 0.0;
  for (int i = 0; i < 9 || a <= 9.0; ++i) {
    a += 1.0;
    term = pow(a, -x);
    sum += term;
    if (abs(term / sum) < kEpsilon) return sum;
  }
  // (2k)! / B_2k
  constexpr double kTerms[12] = {12,
                                 -720,
                                 30240,
                                 -1209600,
                                 47900160,
                                 -1892437580.3183792,
                                 74724249600,
                                 -2950130727918.1641,
                                 116467828143500.67,
                                 -4.59797872240747300e+15,
                                 1.81521054019435456e+17,
                                 -7.16616525617566720e+18};
  sum += term * a / (x - 1.0) - 0.5 * term;
  double factor = 1.0;
  for (int i = 0; i < 12; ++i) {
    factor *= x + 2 * i;
    term /= a;
    const double t = factor * term / kTerms[i];
    sum += t;
    if (abs(t / sum) < kEpsilon) break;
    factor *= x + 2 * i + 1;
    term /= a;
  }
  return sum;
}
TFMINI_FN float zeta(float x, float q) {
  return static_cast<float>(zeta(static_cast<double>(x), static_cast<double>(q)));
}

// (-1)^(n+1) n! zeta(n + 1, x); n must be a whole number.
TFMINI_FN double polygamma(double n, double x) {
  if (n == 0.0) return digamma(x);
  if (n < 0.0 || n != rint(n)) return static_cast<double>(kNanF);
  const double half = 0.5 * n;
  const double magnitude = TFMINI_LIBM(exp)(lgamma(n + 1.0)) * zeta(n + 1.0, x);
  return half == rint(half) ? -magnitude : magnitude;
}
TFMINI_FN float polygamma(float n, float x) {
  return static_cast<float>(polygamma(static_cast<double>(n), static_cast<double>(x)));
}

}  // namespace tfmini::simd::math
