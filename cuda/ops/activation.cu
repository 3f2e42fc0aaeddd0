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

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_activation_cuda(Registry& r) {
  using namespace cuda;
  TFMINI_ACTIVATIONS(TFMINI_CUDA_ADD_UNARY)
  TFMINI_FEATURE_GRADS(TFMINI_CUDA_ADD_BINARY)
  TFMINI_OUTPUT_GRADS(TFMINI_CUDA_ADD_BINARY)
}

}  // namespace tfmini
