#include "simd/lstm.h"

#include "core/dtype.h"
#include "simd/lstm_cell.h"

namespace tfmini::simd {
namespace {

template <class T>
void forward(int64_t n, const T* z, const T* c_prev, float forget_bias, T* c, T* h) {
  using C = ComputeType<T>;
#pragma GCC ivdep
  for (int64_t u = 0; u < n; ++u) {
    const LSTMGates<C> g(z[u], z[u + n], z[u + 2 * n], z[u + 3 * n], forget_bias);
    C c_u, h_u;
    lstm_forward<C>(g, c_prev[u], c_u, h_u);
    c[u] = T(c_u);
    h[u] = T(h_u);
  }
}

template <class T>
void backward(int64_t n, const T* z, const T* c_prev, const T* c, const T* dc, const T* dh, float forget_bias, T* dz,
              T* dc_prev) {
  using C = ComputeType<T>;
#pragma GCC ivdep
  for (int64_t u = 0; u < n; ++u) {
    const LSTMGates<C> g(z[u], z[u + n], z[u + 2 * n], z[u + 3 * n], forget_bias);
    const LSTMGradient<C> d(g, c_prev[u], c[u], dc[u], dh[u]);
    dz[u] = T(d.zi);
    dz[u + n] = T(d.zj);
    dz[u + 2 * n] = T(d.zf);
    dz[u + 3 * n] = T(d.zo);
    dc_prev[u] = T(d.c_prev);
  }
}

template <class T>
constexpr LSTMLoops<T> kLoops = {forward<T>, backward<T>};

}  // namespace

namespace TFMINI_ISA {
constinit const LSTMTable lstm_table = {kLoops<float>, kLoops<double>, kLoops<Half>, kLoops<BFloat16>};
}

}  // namespace tfmini::simd
