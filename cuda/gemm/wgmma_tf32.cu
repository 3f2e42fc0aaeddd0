#include "gemm/run_wgmma.cuh"

namespace tfmini::cuda {
template bool run_wgmma(const Place&, const Gemm<float>&, const GemmPlan&);
template bool run_wgmma_gather(const Place&, GatherArgs<Operand<Patches<float>, true>>, int64_t, const GemmPlan&,
                               WgmmaOperand<float>, const TensorShape*);
}  // namespace tfmini::cuda
