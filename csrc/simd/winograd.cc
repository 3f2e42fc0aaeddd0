#include "simd/winograd.h"

#include <cstring>

#include "simd/vec.h"

namespace tfmini::simd::TFMINI_ISA {
namespace {

constexpr int64_t kLanes = kVectorBytes / sizeof(float);

typedef float Vector __attribute__((vector_size(kVectorBytes)));

constexpr float kA = 0.70710678118654752f;  // of six points: +-a, a * a = 1/2
constexpr float kB = 1.41421356237309505f;  // and +-b, b * b = 2

// V is Vector or, for the last few channels, float. Addresses are aligned to elements only.
template <class V>
inline __attribute__((always_inline)) V load(const float* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class V>
inline __attribute__((always_inline)) void store(float* p, V v) {
  std::memcpy(p, &v, sizeof v);
}

// Each `transform` works on one axis.

struct Filter43 {
  static constexpr int kIn = 3, kOut = 6;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&w)[kIn], V (&u)[kOut]) {
    const V even_a = (w[0] + 0.5f * w[2]) * (-2.0f / 3.0f), odd_a = w[1] * (-2.0f / 3.0f * kA);
    const V even_b = (w[0] + 2.0f * w[2]) * (1.0f / 6.0f), odd_b = w[1] * (1.0f / 6.0f * kB);
    u[0] = w[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = w[2];
  }
};

struct Filter25 {
  static constexpr int kIn = 5, kOut = 6;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&w)[kIn], V (&u)[kOut]) {
    const V even_a = (w[0] + 0.5f * w[2] + 0.25f * w[4]) * (-2.0f / 3.0f);
    const V odd_a = (w[1] + 0.5f * w[3]) * (-2.0f / 3.0f * kA);
    const V even_b = (w[0] + 2.0f * w[2] + 4.0f * w[4]) * (1.0f / 6.0f);
    const V odd_b = (w[1] + 2.0f * w[3]) * (1.0f / 6.0f * kB);
    u[0] = w[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = w[4];
  }
};

struct Filter27 {
  static constexpr int kIn = 7, kOut = 8;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&w)[kIn], V (&u)[kOut]) {
    const V even_1 = (w[0] + w[2] + w[4] + w[6]) * (-2.0f / 9.0f), odd_1 = (w[1] + w[3] + w[5]) * (-2.0f / 9.0f);
    const V even_h = (w[0] + 0.25f * w[2] + 0.0625f * w[4] + 0.015625f * w[6]) * (32.0f / 45.0f);
    const V odd_h = (w[1] + 0.25f * w[3] + 0.0625f * w[5]) * (16.0f / 45.0f);
    const V even_2 = (w[0] + 4.0f * w[2] + 16.0f * w[4] + 64.0f * w[6]) * (1.0f / 90.0f);
    const V odd_2 = (w[1] + 4.0f * w[3] + 16.0f * w[5]) * (1.0f / 45.0f);
    u[0] = w[0];
    u[1] = even_1 + odd_1;
    u[2] = even_1 - odd_1;
    u[3] = even_h + odd_h;
    u[4] = even_h - odd_h;
    u[5] = even_2 + odd_2;
    u[6] = even_2 - odd_2;
    u[7] = w[6];
  }
};

struct Input6 {
  static constexpr int kIn = 6, kOut = 6;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&d)[kIn], V (&v)[kOut]) {
    const V even_a = d[4] - 2.0f * d[2], odd_a = kA * (d[3] - 2.0f * d[1]);
    const V even_b = d[4] - 0.5f * d[2], odd_b = kB * (d[3] - 0.5f * d[1]);
    v[0] = d[0] - 2.5f * d[2] + d[4];
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = d[1] - 2.5f * d[3] + d[5];
  }
};

struct Input8 {
  static constexpr int kIn = 8, kOut = 8;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&d)[kIn], V (&v)[kOut]) {
    const V even_1 = d[6] - 4.25f * d[4] + d[2], odd_1 = d[5] - 4.25f * d[3] + d[1];
    const V even_h = d[6] - 5.0f * d[4] + 4.0f * d[2], odd_h = 0.5f * d[5] - 2.5f * d[3] + 2.0f * d[1];
    const V even_2 = d[6] - 1.25f * d[4] + 0.25f * d[2], odd_2 = 2.0f * d[5] - 2.5f * d[3] + 0.5f * d[1];
    v[0] = d[0] - d[6] + 5.25f * (d[4] - d[2]);
    v[1] = even_1 + odd_1;
    v[2] = even_1 - odd_1;
    v[3] = even_h + odd_h;
    v[4] = even_h - odd_h;
    v[5] = even_2 + odd_2;
    v[6] = even_2 - odd_2;
    v[7] = d[7] - d[1] + 5.25f * (d[3] - d[5]);
  }
};

struct Output43 {
  static constexpr int kIn = 6, kOut = 4;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&m)[kIn], V (&y)[kOut]) {
    const V even_a = m[1] + m[2], odd_a = kA * (m[1] - m[2]);
    const V even_b = m[3] + m[4], odd_b = kB * (m[3] - m[4]);
    y[0] = m[0] + even_a + even_b;
    y[1] = odd_a + odd_b;
    y[2] = 0.5f * even_a + 2.0f * even_b;
    y[3] = 0.5f * odd_a + 2.0f * odd_b + m[5];
  }
};

