#include "simd/gemm_pack.h"

#include <type_traits>

#include "simd/edge.h"
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
#pragma GCC unroll 4
  for (int64_t p = 0; p < steps; ++p, src += step_stride, panel += kWidth) {
    if constexpr (std::is_same_v<S, T>)
      __builtin_memcpy(panel, src, kWidth * sizeof(T));
    else
      for (int l = 0; l < kWidth; ++l) panel[l] = src[l];
  }
}

// Lane numbers for __builtin_shuffle: integers as wide as the elements.
template <class T>
struct MaskOf {
  using Lane = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  typedef Lane type __attribute__((vector_size(kVectorBytes)));
};

// Elements of the 16-byte blocks within which shuffles are cheap.
template <class T>
constexpr int kBlock = 16 / static_cast<int>(sizeof(T));

// Runs of s elements from the lower or upper halves of the blocks of x and y in turn: x y x y.
template <class T>
TFMINI_ALWAYS_INLINE Vec<T> zip_blocks(Vec<T> x, Vec<T> y, int s, bool upper) {
  typename MaskOf<T>::type m;
  for (int l = 0; l < kLanes<T>; ++l) {
    const int in = l % kBlock<T>, run = in / s;  // runs 0, 1, 2, ... come from x, y, x, ...
    m[l] = l - in + (upper ? kBlock<T> / 2 : 0) + run / 2 * s + in % s + (run % 2 ? kLanes<T> : 0);
  }
  return __builtin_shuffle(x, y, m);
}

// Swaps the upper one of each two runs of s blocks of x with the lower one of y; one half of the result.
// In 64-bit lanes, for which compilers know the instructions that move whole blocks.
template <class T>
TFMINI_ALWAYS_INLINE Vec<T> butterfly(Vec<T> x, Vec<T> y, int s, bool upper) {
  constexpr int N = kLanes<double>;
  typename MaskOf<double>::type m;
  for (int l = 0; l < N; ++l) m[l] = ((l & 2 * s) ? N + l - 2 * s : l) + (upper ? 2 * s : 0);
  return (Vec<T>)__builtin_shuffle((Vec<double>)x, (Vec<double>)y, m);
}

// The rounds of the transposition of blocks at distances s, 2 s, ...; s is a template parameter so that
// the lane numbers are constants early enough for the compiler.
template <class T, int s>
TFMINI_ALWAYS_INLINE void swap_blocks(Vec<T> (&r)[kLanes<T>]) {
  if constexpr (s * kBlock<T> < kLanes<T>) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes<T>; ++i)
      if (!(i & s * kBlock<T>)) {
        const Vec<T> x = r[i], y = r[i + s * kBlock<T>];
        r[i] = butterfly<T>(x, y, s, false);
        r[i + s * kBlock<T>] = butterfly<T>(x, y, s, true);
      }
    swap_blocks<T, 2 * s>(r);
  }
}

// Transposes a square of kLanes vectors in registers: squares of the size of a block first, with
// interleaving instructions, then the blocks.
template <class T>
TFMINI_ALWAYS_INLINE void transpose_square(Vec<T> (&r)[kLanes<T>]) {
  constexpr int N = kLanes<T>, B = kBlock<T>;
#pragma GCC unroll 16
  for (int i = 0; i < N; i += B) {
    if constexpr (B == 2) {
      const Vec<T> x = r[i], y = r[i + 1];
      r[i] = zip_blocks<T>(x, y, 1, false);
      r[i + 1] = zip_blocks<T>(x, y, 1, true);
    } else {
      const Vec<T> low01 = zip_blocks<T>(r[i], r[i + 1], 1, false), high01 = zip_blocks<T>(r[i], r[i + 1], 1, true);
      const Vec<T> low23 = zip_blocks<T>(r[i + 2], r[i + 3], 1, false);
      const Vec<T> high23 = zip_blocks<T>(r[i + 2], r[i + 3], 1, true);
      r[i] = zip_blocks<T>(low01, low23, 2, false);
      r[i + 1] = zip_blocks<T>(low01, low23, 2, true);
      r[i + 2] = zip_blocks<T>(high01, high23, 2, false);
      r[i + 3] = zip_blocks<T>(high01, high23, 2, true);
    }
  }
  swap_blocks<T, 1>(r);
}

// Lanes lie contiguous along k: squares are transposed in registers.
template <class T, int kWidth>
TFMINI_ALWAYS_INLINE void pack_transposed(const T* src, int64_t lane_stride, int lanes, int64_t steps, T* panel) {
  constexpr int N = kLanes<T>;
  static_assert(kWidth % N == 0);
  for (int first = 0; first < lanes; first += N) {
    const T* lane[N];
    for (int l = 0; l < N; ++l) lane[l] = src + (first + l < lanes ? first + l : lanes - 1) * lane_stride;
    T* out = panel + first;
    const auto square = [&](const auto& part, int64_t p, int64_t rows) __attribute__((always_inline)) {
      Vec<T> block[N];
#pragma GCC unroll 16
      for (int l = 0; l < N; ++l) block[l] = part.load(lane[l] + p);
      transpose_square<T>(block);
#pragma GCC unroll 16
      for (int l = 0; l < N; ++l, out += kWidth)
        if (l < rows) store(out, block[l]);
    };
    int64_t p = 0;
    for (; p + N <= steps; p += N) square(Whole{}, p, N);
    if (p < steps) square(Edge<T>(steps - p), p, steps - p);
  }
}

template <class S, class T, int kWidth>
void pack(const S* src, int64_t lane_stride, int64_t step_stride, int lanes, int64_t steps, T* panel) {
  if (lane_stride == 1) {
    // Whole rows as long as they end within the source, even where that means other lanes' elements.
    const int64_t stride = step_stride > 0 ? step_stride : 1;
    const int64_t rest = (kWidth - lanes + stride - 1) / stride;
    const int64_t whole = steps > rest ? steps - rest : 0;
    pack_rows<S, T, kWidth>(src, step_stride, whole, panel);
    return pack_any<S, T, kWidth>(src + whole * step_stride, 1, step_stride, lanes, steps - whole,
                                  panel + whole * kWidth);
  }
  if constexpr (std::is_same_v<S, T>)
    if (step_stride == 1) return pack_transposed<T, kWidth>(src, lane_stride, lanes, steps, panel);
  pack_any<S, T, kWidth>(src, lane_stride, step_stride, lanes, steps, panel);
}

template <class S, class T>
constexpr GemmPackers<S, T> packers() {
  // Micro-kernels pack A themselves if they can read it.
  if constexpr (std::is_same_v<S, T>)
    return {nullptr, pack<S, T, kTileCols<T>>, pack<S, T, kTileCols<T> * 3 / 2>};
  else
    return {pack<S, T, kTileRows>, pack<S, T, kTileCols<T>>, nullptr};
}

}  // namespace

namespace TFMINI_ISA {
constinit const GemmPackTable gemm_pack_table = {packers<float, float>(), packers<double, double>(),
                                                 packers<Half, float>(), packers<BFloat16, float>()};
}

}  // namespace tfmini::simd
