#include "simd/arg.h"

#include <limits>

#include "simd/vec.h"

namespace tfmini::simd {
namespace {

template <bool kMax, class C>
constexpr C worst() {
  using L = std::numeric_limits<C>;
  if constexpr (L::has_infinity) return kMax ? -L::infinity() : L::infinity();
  return kMax ? L::lowest() : L::max();
}

// Is a beyond b? A mask for vectors.
template <bool kMax, class V>
TFMINI_ALWAYS_INLINE auto beyond(V a, V b) {
  if constexpr (kMax)
    return a > b;
  else
    return a < b;
}

// Positions are as wide as elements, so that one mask selects both: lanes count steps, no more than fit.
template <class C>
struct Steps;
template <>
struct Steps<float> {
  using type = int32_t;
};
template <>
struct Steps<double> {
  using type = int64_t;
};
template <class C>
  requires(std::numeric_limits<C>::is_integer)
struct Steps<C> {
  using type = std::make_signed_t<C>;
};
template <class C>
using Step = typename Steps<C>::type;
template <class C>
constexpr int64_t kMaxSteps = sizeof(C) == 1 ? 127 : 32767;

// Better than `best` in x[begin, end), one by one: takes it, and its place.
template <bool kMax, class T>
TFMINI_ALWAYS_INLINE void by_element(const T* x, int64_t begin, int64_t end, ComputeType<T>& best, int64_t& at) {
  for (int64_t i = begin; i < end; ++i) {
    const auto v = static_cast<ComputeType<T>>(x[i]);
    if (!beyond<kMax>(v, best)) continue;
    best = v;
    at = i;
  }
}

// Two vectors of lanes run down the row, each with its own best; in the end the best of the lanes is taken.
template <bool kMax, class T>
int64_t of_row(const T* x, int64_t n) {
  using C = ComputeType<T>;
  using S = Step<C>;
  constexpr int kVectors = 2, kStep = kVectors * kLanes<C>;
  C best = worst<kMax, C>();
  int64_t at = 0, begin = 0;
  while (n - begin >= kStep) {
    int64_t steps = (n - begin) / kStep;
    if (steps > kMaxSteps<C>) steps = kMaxSteps<C>;
    Vec<C> b[kVectors];
    Vec<S> where[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      b[v] = splat<C>(best);
      where[v] = splat<S>(S(-1));
    }
    Vec<S> step{};
    for (int64_t i = 0; i < steps; ++i, step += S(1))
      for (int v = 0; v < kVectors; ++v) {
        const Vec<C> y = load(x + begin + i * kStep + v * kLanes<C>);
        const auto better = beyond<kMax>(y, b[v]);
        b[v] = better ? y : b[v];
        where[v] = better ? step : where[v];
      }
    C values[kStep];
    S places[kStep];
    std::memcpy(values, b, sizeof values);
    std::memcpy(places, where, sizeof places);
    int64_t place = -1;
    for (int l = 0; l < kStep; ++l) {
      if (places[l] < 0 || beyond<kMax>(best, values[l])) continue;
      const int64_t p = begin + places[l] * kStep + l;
      if (place < 0 || beyond<kMax>(values[l], best) || p < place) place = p;
      best = values[l];
    }
    if (place >= 0) at = place;
    begin += steps * kStep;
  }
  by_element<kMax>(x, begin, n, best, at);
  return at;
}

// A tile of columns at a time, whose bests stay in the first-level cache.
template <bool kMax, class T>
void of_columns(const T* x, int64_t* out, int64_t rows, int64_t cols, int64_t stride) {
  using C = ComputeType<T>;
  using S = Step<C>;
  constexpr int kTile = 256;
  alignas(64) C best[kTile];
  alignas(64) S at[kTile];
  for (int64_t from = 0; from < cols; from += kTile) {
    const int n = static_cast<int>(cols - from < kTile ? cols - from : kTile);
    for (int i = 0; i < n; ++i) best[i] = worst<kMax, C>();
    for (int i = 0; i < n; ++i) out[from + i] = 0;
    for (int64_t first = 0; first < rows; first += kMaxSteps<C>) {
      const int some = static_cast<int>(rows - first < kMaxSteps<C> ? rows - first : kMaxSteps<C>);
      for (int i = 0; i < n; ++i) at[i] = S(-1);
      for (int r = 0; r < some; ++r) {
        const T* row = x + (first + r) * stride + from;
        int i = 0;
        for (; i + kLanes<C> <= n; i += kLanes<C>) {
          const Vec<C> y = load(row + i), b = load(best + i);
          const auto better = beyond<kMax>(y, b);
          store(best + i, better ? y : b);
          store(at + i, better ? splat<S>(static_cast<S>(r)) : load(at + i));
        }
        for (; i < n; ++i) {
          const C y = static_cast<C>(row[i]);
          if (!beyond<kMax>(y, best[i])) continue;
          best[i] = y;
          at[i] = static_cast<S>(r);
        }
      }
      for (int i = 0; i < n; ++i)
        if (at[i] >= 0) out[from + i] = first + at[i];
    }
  }
}

template <class T>
int64_t find_above(const T* x, int64_t begin, int64_t n, ComputeType<T> bound) {
  using C = ComputeType<T>;
  constexpr int kVectors = 4, kStep = kVectors * kLanes<C>;
  const Vec<C> b = splat<C>(bound);
  int64_t i = begin;
  for (; i + kStep <= n; i += kStep) {
    auto above = ~(load(x + i) <= b);
    for (int v = 1; v < kVectors; ++v) above |= ~(load(x + i + v * kLanes<C>) <= b);
    uint64_t words[sizeof above / 8];
    std::memcpy(words, &above, sizeof above);
    uint64_t any = 0;
    for (uint64_t w : words) any |= w;
    if (any != 0) break;
  }
  while (i < n && static_cast<C>(x[i]) <= bound) ++i;
  return i;
}

#define TFMINI_LOOPS(T) {of_row<true, T>, of_row<false, T>, of_columns<true, T>, of_columns<false, T>, find_above<T>}

}  // namespace

namespace TFMINI_ISA {

const ArgTable arg_table = {
    TFMINI_LOOPS(float),   TFMINI_LOOPS(double),   TFMINI_LOOPS(Half),     TFMINI_LOOPS(BFloat16),
    TFMINI_LOOPS(int8_t),  TFMINI_LOOPS(int16_t),  TFMINI_LOOPS(int32_t),  TFMINI_LOOPS(int64_t),
    TFMINI_LOOPS(uint8_t), TFMINI_LOOPS(uint16_t), TFMINI_LOOPS(uint32_t), TFMINI_LOOPS(uint64_t),
};

}  // namespace TFMINI_ISA
}  // namespace tfmini::simd
