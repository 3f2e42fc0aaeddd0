#include "gemm/instances.cuh"
#include "gemm/launch_mma.cuh"

namespace tfmini::cuda {
TFMINI_GEMM_OPERANDS(TFMINI_LAUNCH_MMA, BFloat16)
}  // namespace tfmini::cuda
