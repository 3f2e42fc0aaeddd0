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

template <class T, int kRows, int kVectors>
void tile(const ConvTile<T>& t) {
  using V = typename Vector<T>::type;
  constexpr int kLanes = Vector<T>::kLanes;
  V acc[kRows][kVectors] = {};
  const T* a[kRows];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) a[i] = t.a[i];
  const T* b = t.b;
  const int64_t ldb = t.ldb, step = t.step, length = t.length;
  for (int64_t r = 0; r < t.runs; ++r) {
    int64_t at = t.offsets[r];
    for (int64_t k = 0; k < length; ++k, at += step, b += ldb) {
      V bv[kVectors];
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) bv[j] = *reinterpret_cast<const V*>(b + j * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        const T x = a[i][at];
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; ++j) acc[i][j] += x * bv[j];
      }
    }
  }
  const int64_t tail = t.cols - (kVectors - 1) * kLanes;
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
    T* c = t.c[i] + t.c_offset;
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      if (j + 1 < kVectors || tail == kLanes) {
        V* out = reinterpret_cast<V*>(c + j * kLanes);
        *out = t.accumulate ? *out + acc[i][j] : acc[i][j];
      } else {
        const V last = acc[i][j];
        T* out = c + j * kLanes;
        for (int64_t l = 0; l < tail; ++l) out[l] = t.accumulate ? out[l] + last[l] : last[l];
      }
    }
  }
}

// One vector or, for the last few channels, one element.
template <class V, class T>
inline __attribute__((always_inline)) void finish_at(const ConvFinish<T>& f, V low, V high, T* c, int64_t j) {
  V x = *reinterpret_cast<V*>(c + j);
  if (f.bias) x += *reinterpret_cast<const V*>(f.bias + j);
  if (f.add) x += *reinterpret_cast<const V*>(f.add + (c - f.dest) + j);
  x = x < low ? low : x;
  *reinterpret_cast<V*>(c + j) = x > high ? high : x;
}

template <class T>
void finish(const ConvFinish<T>& f) {
  using V = typename Vector<T>::type;
  constexpr int64_t kLanes = Vector<T>::kLanes;
  const V low = V{} + f.low, high = V{} + f.high;
  for (int64_t i = 0; i < f.rows; ++i) {
    T* const c = f.c[i] + f.c_offset;
    int64_t j = 0;
    for (; j + kLanes <= f.cols; j += kLanes) finish_at<V>(f, low, high, c, j);
    for (; j < f.cols; ++j) finish_at<T>(f, f.low, f.high, c, j);
  }
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
