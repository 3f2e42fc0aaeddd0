#include "simd/transpose.h"

namespace tfmini::simd::TFMINI_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

#define TFMINI_INLINE inline __attribute__((always_inline))

// GCC drops vector_size on a dependent type's alias, hence one struct per element type.
template <class T>
struct Vec;
template <>
struct Vec<uint32_t> {
  typedef uint32_t type __attribute__((vector_size(kVectorBytes), aligned(4)));
};
template <>
struct Vec<uint64_t> {
  typedef uint64_t type __attribute__((vector_size(kVectorBytes), aligned(8)));
};

// 0, 1, ..., N - 1 as template arguments.
template <int... I>
struct Lanes {};
template <int N, int... I>
struct MakeLanes : MakeLanes<N - 1, N - 1, I...> {};
template <int... I>
struct MakeLanes<0, I...> {
  using type = Lanes<I...>;
};

// One exchange of a butterfly: the S-th bit of the lane number trades places with that of the row
// number. After all log2(lanes) stages rows and columns have changed roles.
template <int L, int S, class V, int... I>
TFMINI_INLINE void exchange(V& a, V& b, Lanes<I...>) {
  const V low = __builtin_shufflevector(a, b, ((I & S) ? L + I - S : I)...);
  b = __builtin_shufflevector(a, b, ((I & S) ? L + I : I + S)...);
  a = low;
}

template <int L, int S, class V>
TFMINI_INLINE void stages(V* r) {
  if constexpr (S > 0) {
    for (int i = 0; i < L; ++i)
      if (!(i & S)) exchange<L, S>(r[i], r[i + S], typename MakeLanes<L>::type{});
    stages<L, S / 2>(r);
  }
}

template <class T>
void transpose_scalar(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) out[i * out_stride + j] = in[j * in_stride + i];
}

// Squares of L x L in registers: each cache line is read and written once, whole.
template <class T>
void transpose_vector(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows, int64_t cols) {
  using V = typename Vec<T>::type;
  constexpr int L = kVectorBytes / sizeof(T);
  const int64_t full_rows = rows - rows % L, full_cols = cols - cols % L;
  for (int64_t i = 0; i < full_rows; i += L)
    for (int64_t j = 0; j < full_cols; j += L) {
      V r[L];
      for (int k = 0; k < L; ++k) r[k] = *reinterpret_cast<const V*>(in + (j + k) * in_stride + i);
      stages<L, L / 2>(r);
      for (int k = 0; k < L; ++k) *reinterpret_cast<V*>(out + (i + k) * out_stride + j) = r[k];
    }
  transpose_scalar(in + full_cols * in_stride, in_stride, out + full_cols, out_stride, full_rows, cols - full_cols);
  transpose_scalar(in + full_rows, in_stride, out + full_rows * out_stride, out_stride, rows - full_rows, cols);
}

}  // namespace

extern const TransposeTable transpose_table = {transpose_scalar<uint8_t>, transpose_scalar<uint16_t>,
                                               transpose_vector<uint32_t>, transpose_vector<uint64_t>};

}  // namespace tfmini::simd::TFMINI_ISA
