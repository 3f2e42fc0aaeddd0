#include "gemm/run_wgmma.cuh"

namespace tfmini::cuda {
template bool run_wgmma(const Place&, const Gemm<Half>&, const GemmPlan&);
}  // namespace tfmini::cuda
