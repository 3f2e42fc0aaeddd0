#include "simd/reduce.h"

#include <limits>

#include "simd/vec.h"

namespace tfmini::simd {
namespace {

// Integers are added and multiplied as unsigned ones: they wrap, as in TensorFlow.
template <class C, bool = std::is_integral_v<C>>
struct Wrapping {
  using type = std::make_unsigned_t<C>;
};
template <class C>
struct Wrapping<C, false> {
  using type = C;
};

struct Sum {
  template <class C>
  using Work = typename Wrapping<C>::type;
  template <class C>
  static constexpr C identity = C(0);
  template <class V>
  static TFMINI_ALWAYS_INLINE V map(V x) {
    return x;
  }
  template <class V>
  static TFMINI_ALWAYS_INLINE V join(V a, V b) {
    return a + b;
  }
};

struct SumSquares : Sum {
  template <class V>
  static TFMINI_ALWAYS_INLINE V map(V x) {
    return x * x;
  }
};

struct Prod : Sum {
  template <class C>
  static constexpr C identity = C(1);
  template <class V>
  static TFMINI_ALWAYS_INLINE V join(V a, V b) {
    return a * b;
  }
};

struct Max : Sum {
  template <class C>
  using Work = C;
  template <class C>
  static constexpr C identity =
      std::numeric_limits<C>::has_infinity ? -std::numeric_limits<C>::infinity() : std::numeric_limits<C>::lowest();
  template <class V>
  static TFMINI_ALWAYS_INLINE V join(V a, V b) {
    return ((b > a) | (b != b)) ? b : a;
  }
};

struct Min : Sum {
  template <class C>
  using Work = C;
  template <class C>
  static constexpr C identity =
      std::numeric_limits<C>::has_infinity ? std::numeric_limits<C>::infinity() : std::numeric_limits<C>::max();
  template <class V>
  static TFMINI_ALWAYS_INLINE V join(V a, V b) {
    return ((b < a) | (b != b)) ? b : a;
  }
};

// A row runs down 64 parallel lanes whatever the vector width, which fixes the order of additions
// and hides the latency of the adder; the lanes are then folded in halves.
constexpr int kRowLanes = 64;
constexpr int kBlock = 4096;
constexpr int kShortRow = 16;

// The first lane is all lanes joined.
template <class Op, int half, class V>
TFMINI_ALWAYS_INLINE V fold_lanes(V v) {
  if constexpr (half == 0)
    return v;
  else
    return fold_lanes<Op, half / 2>(Op::template join<V>(v, rotate<half>(v)));
}

template <class Op, class T, class W>
__attribute__((noinline)) W fold_block(const T* x, int n) {
  using C = ComputeType<T>;
  constexpr int kVectors = kRowLanes / kLanes<C> > 0 ? kRowLanes / kLanes<C> : 1;
  constexpr int kStep = kVectors * kLanes<C>;
  Vec<W> acc[kVectors];
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) acc[v] = splat<W>(Op::template identity<W>);
  int i = 0;
  for (; i + kStep <= n; i += kStep)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v)
      acc[v] = Op::template join<Vec<W>>(acc[v], Op::map((Vec<W>)load(x + i + v * kLanes<C>)));
#pragma GCC unroll 16
  for (int v = 0; v < kVectors && i < n; ++v, i += kLanes<C>) {
    const auto x_v =
        n - i < kLanes<C> ? load_partial(x + i, n - i, static_cast<C>(Op::template identity<W>)) : load(x + i);
    acc[v] = Op::template join<Vec<W>>(acc[v], Op::map((Vec<W>)x_v));
  }
#pragma GCC unroll 8
  for (int half = kVectors / 2; half > 0; half /= 2)
#pragma GCC unroll 8
    for (int v = 0; v < half; ++v) acc[v] = Op::template join<Vec<W>>(acc[v], acc[v + half]);
  return fold_lanes<Op, kLanes<C> / 2>(acc[0])[0];
}

template <class Op, class T>
void reduce_rows(const T* x, ComputeType<T>* out, int64_t rows, int64_t n) {
  using C = ComputeType<T>;
  using W = typename Op::template Work<C>;
  using Total = std::conditional_t<std::is_same_v<W, float>, double, W>;
  for (int64_t r = 0; r < rows; ++r, x += n) {
    if (n <= kShortRow) {
      W acc = Op::map(static_cast<W>(static_cast<C>(x[0])));
      for (int64_t i = 1; i < n; ++i) acc = Op::template join<W>(acc, Op::map(static_cast<W>(static_cast<C>(x[i]))));
      out[r] = static_cast<C>(acc);
    } else if (n <= kBlock) {
      out[r] = static_cast<C>(fold_block<Op, T, W>(x, static_cast<int>(n)));
    } else {
      Total total = Op::template identity<Total>;
      for (int64_t i = 0; i < n; i += kBlock) {
        const int m = n - i < kBlock ? static_cast<int>(n - i) : kBlock;
        total = Op::template join<Total>(total, static_cast<Total>(fold_block<Op, T, W>(x + i, m)));
      }
      out[r] = static_cast<C>(total);
    }
  }
}

