#include "simd/conv.h"

namespace tfmini::simd::TFMINI_ISA {
namespace {

// Vector length and registers of this ISA. rows * vectors accumulators, `vectors` of B and one
// broadcast must fit the register file.
#if defined(__AVX512F__)
constexpr int kBytes = 64;
constexpr int kMaxVectors = 4;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
constexpr int kMaxVectors = 2;
#elif defined(__aarch64__)
constexpr int kBytes = 16;
constexpr int kMaxVectors = 4;
#else
constexpr int kBytes = 16;
constexpr int kMaxVectors = 2;
#endif
constexpr int kRegisters = kMaxVectors == 4 ? 32 : 16;

// Steps of k by which B is fetched ahead: it may come from memory, filters are read once per image.
constexpr int kAhead = 64;

constexpr int max_rows(int vectors) {
  if (vectors > kMaxVectors) return 0;
  const int rows = (kRegisters - 1 - vectors) / vectors;
  return rows < ConvTiles<float>::kMaxRows ? rows : ConvTiles<float>::kMaxRows;
}

template <class T>
struct Vector {
  // Element alignment: loads and stores are unaligned.
  typedef T type __attribute__((vector_size(kBytes), aligned(sizeof(T)), may_alias));
  static constexpr int kLanes = kBytes / sizeof(T);
};

template <class V, class T>
inline __attribute__((always_inline)) V at(const T* p) {
  return *reinterpret_cast<const V*>(p);
}

// One vector or, for the last few channels, one element.
template <class V, class T>
inline __attribute__((always_inline)) V finished(const ConvFinish<T>& f, V x, V low, V high, const T* c, int64_t j) {
  if (f.bias) x += at<V>(f.bias + j);
  if (f.add) x += at<V>(f.add + (c - f.dest) + j);
  x = x < low ? low : x;
  return x > high ? high : x;
}

template <class T>
void finish(const ConvFinish<T>& f, T* const* rows_of_c, int64_t offset, int64_t rows, int64_t cols) {
  using V = typename Vector<T>::type;
  constexpr int64_t kLanes = Vector<T>::kLanes;
  const V low = V{} + f.low, high = V{} + f.high;
  for (int64_t i = 0; i < rows; ++i) {
    T* const c = rows_of_c[i] + offset;
    int64_t j = 0;
    for (; j + kLanes <= cols; j += kLanes)
      *reinterpret_cast<V*>(c + j) = finished<V>(f, at<V>(c + j), low, high, c, j);
    for (; j < cols; ++j) c[j] = finished<T>(f, c[j], f.low, f.high, c, j);
  }
}

// Tiles whose last vector is partial: once per tile and out of line, so that one copy serves all.
template <class T>
__attribute__((noinline)) void store_partial(const ConvTile<T>& t, const T* sums, int64_t width, int64_t rows) {
  for (int64_t i = 0; i < rows; ++i, sums += width) {
    T* const c = t.c[i] + t.c_offset;
    for (int64_t j = 0; j < t.cols; ++j) c[j] = t.accumulate ? c[j] + sums[j] : sums[j];
  }
  if (t.finish) finish(*t.finish, t.c, t.c_offset, rows, t.cols);
}

template <class T, int kRows, int kVectors>
void tile(const ConvTile<T>& t) {
  using V = typename Vector<T>::type;
  constexpr int kLanes = Vector<T>::kLanes;
  constexpr int kWidth = kVectors * kLanes;
  // The tile's cache lines lie far apart, where no hardware expects them: they are fetched during the products.
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kWidth; j += 64 / sizeof(T)) __builtin_prefetch(t.next[i] + t.c_offset + j, 1);
  if (t.finish && t.finish->add) {
    const int64_t distance = t.finish->add - t.finish->dest + t.c_offset;
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i)
      for (int j = 0; j < kWidth; j += 64 / sizeof(T)) __builtin_prefetch(t.next[i] + distance + j);
  }

  V acc[kRows][kVectors] = {};
  const T* a[kRows];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) a[i] = t.a[i];
  const T* b = t.b;
  const int64_t ldb = t.ldb, step = t.step, length = t.length;
  for (int64_t r = 0; r < t.runs; ++r) {
    int64_t k_at = t.offsets[r];
    for (int64_t k = 0; k < length; ++k, k_at += step, b += ldb) {
      V bv[kVectors];
      __builtin_prefetch(b + kAhead * kWidth);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) bv[j] = at<V>(b + j * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        const T x = a[i][k_at];
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; ++j) acc[i][j] += x * bv[j];
      }
    }
  }

  if (t.cols < kWidth) {
    T sums[kRows][kWidth];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) *reinterpret_cast<V*>(&sums[i][j * kLanes]) = acc[i][j];
    return store_partial(t, &sums[0][0], kWidth, kRows);
  }
  T* c[kRows];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) c[i] = t.c[i] + t.c_offset;
  if (t.accumulate) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) acc[i][j] += at<V>(c[i] + j * kLanes);
  }
  if (const ConvFinish<T>* const f = t.finish) {
    const V low = V{} + f->low, high = V{} + f->high;
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      const V bias = f->bias ? at<V>(f->bias + j * kLanes) : V{};
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        V x = acc[i][j] + bias;
        if (f->add) x += at<V>(f->add + (c[i] - f->dest) + j * kLanes);
        x = x < low ? low : x;
        acc[i][j] = x > high ? high : x;
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) *reinterpret_cast<V*>(c[i] + j * kLanes) = acc[i][j];
}

// A tile that does not fit the registers is never asked for.
template <class T, int kRows, int kVectors>
constexpr typename ConvTiles<T>::Fn pick() {
  if constexpr (kRows <= max_rows(kVectors))
    return &tile<T, kRows, kVectors>;
  else
    return nullptr;
}

#define TFMINI_TILES(T, V)                                             \
  {pick<T, 1, V>(), pick<T, 2, V>(), pick<T, 3, V>(), pick<T, 4, V>(), \
   pick<T, 5, V>(), pick<T, 6, V>(), pick<T, 7, V>(), pick<T, 8, V>()}
#define TFMINI_TABLE(T)                                                              \
  {Vector<T>::kLanes,                                                                \
   kMaxVectors,                                                                      \
   {max_rows(1), max_rows(2), max_rows(3), max_rows(4)},                             \
   {TFMINI_TILES(T, 1), TFMINI_TILES(T, 2), TFMINI_TILES(T, 3), TFMINI_TILES(T, 4)}, \
   finish<T>}

}  // namespace

const ConvTable conv_table = {TFMINI_TABLE(float), TFMINI_TABLE(double)};

}  // namespace tfmini::simd::TFMINI_ISA
