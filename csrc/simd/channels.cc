#include "simd/channels.h"

#include "simd/vec.h"

namespace tfmini::simd::TFMINI_ISA {
namespace {

// Rows added up before the sum joins the sum of such blocks: rounding errors grow with the square
// root of the block, not of all rows.
constexpr int64_t kBlockRows = 32;

template <class T>
struct Wide {
  typedef T type __attribute__((vector_size(kVectorBytes), aligned(sizeof(T)), may_alias));
};

template <class V, class T>
inline __attribute__((always_inline)) V load(const T* p) {
  return *reinterpret_cast<const V*>(p);
}

// Sums of Op over the rows of a strip of kWidth vectors V.
template <class V, int kWidth, int kSums, class T, class Op>
inline __attribute__((always_inline)) void sum_strip(int64_t rows, int64_t cols, const Op& op, T* const* out) {
  constexpr int64_t kLanes = sizeof(V) / sizeof(T);
  V total[kSums][kWidth] = {};
  for (int64_t r0 = 0; r0 < rows; r0 += kBlockRows) {
    const int64_t end = r0 + kBlockRows < rows ? r0 + kBlockRows : rows;
    V part[kSums][kWidth] = {};
    for (int64_t r = r0; r < end; ++r)
#pragma GCC unroll 4
      for (int j = 0; j < kWidth; ++j) op.template add<V>(r * cols + j * kLanes, j * kLanes, part, j);
    for (int s = 0; s < kSums; ++s)
      for (int j = 0; j < kWidth; ++j) total[s][j] += part[s][j];
  }
  for (int s = 0; s < kSums; ++s)
    for (int j = 0; j < kWidth; ++j) *reinterpret_cast<V*>(out[s] + j * kLanes) = total[s][j];
}

template <int kSums, class T, class MakeOp>
inline __attribute__((always_inline)) void sum_columns(int64_t rows, int64_t cols, const MakeOp& make, T* const* out) {
  using V = typename Wide<T>::type;
  constexpr int64_t kLanes = kVectorBytes / sizeof(T);
  int64_t c = 0;
  T* at[kSums];
  const auto strip = [&](int64_t width) __attribute__((always_inline)) {
    for (int s = 0; s < kSums; ++s) at[s] = out[s] + c;
    c += width;
  };
  while (c + 4 * kLanes <= cols) {
    const auto op = make(c);
    strip(4 * kLanes);
    sum_strip<V, 4, kSums, T>(rows, cols, op, at);
  }
  while (c + kLanes <= cols) {
    const auto op = make(c);
    strip(kLanes);
    sum_strip<V, 1, kSums, T>(rows, cols, op, at);
  }
  while (c < cols) {
    const auto op = make(c);
    strip(1);
    sum_strip<T, 1, kSums, T>(rows, cols, op, at);
  }
}

template <class T>
struct Plain {
  const T* x;
  template <class V, class Sums>
  inline __attribute__((always_inline)) void add(int64_t i, int64_t, Sums& sums, int j) const {
    sums[0][j] += load<V>(x + i);
  }
};

template <class T>
struct Square {
  const T *x, *mean;
  template <class V, class Sums>
  inline __attribute__((always_inline)) void add(int64_t i, int64_t c, Sums& sums, int j) const {
    const V d = load<V>(x + i) - load<V>(mean + c);
    sums[0][j] += d * d;
  }
};

// g, or 0 where the relu is 0.
template <bool kRelu, class V>
inline __attribute__((always_inline)) V passed(V g, V distance, V scale, V offset) {
  if constexpr (!kRelu) return g;
  return distance * scale + offset > V{} ? g : V{};
}

template <class T, bool kRelu>
struct Product {
  const T *x, *g, *mean, *scale, *offset;
  template <class V, class Sums>
  inline __attribute__((always_inline)) void add(int64_t i, int64_t c, Sums& sums, int j) const {
    const V d = load<V>(x + i) - load<V>(mean + c);
    const V gi = kRelu ? passed<kRelu>(load<V>(g + i), d, load<V>(scale + c), load<V>(offset + c)) : load<V>(g + i);
    sums[0][j] += gi;
    sums[1][j] += gi * d;
  }
};

template <class T>
void sum(const T* x, int64_t rows, int64_t cols, T* out) {
  T* const outs[1] = {out};
  sum_columns<1, T>(rows, cols, [&](int64_t c) __attribute__((always_inline)) { return Plain<T>{x + c}; }, outs);
}

template <class T>
void squares(const T* x, const T* mean, int64_t rows, int64_t cols, T* out) {
  T* const outs[1] = {out};
  sum_columns<1, T>(
      rows, cols, [&](int64_t c) __attribute__((always_inline)) { return Square<T>{x + c, mean + c}; }, outs);
}

template <class T>
void products(const T* x, const T* g, const T* mean, const ReluOf<T>* relu, int64_t rows, int64_t cols, T* sum,
              T* product) {
  T* const outs[2] = {sum, product};
  if (relu)
    sum_columns<2, T>(
        rows, cols,
        [&](int64_t c) __attribute__((always_inline)) {
          return Product<T, true>{x + c, g + c, mean + c, relu->scale + c, relu->offset + c};
        },
        outs);
  else
    sum_columns<2, T>(
        rows, cols,
        [&](int64_t c)
            __attribute__((always_inline)) { return Product<T, false>{x + c, g + c, mean + c, nullptr, nullptr}; },
        outs);
}

template <class T>
void normalize(const T* x, const T* mean, const T* scale, const T* offset, int64_t rows, int64_t cols,
               T* __restrict out) {
  for (int64_t r = 0; r < rows; ++r, x += cols, out += cols)
    for (int64_t c = 0; c < cols; ++c) out[c] = (x[c] - mean[c]) * scale[c] + offset[c];
}

template <class T>
void normalize_relu(const T* x, const T* mean, const T* scale, const T* offset, const T* side, int64_t rows,
                    int64_t cols, T* __restrict out) {
  const auto relu = [](T y) { return y < T(0) ? T(0) : y; };
  for (int64_t r = 0; r < rows; ++r, x += cols, out += cols) {
    if (!side) {
      for (int64_t c = 0; c < cols; ++c) out[c] = relu((x[c] - mean[c]) * scale[c] + offset[c]);
    } else {
      for (int64_t c = 0; c < cols; ++c) out[c] = relu((x[c] - mean[c]) * scale[c] + offset[c] + side[c]);
      side += cols;
    }
  }
}

template <class T>
void combine(const T* x, const T* g, const T* mean, const ReluOf<T>* relu, const T* a, const T* b, const T* d,
             int64_t rows, int64_t cols, T* __restrict out) {
  for (int64_t r = 0; r < rows; ++r, x += cols, g += cols, out += cols) {
    if (!relu) {
      for (int64_t c = 0; c < cols; ++c) out[c] = g[c] * a[c] + (x[c] - mean[c]) * b[c] + d[c];
    } else {
      const T *scale = relu->scale, *offset = relu->offset;
      for (int64_t c = 0; c < cols; ++c) {
        const T distance = x[c] - mean[c];
        out[c] = passed<true>(g[c], distance, scale[c], offset[c]) * a[c] + distance * b[c] + d[c];
      }
    }
  }
}

#define TFMINI_LOOPS(T) {sum<T>, squares<T>, normalize<T>, normalize_relu<T>, products<T>, combine<T>}

}  // namespace

const ChannelTable channel_table = {TFMINI_LOOPS(float), TFMINI_LOOPS(double)};

}  // namespace tfmini::simd::TFMINI_ISA