// Joins N rows to acc, pairwise.
template <class Op, int N, class V>
TFMINI_ALWAYS_INLINE V join_rows(V acc, V* x) {
#pragma GCC unroll 8
  for (int half = N / 2; half > 0; half /= 2)
#pragma GCC unroll 8
    for (int r = 0; r < half; ++r) x[r] = Op::template join<V>(x[r], x[r + half]);
  return Op::template join<V>(acc, x[0]);
}

template <class Op, int N, class T, class W>
__attribute__((noinline)) void column_step(const T* x, W* acc, int64_t cols, int64_t stride) {
  using C = ComputeType<T>;
  int64_t c = 0;
  for (; c + kLanes<C> <= cols; c += kLanes<C>) {
    Vec<W> v[N];
#pragma GCC unroll 8
    for (int r = 0; r < N; ++r) v[r] = Op::map((Vec<W>)load(x + r * stride + c));
    Vec<W> a;
    std::memcpy(&a, acc + c, sizeof a);
    a = join_rows<Op, N>(a, v);
    std::memcpy(acc + c, &a, sizeof a);
  }
  for (; c < cols; ++c) {
    W v[N];
    for (int r = 0; r < N; ++r) v[r] = Op::map(static_cast<W>(static_cast<C>(x[r * stride + c])));
    acc[c] = join_rows<Op, N>(acc[c], v);
  }
}

template <class Op, class T, class W>
__attribute__((noinline)) void sweep_columns(const T* x, W* acc, int64_t rows, int64_t cols, int64_t stride) {
  for (int64_t c = 0; c < cols; ++c) acc[c] = Op::template identity<W>;
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) column_step<Op, 8>(x + r * stride, acc, cols, stride);
  for (; r < rows; ++r) column_step<Op, 1>(x + r * stride, acc, cols, stride);
}

// Narrow matrices are read as wider ones, rows side by side, whose columns are then folded: 16 of them make whole
// vectors.
constexpr int kNarrow = 32;
constexpr int kSideBySide = 16;

template <class Op, class T>
void reduce_columns(const T* x, ComputeType<T>* out, int64_t rows, int64_t cols, int64_t stride) {
  using W = typename Op::template Work<ComputeType<T>>;
  W* acc = reinterpret_cast<W*>(out);
  if (stride != cols || cols > kNarrow || rows < 4 * kSideBySide) {
    sweep_columns<Op>(x, acc, rows, cols, stride);
    return;
  }
  W wide[kSideBySide * kNarrow];
  const int64_t width = kSideBySide * cols, wide_rows = rows / kSideBySide;
  sweep_columns<Op>(x, wide, wide_rows, width, width);
  for (int64_t c = 0; c < cols; ++c) acc[c] = wide[c];
  for (int64_t c = cols; c < width; ++c) acc[c % cols] = Op::template join<W>(acc[c % cols], wide[c]);
  for (int64_t r = wide_rows * kSideBySide; r < rows; ++r) column_step<Op, 1>(x + r * cols, acc, cols, cols);
}

#define TFMINI_LOOPS(Op, T) {reduce_rows<Op, T>, reduce_columns<Op, T>}
#define TFMINI_FLOAT_LOOPS(T) \
  {TFMINI_LOOPS(Sum, T), TFMINI_LOOPS(SumSquares, T), TFMINI_LOOPS(Prod, T), TFMINI_LOOPS(Max, T), TFMINI_LOOPS(Min, T)}
#define TFMINI_INT_LOOPS(T) \
  {TFMINI_LOOPS(Sum, T), {}, TFMINI_LOOPS(Prod, T), TFMINI_LOOPS(Max, T), TFMINI_LOOPS(Min, T)}

}  // namespace

namespace TFMINI_ISA {

const ReduceTable reduce_table = {
    TFMINI_FLOAT_LOOPS(float), TFMINI_FLOAT_LOOPS(double), TFMINI_FLOAT_LOOPS(Half),   TFMINI_FLOAT_LOOPS(BFloat16),
    TFMINI_INT_LOOPS(int8_t),  TFMINI_INT_LOOPS(int16_t),  TFMINI_INT_LOOPS(int32_t),  TFMINI_INT_LOOPS(int64_t),
    TFMINI_INT_LOOPS(uint8_t), TFMINI_INT_LOOPS(uint16_t), TFMINI_INT_LOOPS(uint32_t), TFMINI_INT_LOOPS(uint64_t),
};

}  // namespace TFMINI_ISA
}  // namespace tfmini::simd
