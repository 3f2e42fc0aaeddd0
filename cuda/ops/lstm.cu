// The gates of an LSTM step: a thread per unit.
#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"
#include "simd/lstm_cell.h"

namespace tfmini::cuda {
namespace {

template <class T>
__device__ __forceinline__ simd::LSTMGates<ComputeType<T>> gates(const T* z, int64_t n, float forget_bias) {
  using C = ComputeType<T>;
  return {widen(z[0]), widen(z[n]), widen(z[2 * n]), widen(z[3 * n]), static_cast<C>(forget_bias)};
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    forward(int64_t cells, int64_t n, const T* z, const T* c_prev, float forget_bias, T* c, T* h) {
  using C = ComputeType<T>;
  const int64_t i = thread_index();
  if (i >= cells) return;
  C c_new, h_new;
  simd::lstm_forward<C>(gates(z + i / n * 4 * n + i % n, n, forget_bias), widen(c_prev[i]), c_new, h_new);
  c[i] = narrow<T>(c_new);
  h[i] = narrow<T>(h_new);
}

template <class T>
__global__ void __launch_bounds__(kThreads) backward(int64_t cells, int64_t n, const T* z, const T* c_prev, const T* c,
                                                     const T* dc, const T* dh, float forget_bias, T* dz, T* dc_prev) {
  using C = ComputeType<T>;
  const int64_t i = thread_index();
  if (i >= cells) return;
  const int64_t at = i / n * 4 * n + i % n;
  const simd::LSTMGradient<C> d(gates(z + at, n, forget_bias), widen(c_prev[i]), widen(c[i]), widen(dc[i]),
                                widen(dh[i]));
  dz[at] = narrow<T>(d.zi);
  dz[at + n] = narrow<T>(d.zj);
  dz[at + 2 * n] = narrow<T>(d.zf);
  dz[at + 3 * n] = narrow<T>(d.zo);
  dc_prev[i] = narrow<T>(d.c_prev);
}

template <class T>
struct Gates {
  float forget_bias;
  explicit Gates(const Attrs& attrs) : forget_bias(attrs.real("forget_bias")) {}
  void operator()(KernelContext& c) const {
    const int64_t cells = c.output(0).num_elements();
    if (cells == 0) return;
    launch(&forward<T>, blocks_for(cells), kThreads, 0, stream(c), cells, c.output(0).dim(1), c.in<T>(0), c.in<T>(1),
           forget_bias, c.out<T>(0), c.out<T>(1));
  }
};

template <class T>
struct GatesGrad {
  float forget_bias;
  explicit GatesGrad(const Attrs& attrs) : forget_bias(attrs.real("forget_bias")) {}
  void operator()(KernelContext& c) const {
    const int64_t cells = c.output(1).num_elements();
    if (cells == 0) return;
    launch(&backward<T>, blocks_for(cells), kThreads, 0, stream(c), cells, c.output(1).dim(1), c.in<T>(0), c.in<T>(1),
           c.in<T>(2), c.in<T>(3), c.in<T>(4), forget_bias, c.out<T>(0), c.out<T>(1));
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_lstm_cuda(Registry& r) {
  r.kernels<cuda::Gates>("_LSTMGates", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::GatesGrad>("_LSTMGatesGrad", DeviceKind::kCUDA, FloatTypes{});
}

}  // namespace tfmini
