#include "simd/block_lstm.h"

#include "simd/block_lstm_cell.h"

namespace tfmini::simd {
namespace {

template <bool kPeepholes, class T, class C = ComputeType<T>>
TFMINI_ALWAYS_INLINE Peepholes<C> peepholes(const PeepholeRows<T>& w, int64_t u) {
  if constexpr (kPeepholes) return {C(w.i[u]), C(w.f[u]), C(w.o[u])};
  return {};
}

template <bool kPeepholes, class T, class C = ComputeType<T>>
void forward_units(int64_t n, const C* z, const T* cs_prev, const PeepholeRows<T>& w, C forget_bias, C cell_clip,
                   const BlockLSTMRow<T>& out) {
  const BlockLSTMRow<T> to = out;
#pragma GCC ivdep
  for (int64_t u = 0; u < n; ++u) {
    const BlockLSTMCell<C> cell(z[u], z[u + n], z[u + 2 * n], z[u + 3 * n], C(cs_prev[u]), peepholes<kPeepholes>(w, u),
                                forget_bias, cell_clip);
    to.i[u] = T(cell.i);
    to.cs[u] = T(cell.cs);
    to.f[u] = T(cell.f);
    to.o[u] = T(cell.o);
    to.ci[u] = T(cell.ci);
    to.co[u] = T(cell.co);
    to.h[u] = T(cell.h);
  }
}

template <class T, class C = ComputeType<T>>
void forward(int64_t n, const C* z, const T* cs_prev, const PeepholeRows<T>& w, float forget_bias, float cell_clip,
             const BlockLSTMRow<T>& out) {
  (w.i ? forward_units<true, T> : forward_units<false, T>)(n, z, cs_prev, w, C(forget_bias), C(cell_clip), out);
}

template <bool kPeepholes, class T, class C = ComputeType<T>>
void backward_units(int64_t n, const BlockLSTMRow<const T>& step, const T* cs_prev, const PeepholeRows<T>& w, C* dcs,
                    const C* dh, T* dz) {
  const BlockLSTMRow<const T> s = step;
#pragma GCC ivdep
  for (int64_t u = 0; u < n; ++u) {
    const BlockLSTMGradient<C> d(C(s.i[u]), C(s.f[u]), C(s.o[u]), C(s.ci[u]), C(s.co[u]), C(cs_prev[u]),
                                 peepholes<kPeepholes>(w, u), dcs[u], dh[u]);
    dz[u] = T(d.zi);
    dz[u + n] = T(d.zci);
    dz[u + 2 * n] = T(d.zf);
    dz[u + 3 * n] = T(d.zo);
    dcs[u] = d.cs_prev;
  }
}

template <class T, class C = ComputeType<T>>
void backward(int64_t n, const BlockLSTMRow<const T>& step, const T* cs_prev, const PeepholeRows<T>& w, C* dcs,
              const C* dh, T* dz) {
  (w.i ? backward_units<true, T> : backward_units<false, T>)(n, step, cs_prev, w, dcs, dh, dz);
}

template <class T>
constexpr BlockLSTMLoops<T> kLoops = {forward<T>, backward<T>};

}  // namespace

namespace TFMINI_ISA {
constinit const BlockLSTMTable block_lstm_table = {kLoops<float>, kLoops<double>, kLoops<Half>, kLoops<BFloat16>};
}

}  // namespace tfmini::simd
