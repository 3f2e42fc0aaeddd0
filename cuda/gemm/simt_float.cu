#include "gemm/instances.cuh"
#include "gemm/launch_simt.cuh"

namespace tfmini::cuda {
TFMINI_GEMM_OPERANDS(TFMINI_LAUNCH_SIMT, float)
}  // namespace tfmini::cuda
