#include "gemm/run_wgmma.cuh"

namespace tfmini::cuda {
template bool run_wgmma(const Place&, const Gemm<float>&, const GemmPlan&);
}  // namespace tfmini::cuda
