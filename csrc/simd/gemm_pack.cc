#include "simd/gemm_pack.h"

#include <type_traits>

#include "simd/gemm_tile.h"

namespace tfmini::simd {
namespace {

template <class S, class T, int kWidth>
TFMINI_ALWAYS_INLINE void pack_any(const S* src, int64_t lane_stride, int64_t step_stride, int lanes, int64_t steps,
                                   T* panel) {
  for (int64_t p = 0; p < steps; ++p, src += step_stride, panel += kWidth) {
    for (int l = 0; l < lanes; ++l) panel[l] = src[l * lane_stride];
    for (int l = lanes; l < kWidth; ++l) panel[l] = T{};
  }
}

// Whole steps lie contiguous in the source.
template <class S, class T, int kWidth>
TFMINI_ALWAYS_INLINE void pack_rows(const S* src, int64_t step_stride, int64_t steps, T* panel) {
  for (int64_t p = 0; p < steps; ++p, src += step_stride, panel += kWidth)
    for (int l = 0; l < kWidth; ++l) panel[l] = src[l];
}

// Lane numbers for __builtin_shuffle: integers as wide as the elements.
template <class T>
struct MaskOf {
  using Lane = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  typedef Lane type __attribute__((vector_size(kVectorBytes)));
};

// One butterfly of the transposition: distance s, lower or upper half.
template <class T>
TFMINI_ALWAYS_INLINE typename MaskOf<T>::type butterfly_mask(int s, bool upper) {
  typename MaskOf<T>::type m;
  for (int l = 0; l < kLanes<T>; ++l) m[l] = ((l & s) ? kLanes<T> + l - s : l) + (upper ? s : 0);
  return m;
}

// Transposes a square of kLanes vectors in registers: log2(kLanes) rounds of two-source shuffles.
template <class T>
TFMINI_ALWAYS_INLINE void transpose_square(Vec<T> (&r)[kLanes<T>]) {
#pragma GCC unroll 4
  for (int s = 1; s < kLanes<T>; s *= 2)
#pragma GCC unroll 16
    for (int i = 0; i < kLanes<T>; ++i)
      if (!(i & s)) {
        const Vec<T> x = r[i], y = r[i + s];
        r[i] = __builtin_shuffle(x, y, butterfly_mask<T>(s, false));
        r[i + s] = __builtin_shuffle(x, y, butterfly_mask<T>(s, true));
      }
}

// Lanes lie contiguous along k: squares are transposed in registers. A panel whose width is no
// multiple of the vector is written row by row with overlapping stores, each row repairing what the
// previous one wrote beyond its end; the last rows are left to pack_any, which writes no further.
template <class T, int kWidth>
TFMINI_ALWAYS_INLINE void pack_transposed(const T* src, int64_t lane_stride, int lanes, int64_t steps, T* panel) {
  constexpr int N = kLanes<T>;
  constexpr int kGroups = (kWidth + N - 1) / N;
  int64_t p = 0;
  for (; p + N < steps; p += N) {
    Vec<T> block[kGroups][N];
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) {
#pragma GCC unroll 16
      for (int l = 0; l < N; ++l) {
        const int lane = g * N + l < lanes ? g * N + l : lanes - 1;
        block[g][l] = load(src + lane * lane_stride + p);
      }
      transpose_square<T>(block[g]);
      if constexpr (kWidth % N == 0)
        for (int l = 0; l < N; ++l) store(panel + (p + l) * kWidth + g * N, block[g][l]);
    }
    if constexpr (kWidth % N != 0)
#pragma GCC unroll 16
      for (int l = 0; l < N; ++l)
        for (int g = 0; g < kGroups; ++g) store(panel + (p + l) * kWidth + g * N, block[g][l]);
  }
  pack_any<T, T, kWidth>(src + p, lane_stride, 1, lanes, steps - p, panel + p * kWidth);
}

template <class S, class T, int kWidth>
void pack(const S* src, int64_t lane_stride, int64_t step_stride, int lanes, int64_t steps, T* panel) {
  if (lane_stride == 1 && lanes == kWidth) return pack_rows<S, T, kWidth>(src, step_stride, steps, panel);
  if constexpr (std::is_same_v<S, T>)
    if (step_stride == 1) return pack_transposed<T, kWidth>(src, lane_stride, lanes, steps, panel);
  pack_any<S, T, kWidth>(src, lane_stride, step_stride, lanes, steps, panel);
}

template <class S, class T>
constexpr GemmPackers<S, T> packers() {
  return {pack<S, T, kTileRows>, pack<S, T, kTileCols<T>>};
}

}  // namespace

namespace TFMINI_ISA {
constinit const GemmPackTable gemm_pack_table = {packers<float, float>(), packers<double, double>(),
                                                 packers<Half, float>(), packers<BFloat16, float>()};
}

}  // namespace tfmini::simd
