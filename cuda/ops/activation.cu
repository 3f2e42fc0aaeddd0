// Activations and their gradients.
#include "core/elementwise.cuh"

namespace tfmini::cuda {
namespace {

namespace fns {
using namespace simd;
TFMINI_ACTIVATIONS(TFMINI_CUDA_UNARY)
TFMINI_FEATURE_GRADS(TFMINI_CUDA_BINARY)
TFMINI_OUTPUT_GRADS(TFMINI_CUDA_BINARY)
}  // namespace fns

// y = x where x > 0, else x times alpha; the gradient has dy in the place of x.
template <class T>
__global__ void __launch_bounds__(kThreads)
    leaky_relu(const T* values, const T* features, T* out, ComputeType<T> alpha, int64_t n, bool aligned) {
  constexpr int kPack = kPackOf<T>;
  const int64_t begin = thread_index() * kPack, left = n - begin;
  if (left <= 0) return;
  T v[kPack], x[kPack];
  load_pack<kPack>(values + begin, left, aligned, v);
  load_pack<kPack>(features + begin, left, aligned, x);
#pragma unroll
  for (int i = 0; i < kPack; ++i) v[i] = widen(x[i]) > ComputeType<T>(0) ? v[i] : narrow<T>(widen(v[i]) * alpha);
  store_pack<kPack>(out + begin, left, aligned, v);
}

template <class T>
class LeakyRelu {
 public:
  // Rounded as an operand would be.
  explicit LeakyRelu(const Attrs& attrs)
      : alpha_(static_cast<ComputeType<T>>(static_cast<T>(static_cast<ComputeType<T>>(attrs.real("alpha"))))) {}
  void operator()(KernelContext& c) const {
    constexpr int kPack = kPackOf<T>;
    const int64_t n = c.output(0).num_elements();
    if (n == 0) return;
    const T *values = c.in<T>(0), *features = c.in<T>(c.num_inputs() - 1);
    T* out = c.out<T>(0);
    launch(&leaky_relu<T>, blocks_for((n + kPack - 1) / kPack), kThreads, 0, stream(c), values, features, out, alpha_,
           n, is_aligned<kPack>(values) && is_aligned<kPack>(features) && is_aligned<kPack>(out));
  }

 private:
  ComputeType<T> alpha_;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_activation_cuda(Registry& r) {
  using namespace cuda;
  TFMINI_ACTIVATIONS(TFMINI_CUDA_ADD_UNARY)
  TFMINI_FEATURE_GRADS(TFMINI_CUDA_ADD_BINARY)
  TFMINI_OUTPUT_GRADS(TFMINI_CUDA_ADD_BINARY)
  for (const char* op : {"LeakyRelu", "LeakyReluGrad"}) r.kernels<LeakyRelu>(op, DeviceKind::kCUDA, FloatTypes{});
}

}  // namespace tfmini
