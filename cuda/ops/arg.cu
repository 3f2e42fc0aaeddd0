// ArgMax and ArgMin: the first index of the largest or smallest element along one axis. NaNs are beyond nothing.
#include <limits>

#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"

namespace tfmini::cuda {
namespace {

// The best so far and where it is; -1: nothing yet.
template <class C>
struct Best {
  C value;
  int64_t at;
  bool max;

  __device__ explicit Best(bool max) : at(-1), max(max) {
    using L = std::numeric_limits<C>;
    if constexpr (L::has_infinity)
      value = max ? -L::infinity() : L::infinity();
    else
      value = max ? L::lowest() : L::max();
  }
  __device__ bool beyond(C a, C b) const { return max ? a > b : a < b; }
  __device__ void take(C v, int64_t i) {
    if (!beyond(v, value)) return;
    value = v;
    at = i;
  }
  __device__ void join(C v, int64_t i) {
    if (i < 0 || (at >= 0 && !beyond(v, value) && (beyond(value, v) || at < i))) return;
    value = v;
    at = i;
  }
};

// A row per block, of one warp or of kThreads.
template <class T, class I>
__global__ void __launch_bounds__(kThreads) arg_of_rows(const T* in, I* out, int64_t n, bool max) {
  using C = ComputeType<T>;
  __shared__ C values[kThreads / 32];
  __shared__ int64_t places[kThreads / 32];
  const T* x = in + blockIdx.x * n;
  Best<C> best(max);
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) best.take(widen(x[i]), i);
#pragma unroll
  for (int step = 16; step > 0; step /= 2)
    best.join(__shfl_xor_sync(0xffffffffu, best.value, step), __shfl_xor_sync(0xffffffffu, best.at, step));
  if (threadIdx.x % 32 == 0) {
    values[threadIdx.x / 32] = best.value;
    places[threadIdx.x / 32] = best.at;
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (unsigned w = 1; w < blockDim.x / 32; ++w) best.join(values[w], places[w]);
  out[blockIdx.x] = static_cast<I>(best.at < 0 ? 0 : best.at);
}

template <class T, class I>
__global__ void __launch_bounds__(kThreads)
    arg_of_columns(const T* in, I* out, int64_t columns, int64_t n, int64_t inner, bool max) {
  const int64_t i = thread_index();
  if (i >= columns) return;
  const T* x = in + i / inner * n * inner + i % inner;
  Best<ComputeType<T>> best(max);
  for (int64_t k = 0; k < n; ++k) best.take(widen(x[k * inner]), k);
  out[i] = static_cast<I>(best.at < 0 ? 0 : best.at);
}

template <class T, class I>
void run(KernelContext& c, bool max) {
  const Shape& shape = c.input(0).shape();
  check(c.input(1).num_elements() == 1, "dimension must be a scalar, got shape ", c.input(1).shape());
  const int axis = normalize_axis(c.input(1).int_at(0), shape.rank(), "dimension");
  const int64_t outer = shape.product(0, axis), n = shape[axis], inner = shape.product(axis + 1, shape.rank());
  if (outer * inner == 0) return;
  check(n > 0, "reduction axis ", axis, " is empty in shape ", shape);
  if (inner == 1)
    launch(&arg_of_rows<T, I>, dim3(static_cast<unsigned>(outer)), n > 256 ? kThreads : 32, 0, stream(c), c.in<T>(0),
           c.out<I>(0), n, max);
  else
    launch(&arg_of_columns<T, I>, blocks_for(outer * inner), kThreads, 0, stream(c), c.in<T>(0), c.out<I>(0),
           outer * inner, n, inner, max);
}
template <class T, bool kMax>
void arg(KernelContext& c) {
  if (c.output_dtype(0) == DType::kInt32)
    run<T, int32_t>(c, kMax);
  else
    run<T, int64_t>(c, kMax);
}
template <class... Ts>
void add(Registry& r, TypeList<Ts...>) {
  (r.kernel("ArgMax", DeviceKind::kCUDA, dtype_of<Ts>, &arg<Ts, true>), ...);
  (r.kernel("ArgMin", DeviceKind::kCUDA, dtype_of<Ts>, &arg<Ts, false>), ...);
}

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_arg_cuda(Registry& r) { cuda::add(r, TypeList<float, double, Half, BFloat16, int32_t, int64_t>{}); }

}  // namespace tfmini
