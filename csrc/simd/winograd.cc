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

// What polynomials at the points x and -x share: even and odd powers are summed once.
template <class V>
inline __attribute__((always_inline)) void sum_and_difference(V even, V odd, V* at) {
  at[0] = even + odd;
  at[1] = even - odd;
}

// Each `transform` works on one axis.

struct Filter43 {
  static constexpr int kIn = 3, kOut = 6;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&w)[kIn], V (&u)[kOut]) {
    const V even_a = (w[0] + 0.5f * w[2]) * (-2.0f / 3.0f), odd_a = w[1] * (-2.0f / 3.0f * kA);
    const V even_b = (w[0] + 2.0f * w[2]) * (1.0f / 6.0f), odd_b = w[1] * (1.0f / 6.0f * kB);
    u[0] = w[0];
    sum_and_difference(even_a, odd_a, &u[1]);
    sum_and_difference(even_b, odd_b, &u[3]);
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
    sum_and_difference(even_a, odd_a, &u[1]);
    sum_and_difference(even_b, odd_b, &u[3]);
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
    sum_and_difference(even_1, odd_1, &u[1]);
    sum_and_difference(even_h, odd_h, &u[3]);
    sum_and_difference(even_2, odd_2, &u[5]);
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
    sum_and_difference(even_a, odd_a, &v[1]);
    sum_and_difference(even_b, odd_b, &v[3]);
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
    sum_and_difference(even_1, odd_1, &v[1]);
    sum_and_difference(even_h, odd_h, &v[3]);
    sum_and_difference(even_2, odd_2, &v[5]);
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

// The transposes of Output and Filter.

struct Spread43 {
  static constexpr int kIn = 4, kOut = 6;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&y)[kIn], V (&m)[kOut]) {
    const V even_a = y[0] + 0.5f * y[2], odd_a = kA * (y[1] + 0.5f * y[3]);
    const V even_b = y[0] + 2.0f * y[2], odd_b = kB * (y[1] + 2.0f * y[3]);
    m[0] = y[0];
    sum_and_difference(even_a, odd_a, &m[1]);
    sum_and_difference(even_b, odd_b, &m[3]);
    m[5] = y[3];
  }
};

struct Spread25 {
  static constexpr int kIn = 2, kOut = 6;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&y)[kIn], V (&m)[kOut]) {
    m[0] = y[0];
    m[1] = y[0] + kA * y[1];
    m[2] = y[0] - kA * y[1];
    m[3] = y[0] + kB * y[1];
    m[4] = y[0] - kB * y[1];
    m[5] = y[1];
  }
};

struct Spread27 {
  static constexpr int kIn = 2, kOut = 8;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&y)[kIn], V (&m)[kOut]) {
    m[0] = y[0];
    m[1] = y[0] + y[1];
    m[2] = y[0] - y[1];
    m[3] = y[0] + 0.5f * y[1];
    m[4] = y[0] - 0.5f * y[1];
    m[5] = y[0] + 2.0f * y[1];
    m[6] = y[0] - 2.0f * y[1];
    m[7] = y[1];
  }
};

struct Gather43 {
  static constexpr int kIn = 6, kOut = 3;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&u)[kIn], V (&w)[kOut]) {
    const V even_a = (u[1] + u[2]) * (-2.0f / 3.0f), odd_a = (u[1] - u[2]) * (-2.0f / 3.0f * kA);
    const V even_b = (u[3] + u[4]) * (1.0f / 6.0f), odd_b = (u[3] - u[4]) * (1.0f / 6.0f * kB);
    w[0] = u[0] + even_a + even_b;
    w[1] = odd_a + odd_b;
    w[2] = 0.5f * even_a + 2.0f * even_b + u[5];
  }
};

struct Gather25 {
  static constexpr int kIn = 6, kOut = 5;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&u)[kIn], V (&w)[kOut]) {
    const V even_a = (u[1] + u[2]) * (-2.0f / 3.0f), odd_a = (u[1] - u[2]) * (-2.0f / 3.0f * kA);
    const V even_b = (u[3] + u[4]) * (1.0f / 6.0f), odd_b = (u[3] - u[4]) * (1.0f / 6.0f * kB);
    w[0] = u[0] + even_a + even_b;
    w[1] = odd_a + odd_b;
    w[2] = 0.5f * even_a + 2.0f * even_b;
    w[3] = 0.5f * odd_a + 2.0f * odd_b;
    w[4] = 0.25f * even_a + 4.0f * even_b + u[5];
  }
};

