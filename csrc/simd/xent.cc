#include "simd/xent.h"

#include "simd/softmax_row.h"

namespace tfmini::simd {
namespace {

template <class T>
T sparse(const T* x, int64_t label, T* backprop, int64_t n) {
  using C = ComputeType<T>;
  const C chosen = static_cast<C>(x[label]);
  RowSum<C> s;
  sum_row<kKeepsExp<T>>(x, backprop, n, s);
  C probability = C(0);
  for (int64_t begin = 0; begin < n; begin += s.block) {
    const int64_t m = n - begin < s.block ? n - begin : s.block;
    if constexpr (kKeepsExp<T>) {
      const C scale = s.scale(begin);
      if (label >= begin && label < begin + m)
        probability = (label < n / kExpLanes * kExpLanes ? backprop[label] : s.tail[label % kExpLanes]) * scale;
      map_row(backprop + begin, s.tail, backprop + begin, m, [scale](C e) { return e * scale; });
    } else {
      probability = math::exp_minus(s.max - chosen) / s.sum;
      map_row(x + begin, backprop + begin, m, [&s](C v) { return math::exp_minus(s.max - v) / s.sum; });
    }
  }
  backprop[label] = T(probability - C(1));
  return T(math::log(s.sum) - (chosen - s.max));
}

// Not inlined: both kinds of dense rows must round alike, whatever the compiler would fuse in one of them.
template <class T, class C = ComputeType<T>>
__attribute__((noinline)) void add_losses(const T* x, const T* labels, int64_t n, C max, C log_sum,
                                          LaneSums<C>& losses) {
  const auto sixteen = [&]<class X>(const X* logits, const X* y) __attribute__((always_inline)) {
    C loss[kExpLanes];
    for (int l = 0; l < kExpLanes; ++l) loss[l] = static_cast<C>(y[l]) * (log_sum + (max - static_cast<C>(logits[l])));
    losses.add(loss);
  };
  int64_t i = 0;
  for (; i + kExpLanes <= n; i += kExpLanes) sixteen(x + i, labels + i);
  if (i < n) {
    const Lanes<T> logits(x + i, static_cast<int>(n - i)), y(labels + i, static_cast<int>(n - i));
    sixteen(logits.at, y.at);
  }
}

// The logits are needed again after the exponentials, which therefore cannot overwrite them: when backprop is x, they
// are computed twice, as for 16-bit floats.
template <bool kInPlace, class T>
TFMINI_ALWAYS_INLINE T dense_row(const T* x, const T* labels, T* backprop, int64_t n) {
  using C = ComputeType<T>;
  constexpr bool kKept = kKeepsExp<T> && !kInPlace;
  RowSum<C> s;
  sum_row<kKept>(x, backprop, n, s);
  const C log_sum = math::log(s.sum);
  LaneSums<C> losses;
  for (int64_t begin = 0; begin < n; begin += s.block) {
    const int64_t end = n - begin < s.block ? n : begin + s.block;
    const C scale = kKept ? s.scale(begin) : C(1) / s.sum;
    add_losses(x + begin, labels + begin, end - begin, s.max, log_sum, losses);
    const auto sixteen = [&]<class X>(const X* logits, const X* y, X* out) __attribute__((always_inline)) {
      C e[kExpLanes];
      for (int l = 0; l < kExpLanes; ++l)
        e[l] = kKept ? static_cast<C>(out[l]) : math::exp_minus(s.max - static_cast<C>(logits[l]));
      for (int l = 0; l < kExpLanes; ++l) out[l] = X(math::madd(e[l], scale, -static_cast<C>(y[l])));
    };
    int64_t i = begin;
    for (; i + kExpLanes <= end; i += kExpLanes) sixteen(x + i, labels + i, backprop + i);
    if (i < end) {
      const int m = static_cast<int>(end - i);
      const Lanes<T> logits(x + i, m), y(labels + i, m);
      sixteen(logits.at, y.at, s.tail);
      store_lanes(s.tail, backprop + i, m);
    }
  }
  return T(losses.total());
}

template <class T>
T dense(const T* x, const T* labels, T* backprop, int64_t n) {
  return x == backprop ? dense_row<true>(x, labels, backprop, n) : dense_row<false>(x, labels, backprop, n);
}

#define TFMINI_LOOPS(T) {dense<T>, sparse<T>}

}  // namespace

namespace TFMINI_ISA {

const XentTable xent_table = {TFMINI_LOOPS(float), TFMINI_LOOPS(double), TFMINI_LOOPS(Half), TFMINI_LOOPS(BFloat16)};

}  // namespace TFMINI_ISA
}  // namespace tfmini::simd
