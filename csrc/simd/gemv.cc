#include "simd/gemv.h"

#include <type_traits>

#include "simd/edge.h"
#include "simd/gemm_tile.h"

namespace tfmini::simd {
namespace {

// Sums per pass: they stay in the first-level cache while rows of b stream by.
constexpr int64_t kStripBytes = 16384;
constexpr int64_t kStaysBytes = 32 << 10;

// Adds some rows of b to a vector of the sums, so that sums are loaded and stored once for all of them: as many as
// there are registers for their factors.
template <int kRows>
constexpr int kDepth = kRows == 1  ? 8
                       : kRows < 4 ? 4
                                   : 2;
template <class T, int kRows, class Part>
TFMINI_ALWAYS_INLINE void add_rows(const Part& part, const Vec<T> (&a)[kRows][kDepth<kRows>], const T* b, int64_t ldb,
                                   T* c, int64_t ldc) {
  Vec<T> sum[kRows];
  for (int i = 0; i < kRows; ++i) sum[i] = load(c + i * ldc);
#pragma GCC unroll 8
  for (int p = 0; p < kDepth<kRows>; ++p) {
    const Vec<T> bv = part.load(b + p * ldb);
    for (int i = 0; i < kRows; ++i) sum[i] += a[i][p] * bv;
  }
  for (int i = 0; i < kRows; ++i) store(c + i * ldc, sum[i]);
}

// Adds all k rows of b to kVecs vectors of the sums, of which `part` is the last; in several chains, for an addition
// takes longer than its turn.
template <class T, int kRows, int kVecs, class Part>
TFMINI_ALWAYS_INLINE void add_columns(const Part& part, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
                                      T* c, int64_t ldc, bool accumulate) {
  constexpr int kChains = kRows * kVecs < 3 ? 4 : kRows * kVecs < 5 ? 2 : 1;
  constexpr int N = kLanes<T>;
  Vec<T> sum[kChains][kRows][kVecs] = {};
  const auto add = [&](Vec<T>(&chain)[kRows][kVecs], int64_t p) __attribute__((always_inline)) {
    Vec<T> bv[kVecs];
    for (int j = 0; j < kVecs - 1; ++j) bv[j] = load(b + p * ldb + j * N);
    bv[kVecs - 1] = part.load(b + p * ldb + (kVecs - 1) * N);
    for (int i = 0; i < kRows; ++i) {
      const Vec<T> av = broadcast(a[i * lda + p]);
      for (int j = 0; j < kVecs; ++j) chain[i][j] += av * bv[j];
    }
  };
  int64_t p = 0;
  for (; p + kChains <= k; p += kChains)
#pragma GCC unroll 4
    for (int x = 0; x < kChains; ++x) add(sum[x], p + x);
  for (; p < k; ++p) add(sum[0], p);
  const auto put = [&](const auto& to, T* out, int i, int j) __attribute__((always_inline)) {
    Vec<T> total = sum[0][i][j];
#pragma GCC unroll 4
    for (int x = 1; x < kChains; ++x) total += sum[x][i][j];
    to.store(out, accumulate ? total + to.load(out) : total);
  };
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kVecs - 1; ++j) put(Whole{}, c + i * ldc + j * N, i, j);
    put(part, c + i * ldc + (kVecs - 1) * N, i, kVecs - 1);
  }
}

// The same for `cols` columns, two vectors at a time: they share what is read of a.
template <class T, int kRows>
TFMINI_ALWAYS_INLINE void add_all_columns(int64_t cols, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
                                          T* c, int64_t ldc, bool accumulate) {
  constexpr int N = kLanes<T>;
  for (; cols >= 2 * N; cols -= 2 * N, b += 2 * N, c += 2 * N)
    add_columns<T, kRows, 2>(Whole{}, k, a, lda, b, ldb, c, ldc, accumulate);
  if (cols > N) return add_columns<T, kRows, 2>(Edge<T>(cols - N), k, a, lda, b, ldb, c, ldc, accumulate);
  if (cols > 0) add_columns<T, kRows, 1>(Edge<T>(cols), k, a, lda, b, ldb, c, ldc, accumulate);
}

// Up to kStrip columns. If b stays in the first-level cache, each vector of the sums is finished by itself; else rows
// of b are read as they lie.
template <class T, int kRows>
TFMINI_ALWAYS_INLINE void add_strip(int64_t cols, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c,
                                    int64_t ldc, bool accumulate, bool b_stays) {
  constexpr int N = kLanes<T>;
  const int64_t whole = cols / N * N;
  const Edge<T> edge(cols - whole);
  if (b_stays) return add_all_columns<T, kRows>(cols, k, a, lda, b, ldb, c, ldc, accumulate);
  T rest[kRows][N] = {};  // the sums of the last columns
  if (!accumulate)
    for (int i = 0; i < kRows; ++i) __builtin_memset(c + i * ldc, 0, static_cast<unsigned long>(whole) * sizeof(T));
  int64_t p = 0;
  for (constexpr int kSteps = kDepth<kRows>; p + kSteps <= k; p += kSteps) {
    Vec<T> factors[kRows][kSteps];
    for (int i = 0; i < kRows; ++i)
      for (int x = 0; x < kSteps; ++x) factors[i][x] = broadcast(a[i * lda + p + x]);
    for (int64_t j = 0; j < whole; j += N) add_rows<T, kRows>(Whole{}, factors, b + p * ldb + j, ldb, c + j, ldc);
    if (whole < cols) add_rows<T, kRows>(edge, factors, b + p * ldb + whole, ldb, rest[0], N);
  }
  if (p < k) {
    add_all_columns<T, kRows>(whole, k - p, a + p, lda, b + p * ldb, ldb, c, ldc, true);
    if (whole < cols) add_columns<T, kRows, 1>(edge, k - p, a + p, lda, b + p * ldb + whole, ldb, rest[0], N, true);
  }
  for (int i = 0; i < kRows; ++i) {
    T* const out = c + i * ldc + whole;
    edge.store(out, accumulate ? load(rest[i]) + edge.load(out) : load(rest[i]));
  }
}

