// Comparisons and logic.
#include "core/elementwise.cuh"

namespace tfmini::cuda {
namespace {

namespace fns {
using namespace simd;
TFMINI_COMPARISONS(TFMINI_CUDA_BINARY)
TFMINI_EQUALITIES(TFMINI_CUDA_BINARY)
TFMINI_BINARY_LOGICAL(TFMINI_CUDA_BINARY)
TFMINI_UNARY_LOGICAL(TFMINI_CUDA_UNARY)
}  // namespace fns

// Shapes that do not broadcast, which incompatible_shape_error=false allows, are unequal as a whole.
template <class F, bool kEqual, class T>
void equality(KernelContext& c) {
  const Tensor &x = c.input(0), &y = c.input(1);
  if (c.output(0).rank() == 0 && (x.num_elements() != 1 || y.num_elements() != 1))
    return check_cuda(cudaMemsetAsync(c.output(0).raw(), !kEqual, 1, stream(c)), "filling a tensor");
  run_binary<F, T>(stream(c), x, y, c.output(0));
}
template <class F, bool kEqual, class... Ts>
void add_equality(Registry& r, const char* op, TypeList<Ts...>) {
  (r.kernel(op, DeviceKind::kCUDA, dtype_of<Ts>, &equality<F, kEqual, Ts>), ...);
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    approximately_equal(const T* x, const T* y, bool* z, int64_t n, ComputeType<T> tolerance) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const ComputeType<T> a = widen(x[i]), b = widen(y[i]);
  z[i] = (a > b ? a - b : b - a) < tolerance;
}

template <class T>
class ApproximateEqual {
 public:
  explicit ApproximateEqual(const Attrs& attrs) : tolerance_(static_cast<float>(attrs.real("tolerance"))) {}
  void operator()(KernelContext& c) const {
    const int64_t n = c.output(0).num_elements();
    if (n > 0)
      launch(&approximately_equal<T>, blocks_for(n), kThreads, 0, stream(c), c.in<T>(0), c.in<T>(1), c.out<bool>(0), n,
             static_cast<ComputeType<T>>(tolerance_));
  }

 private:
  float tolerance_;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_compare_cuda(Registry& r) {
  using namespace cuda;
  TFMINI_COMPARISONS(TFMINI_CUDA_ADD_BINARY)
  add_equality<fns::Equal, true>(r, "Equal", ElementTypes{});
  add_equality<fns::NotEqual, false>(r, "NotEqual", ElementTypes{});
  r.kernels<ApproximateEqual>("ApproximateEqual", DeviceKind::kCUDA,
                              TypeList<float, double, Half, BFloat16, int32_t, int64_t>{});
  TFMINI_BINARY_LOGICAL(TFMINI_CUDA_ADD_BINARY)
  TFMINI_UNARY_LOGICAL(TFMINI_CUDA_ADD_UNARY)
}

}  // namespace tfmini
