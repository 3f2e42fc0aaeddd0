#include "gemm/run_wgmma.cuh"

namespace tfmini::cuda {
template bool run_wgmma(const Place&, const Gemm<Half>&, const GemmPlan&);
template bool run_wgmma_gather(const Place&, GatherArgs<Operand<Patches<Half>, true>>, int64_t, const GemmPlan&,
                               WgmmaOperand<Half>, const TensorShape*);
template bool run_wgmma_gather(const Place&, GatherArgs<Operand<Patches<Half>, false>>, int64_t, const GemmPlan&,
                               WgmmaOperand<Half>, const TensorShape*);
}  // namespace tfmini::cuda
