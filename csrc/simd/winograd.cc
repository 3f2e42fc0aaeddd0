#include "simd/winograd.h"

#include <cstring>

#include "simd/vec.h"

namespace tfmini::simd::TFMINI_ISA {
namespace {

constexpr int64_t kLanes = kVectorBytes / sizeof(float);

typedef float Vector __attribute__((vector_size(kVectorBytes)));

constexpr float kA = 0.70710678118654752f;  // the points +-a, a * a = 1/2
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

// Each `transform` works on one axis; a tile takes it down the columns, then along the rows.

struct Filter {
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

struct Input {
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

struct Output {
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

template <class Axis, class V>
inline __attribute__((always_inline)) void tile(const float* in, int64_t in_row, int64_t in_col, float* out,
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

template <class Axis>
void tiles(const float* in, int64_t in_row, int64_t in_col, float* out, int64_t out_row, int64_t out_col, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) tile<Axis, Vector>(in + i, in_row, in_col, out + i, out_row, out_col);
  for (; i < n; ++i) tile<Axis, float>(in + i, in_row, in_col, out + i, out_row, out_col);
}

void filter(const float* w, int64_t tap_stride, float* u, int64_t point_stride, int64_t n) {
  tiles<Filter>(w, 3 * tap_stride, tap_stride, u, kWinogradIn * point_stride, point_stride, n);
}

void input(const float* x, int64_t row, int64_t col, float* v, int64_t point_stride, int64_t channels) {
  tiles<Input>(x, row, col, v, kWinogradIn * point_stride, point_stride, channels);
}

void output(const float* m, int64_t point_stride, float* out, int64_t row, int64_t col, int64_t channels) {
  tiles<Output>(m, kWinogradIn * point_stride, point_stride, out, row, col, channels);
}

}  // namespace

const WinogradTable winograd_table = {filter, input, output};

}  // namespace tfmini::simd::TFMINI_ISA
