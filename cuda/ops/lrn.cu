// Local response normalization across channels and its gradient: a thread per element adds up its window. Norms go
// through scratch memory: the result may lie over the input, and a gradient needs those of a whole window.
#include "ops/lrn.h"

#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"
#include "simd/functors.h"

namespace tfmini::cuda {
namespace {

template <class C>
struct Params {
  explicit Params(const LrnParams& p, int64_t n)
      : channels(n),
        radius(p.radius < n ? p.radius : n),
        bias(static_cast<C>(p.bias)),
        alpha(static_cast<C>(p.alpha)),
        beta(static_cast<C>(p.beta)) {}

  // The sum of value(k) over the elements k around i that belong to the same pixel.
  template <class Value>
  __device__ __forceinline__ C window_sum(int64_t i, const Value& value) const {
    const int64_t channel = i % channels;
    const int64_t begin = i - (channel < radius ? channel : radius);
    const int64_t left = channels - 1 - channel, end = i + (left < radius ? left : radius);
    C sum = C(0);
    for (int64_t k = begin; k <= end; ++k) sum += value(k);
    return sum;
  }
  template <class T>
  __device__ __forceinline__ C norm(const T* x, int64_t i) const {
    return bias + alpha * window_sum(i, [&](int64_t k) { return widen(x[k]) * widen(x[k]); });
  }
  // norm ^ -beta. Roots do for the exponents that networks use.
  __device__ __forceinline__ C power(C norm) const {
    if (beta == C(0.5)) return C(1) / simd::math::sqrt(norm);
    if (beta == C(0.75)) return C(1) / simd::math::sqrt(norm * simd::math::sqrt(norm));
    return simd::fn::pow(norm, -beta);
  }

  int64_t channels, radius;
  C bias, alpha, beta;
};

template <class T, class C = ComputeType<T>>
__global__ void __launch_bounds__(kThreads) find_norms(const T* x, C* norms, Params<C> p, int64_t n) {
  const int64_t i = thread_index();
  if (i < n) norms[i] = p.norm(x, i);
}

template <class T, class C = ComputeType<T>>
__global__ void __launch_bounds__(kThreads) normalize(const T* x, const C* norms, T* out, Params<C> p, int64_t n) {
  const int64_t i = thread_index();
  if (i < n) out[i] = narrow<T>(widen(x[i]) * p.power(norms[i]));
}

template <class T, class C = ComputeType<T>>
__global__ void __launch_bounds__(kThreads)
    gradient(const T* g, const T* x, const T* y, const C* norms, T* out, Params<C> p, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const C around = p.window_sum(i, [&](int64_t k) { return widen(g[k]) * widen(y[k]) / norms[k]; });
  out[i] = narrow<T>(widen(g[i]) * p.power(norms[i]) - C(2) * p.alpha * p.beta * widen(x[i]) * around);
}

template <class T>
Tensor norms_of(const KernelContext& c, const Params<ComputeType<T>>& p, const T* x, int64_t n) {
  using C = ComputeType<T>;
  Tensor norms = c.scratch(dtype_of<C>, Shape{n});
  launch(&find_norms<T>, blocks_for(n), kThreads, 0, stream(c), x, norms.data<C>(), p, n);
  return norms;
}

template <class T>
struct LRN {
  LrnParams params;
  explicit LRN(const Attrs& attrs) : params(attrs) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const int64_t n = c.input(0).num_elements();
    if (n == 0) return;
    const Params<C> p(params, c.input(0).dim(-1));
    const Tensor norms = norms_of(c, p, c.in<T>(0), n);
    launch(&normalize<T>, blocks_for(n), kThreads, 0, stream(c), c.in<T>(0), norms.data<C>(), c.out<T>(0), p, n);
  }
};

template <class T>
struct LRNGrad {
  LrnParams params;
  explicit LRNGrad(const Attrs& attrs) : params(attrs) {}
  void operator()(KernelContext& c) const {
    using C = ComputeType<T>;
    const int64_t n = c.input(0).num_elements();
    if (n == 0) return;
    const Params<C> p(params, c.input(0).dim(-1));
    const Tensor norms = norms_of(c, p, c.in<T>(1), n);
    launch(&gradient<T>, blocks_for(n), kThreads, 0, stream(c), c.in<T>(0), c.in<T>(1), c.in<T>(2), norms.data<C>(),
           c.out<T>(0), p, n);
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_lrn_cuda(Registry& r) {
  r.kernels<cuda::LRN>("LRN", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::LRNGrad>("LRNGrad", DeviceKind::kCUDA, FloatTypes{});
}

}  // namespace tfmini
