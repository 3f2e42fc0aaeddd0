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

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_compare_cuda(Registry& r) {
  using namespace cuda;
  TFMINI_COMPARISONS(TFMINI_CUDA_ADD_BINARY)
  add_equality<fns::Equal, true>(r, "Equal", ElementTypes{});
  add_equality<fns::NotEqual, false>(r, "NotEqual", ElementTypes{});
  TFMINI_BINARY_LOGICAL(TFMINI_CUDA_ADD_BINARY)
  TFMINI_UNARY_LOGICAL(TFMINI_CUDA_ADD_UNARY)
}

}  // namespace tfmini