struct Output25 {
  static constexpr int kIn = 6, kOut = 2;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&m)[kIn], V (&y)[kOut]) {
    y[0] = m[0] + (m[1] + m[2]) + (m[3] + m[4]);
    y[1] = kA * (m[1] - m[2]) + kB * (m[3] - m[4]) + m[5];
  }
};

struct Output27 {
  static constexpr int kIn = 8, kOut = 2;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&m)[kIn], V (&y)[kOut]) {
    y[0] = m[0] + (m[1] + m[2]) + (m[3] + m[4]) + (m[5] + m[6]);
    y[1] = (m[1] - m[2]) + 0.5f * (m[3] - m[4]) + 2.0f * (m[5] - m[6]) + m[7];
  }
};

// Both axes: down the columns, then along the rows.
template <class Axis>
struct Square {
  template <class V>
  static inline __attribute__((always_inline)) void run(const float* in, int64_t in_row, int64_t in_col, float* out,
                                                        int64_t out_row, int64_t out_col) {
    constexpr int kIn = Axis::kIn, kOut = Axis::kOut;
    V half[kOut][kIn];
#pragma GCC unroll 6
    for (int x = 0; x < kIn; ++x) {
      V from[kIn], to[kOut];
#pragma GCC unroll 6
      for (int y = 0; y < kIn; ++y) from[y] = load<V>(in + y * in_row + x * in_col);
      Axis::transform(from, to);
#pragma GCC unroll 6
      for (int y = 0; y < kOut; ++y) half[y][x] = to[y];
    }
#pragma GCC unroll 6
    for (int y = 0; y < kOut; ++y) {
      V to[kOut];
      Axis::transform(half[y], to);
#pragma GCC unroll 6
      for (int x = 0; x < kOut; ++x) store(out + y * out_row + x * out_col, to[x]);
    }
  }
};

// One axis: along a row or, with rows and columns exchanged, down a column.
template <class Axis>
struct Line {
  template <class V>
  static inline __attribute__((always_inline)) void run(const float* in, int64_t, int64_t in_col, float* out, int64_t,
                                                        int64_t out_col) {
    V from[Axis::kIn], to[Axis::kOut];
#pragma GCC unroll 8
    for (int x = 0; x < Axis::kIn; ++x) from[x] = load<V>(in + x * in_col);
    Axis::transform(from, to);
#pragma GCC unroll 8
    for (int x = 0; x < Axis::kOut; ++x) store(out + x * out_col, to[x]);
  }
};

template <class Tile>
void all(const float* in, int64_t in_row, int64_t in_col, float* out, int64_t out_row, int64_t out_col, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) Tile::template run<Vector>(in + i, in_row, in_col, out + i, out_row, out_col);
  for (; i < n; ++i) Tile::template run<float>(in + i, in_row, in_col, out + i, out_row, out_col);
}

// Taps and points are numbered along the rows.
template <class Tile, int kTaps, int kPoints>
void filter(const float* w, int64_t tap_stride, float* u, int64_t point_stride, int64_t n) {
  all<Tile>(w, kTaps * tap_stride, tap_stride, u, kPoints * point_stride, point_stride, n);
}

template <class Tile, int kPoints, bool kDown>
void input(const float* x, int64_t row, int64_t col, float* v, int64_t point_stride, int64_t channels) {
  all<Tile>(x, kDown ? col : row, kDown ? row : col, v, kPoints * point_stride, point_stride, channels);
}

template <class Tile, int kPoints, bool kDown>
void output(const float* m, int64_t point_stride, float* out, int64_t row, int64_t col, int64_t channels) {
  all<Tile>(m, kPoints * point_stride, point_stride, out, kDown ? col : row, kDown ? row : col, channels);
}

template <class F, class I, class O>
constexpr WinogradScheme square() {
  constexpr int kTaps = F::kIn, kPoints = I::kIn, kOut = O::kOut;
  return {kTaps,
          kTaps,
          kOut,
          kOut,
          kPoints,
          kPoints,
          filter<Square<F>, kTaps, kPoints>,
          input<Square<I>, kPoints, false>,
          output<Square<O>, kPoints, false>};
}

template <class F, class I, class O, bool kDown>
constexpr WinogradScheme line() {
  constexpr int kTaps = F::kIn, kPoints = I::kIn, kOut = O::kOut;
  return {kDown ? kTaps : 1,
          kDown ? 1 : kTaps,
          kDown ? kOut : 1,
          kDown ? 1 : kOut,
          kDown ? kPoints : 1,
          kDown ? 1 : kPoints,
          filter<Line<F>, kTaps, kPoints>,
          input<Line<I>, kPoints, kDown>,
          output<Line<O>, kPoints, kDown>};
}

}  // namespace

const WinogradTable winograd_table = {
    {square<Filter43, Input6, Output43>(), square<Filter25, Input6, Output25>(),
     line<Filter43, Input6, Output43, false>(), line<Filter43, Input6, Output43, true>(),
     line<Filter27, Input8, Output27, false>(), line<Filter27, Input8, Output27, true>()}};

}  // namespace tfmini::simd::TFMINI_ISA