struct Gather27 {
  static constexpr int kIn = 8, kOut = 7;
  template <class V>
  static inline __attribute__((always_inline)) void transform(const V (&u)[kIn], V (&w)[kOut]) {
    const V even_1 = (u[1] + u[2]) * (-2.0f / 9.0f), odd_1 = (u[1] - u[2]) * (-2.0f / 9.0f);
    const V even_h = (u[3] + u[4]) * (32.0f / 45.0f), odd_h = (u[3] - u[4]) * (16.0f / 45.0f);
    const V even_2 = (u[5] + u[6]) * (1.0f / 90.0f), odd_2 = (u[5] - u[6]) * (1.0f / 45.0f);
    w[0] = u[0] + even_1 + even_h + even_2;
    w[1] = odd_1 + odd_h + odd_2;
    w[2] = even_1 + 0.25f * even_h + 4.0f * even_2;
    w[3] = odd_1 + 0.25f * odd_h + 4.0f * odd_2;
    w[4] = even_1 + 0.0625f * even_h + 16.0f * even_2;
    w[5] = odd_1 + 0.0625f * odd_h + 16.0f * odd_2;
    w[6] = even_1 + 0.015625f * even_h + 64.0f * even_2 + u[7];
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

// From an image to points, from points to an image, or from points to taps and back, all of which are numbered
// along the rows. kWidth of them make a row.
template <class Tile, int kWidth, bool kDown>
void from_image(const float* x, int64_t row, int64_t col, float* v, int64_t stride, int64_t n) {
  all<Tile>(x, kDown ? col : row, kDown ? row : col, v, kWidth * stride, stride, n);
}

template <class Tile, int kWidth, bool kDown>
void to_image(const float* m, int64_t stride, float* out, int64_t row, int64_t col, int64_t n) {
  all<Tile>(m, kWidth * stride, stride, out, kDown ? col : row, kDown ? row : col, n);
}

template <class Tile, int kFrom, int kTo>
void numbered(const float* from, int64_t from_stride, float* to, int64_t to_stride, int64_t n) {
  all<Tile>(from, kFrom * from_stride, from_stride, to, kTo * to_stride, to_stride, n);
}

// S and G are the transposes of O and F.
template <template <class> class Tile, bool kDown, class F, class I, class O, class S, class G>
constexpr WinogradScheme scheme(int across, int down) {
  constexpr int kTaps = F::kIn, kPoints = I::kIn, kOut = O::kOut;
  const auto size = [](int is, int n) { return is ? n : 1; };
  return {size(down, kTaps),
          size(across, kTaps),
          size(down, kOut),
          size(across, kOut),
          size(down, kPoints),
          size(across, kPoints),
          numbered<Tile<F>, kTaps, kPoints>,
          from_image<Tile<I>, kPoints, kDown>,
          to_image<Tile<O>, kPoints, kDown>,
          from_image<Tile<S>, kPoints, kDown>,
          numbered<Tile<G>, kPoints, kTaps>};
}

template <class... Axis>
constexpr WinogradScheme square() {
  return scheme<Square, false, Axis...>(1, 1);
}
template <class... Axis>
constexpr WinogradScheme across() {
  return scheme<Line, false, Axis...>(1, 0);
}
template <class... Axis>
constexpr WinogradScheme down() {
  return scheme<Line, true, Axis...>(0, 1);
}

}  // namespace

const WinogradTable winograd_table = {
    {square<Filter43, Input6, Output43, Spread43, Gather43>(), square<Filter25, Input6, Output25, Spread25, Gather25>(),
     across<Filter43, Input6, Output43, Spread43, Gather43>(), down<Filter43, Input6, Output43, Spread43, Gather43>(),
     across<Filter27, Input8, Output27, Spread27, Gather27>(), down<Filter27, Input8, Output27, Spread27, Gather27>()}};

}  // namespace tfmini::simd::TFMINI_ISA
