// Unary and binary arithmetic over NumPy broadcasting.
#include "core/elementwise.cuh"

namespace tfmini::cuda {
namespace {

namespace fns {
using namespace simd;
TFMINI_UNARY_MATH(TFMINI_CUDA_UNARY)
TFMINI_PREDICATES(TFMINI_CUDA_UNARY)
TFMINI_BINARY_MATH(TFMINI_CUDA_BINARY)
TFMINI_ATAN2(TFMINI_CUDA_BINARY)
TFMINI_POLYGAMMA(TFMINI_CUDA_BINARY)
TFMINI_ZETA(TFMINI_CUDA_BINARY)
TFMINI_RESULT_GRADS(TFMINI_CUDA_BINARY)
}  // namespace fns

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_elementwise_cuda(Registry& r) {
  using namespace cuda;
  TFMINI_UNARY_MATH(TFMINI_CUDA_ADD_UNARY)
  TFMINI_PREDICATES(TFMINI_CUDA_ADD_UNARY)
  TFMINI_BINARY_MATH(TFMINI_CUDA_ADD_BINARY)
  TFMINI_ATAN2(TFMINI_CUDA_ADD_BINARY)
  TFMINI_POLYGAMMA(TFMINI_CUDA_ADD_BINARY)
  TFMINI_ZETA(TFMINI_CUDA_ADD_BINARY)
  TFMINI_RESULT_GRADS(TFMINI_CUDA_ADD_BINARY)
}

}  // namespace tfmini
