#include "simd/softmax.h"

#include "simd/softmax_row.h"

namespace tfmini::simd {
namespace {

template <class T>
void softmax(const T* x, T* out, int64_t n) {
  using C = ComputeType<T>;
  RowSum<C> s;
  sum_row<kKeepsExp<T>>(x, out, n, s);
  for (int64_t begin = 0; begin < n; begin += s.block) {
    const int64_t m = n - begin < s.block ? n - begin : s.block;
    if constexpr (kKeepsExp<T>)
      map_row(out + begin, s.tail, out + begin, m, [scale = s.scale(begin)](C e) { return e * scale; });
    else
      map_row(x + begin, out + begin, m, [&s](C v) { return math::exp_minus(s.max - v) / s.sum; });
  }
}

template <class T>
void log_softmax(const T* x, T* out, int64_t n) {
  using C = ComputeType<T>;
  RowSum<C> s;
  sum_row<false>(x, out, n, s);
  const C log_sum = math::log(s.sum);
  map_row(x, out, n, [max = s.max, log_sum](C v) { return v - max - log_sum; });
}

#define TFMINI_LOOPS(T) {softmax<T>, log_softmax<T>}

}  // namespace

namespace TFMINI_ISA {

const SoftmaxTable softmax_table = {TFMINI_LOOPS(float), TFMINI_LOOPS(double), TFMINI_LOOPS(Half),
                                    TFMINI_LOOPS(BFloat16)};

}  // namespace TFMINI_ISA
}  // namespace tfmini::simd
