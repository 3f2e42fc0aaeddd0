#include "gemm/run_wgmma.cuh"

namespace tfmini::cuda {
template bool run_wgmma(const Place&, const Gemm<BFloat16>&, const GemmPlan&);
template bool run_wgmma_gather(const Place&, GatherArgs<Operand<Patches<BFloat16>, true>>, int64_t, const GemmPlan&,
                               WgmmaOperand<BFloat16>, const TensorShape*);
template bool run_wgmma_gather(const Place&, GatherArgs<Operand<Patches<BFloat16>, false>>, int64_t, const GemmPlan&,
                               WgmmaOperand<BFloat16>, const TensorShape*);
}  // namespace tfmini::cuda