template <class T, int kRows>
void thin_rows(int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c, int64_t ldc,
               bool accumulate) {
  constexpr int64_t kStrip = kStripBytes / (kRows * static_cast<int64_t>(sizeof(T))) / 64 * 64;
  const bool b_stays = n * k * static_cast<int64_t>(sizeof(T)) <= kStaysBytes;
  for (int64_t j = 0; j < n; j += kStrip)
    add_strip<T, kRows>(n - j < kStrip ? n - j : kStrip, k, a, lda, b + j, ldb, c + j, ldc, accumulate, b_stays);
}

// Lane numbers for __builtin_shuffle: integers as wide as the elements.
template <class T>
using Numbers = typename VectorOf<std::conditional_t<sizeof(T) == 4, int32_t, int64_t>>::type;

// Sums of lanes at distance s, of x and y in turn, 2 s lanes each; s is a template parameter so that the lane numbers
// are constants early enough for the compiler.
template <class T, int s>
TFMINI_ALWAYS_INLINE Vec<T> add_neighbours(Vec<T> x, Vec<T> y) {
  Numbers<T> low, high;
  for (int l = 0; l < kLanes<T>; ++l) {
    low[l] = (l & s) ? kLanes<T> + l - s : l;
    high[l] = low[l] + s;
  }
  return __builtin_shuffle(x, y, low) + __builtin_shuffle(x, y, high);
}

// Lanes 0 to 3 of the result: the sums of lanes 0, 4, 8, ..., of lanes 1, 5, 9, ..., and so on.
template <class T, int s = 4>
TFMINI_ALWAYS_INLINE Vec<T> add_quarters(Vec<T> x) {
  if constexpr (s < kLanes<T>)
    return add_quarters<T, 2 * s>(add_neighbours<T, s>(x, x));
  else
    return x;
}

// The sum of all lanes of each of four vectors.
template <class T>
TFMINI_ALWAYS_INLINE void sum_lanes(Vec<T> x0, Vec<T> x1, Vec<T> x2, Vec<T> x3, T* sums) {
  const Vec<T> low = add_neighbours<T, 1>(x0, x1), high = add_neighbours<T, 1>(x2, x3);
  if constexpr (kLanes<T> >= 4) {
    const Vec<T> all = add_quarters<T>(add_neighbours<T, 2>(low, high));
    __builtin_memcpy(sums, &all, 4 * sizeof(T));
  } else {
    store(sums, low);
    store(sums + kLanes<T>, high);
  }
}

// Dot products of kRows rows of a and `cols` of b, up to kCols: one of the two is four, the other as many as registers
// allow. Missing rows of b are made up for by its last one.
template <class T, int kRows, int kCols>
TFMINI_ALWAYS_INLINE void dot_block(int64_t cols, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c,
                                    int64_t c_row, int64_t c_col, bool accumulate) {
  const T* column[kCols];
  for (int j = 0; j < kCols; ++j) column[j] = b + (j < cols ? j : cols - 1) * ldb;
  Vec<T> sum[4][4] = {};
  const auto add = [&](const auto& part, int64_t p) __attribute__((always_inline)) {
    for (int j = 0; j < kCols; ++j) {
      const Vec<T> bv = part.load(column[j] + p);
      for (int i = 0; i < kRows; ++i) sum[i][j] += part.load(a + i * lda + p) * bv;
    }
  };
  const int64_t whole = k / kLanes<T> * kLanes<T>;
  for (int64_t p = 0; p < whole; p += kLanes<T>) add(Whole{}, p);
  if (whole < k) add(Edge<T>(k - whole), whole);
  const auto put = [&](int i, int j, T total) __attribute__((always_inline)) {
    if (j >= cols) return;
    T& out = c[i * c_row + j * c_col];
    out = accumulate ? out + total : total;
  };
  T totals[4];
  if constexpr (kCols == 4) {
    for (int i = 0; i < kRows; ++i) {
      sum_lanes<T>(sum[i][0], sum[i][1], sum[i][2], sum[i][3], totals);
      for (int j = 0; j < kCols; ++j) put(i, j, totals[j]);
    }
  } else {
    for (int j = 0; j < kCols; ++j) {
      sum_lanes<T>(sum[0][j], sum[1][j], sum[2][j], sum[3][j], totals);
      for (int i = 0; i < kRows; ++i) put(i, j, totals[i]);
    }
  }
}

template <class T, int kRows>
void thin_dots(int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c, int64_t c_row,
               int64_t c_col, bool accumulate) {
  constexpr int kCols = kRows < 3 ? 4 : 2;
  for (int64_t j = 0; j < n; j += kCols, b += kCols * ldb, c += kCols * c_col)
    dot_block<T, kRows, kCols>(n - j, k, a, lda, b, ldb, c, c_row, c_col, accumulate);
}

template <class T>
constexpr ThinKernels<T> kernels() {
  return {{thin_rows<T, 1>, thin_rows<T, 2>, thin_rows<T, 3>, thin_rows<T, 4>},
          {thin_dots<T, 1>, thin_dots<T, 2>, thin_dots<T, 3>, thin_dots<T, 4>}};
}

}  // namespace

namespace TFMINI_ISA {
constinit const ThinTable thin_table = {kernels<float>(), kernels<double>()};
}

}  // namespace tfmini::simd
