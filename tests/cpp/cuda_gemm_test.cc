// Matrix products on a GPU, or on the simulated one: every kernel but wgmma's (cuda_wgmma_test.cc), all transposes,
// sizes that fill no tile, addresses that allow no vectors, batches, parts of k, epilogues.
#if defined(TFMINI_WITH_CUDA)
#include "core/tensor_float_32.h"
#include "cuda_gemm_check.h"

namespace tfmini::cuda {
namespace {

template <class T>
void check_type(Device& device, const std::vector<GemmPlan>& plans) {
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      for (const Sizes& s : {Sizes{1, 1, 1}, Sizes{3, 5, 7}, Sizes{2, 16, 0}, Sizes{72, 136, 40}, Sizes{65, 67, 69, 2},
                             Sizes{64, 64, 128, 3, 1}, Sizes{1, 200, 300, 2}, Sizes{200, 1, 300}, Sizes{8, 24, 1000}})
        for (const bool epilogue : {false, true}) check_gemm<T>(device, s, ta, tb, epilogue, nullptr);
      for (const GemmPlan& plan : plans)
        for (const Sizes& s : {Sizes{150, 140, 136}, Sizes{136, 264, 320, 1}, Sizes{33, 66, 200, 2, 1}}) {
          const GemmPlan p = split_for(plan, s.k);
          check_gemm<T>(device, s, ta, tb, true, &p);
        }
    }
}

}  // namespace

void check_all(Device& device) {
  const GemmPlan simt128{GemmKernel::kSimt, 128, 128, 1, 0}, simt64{GemmKernel::kSimt, 64, 64, 3, 0};
  const GemmPlan mma128{GemmKernel::kMma, 128, 128, 2, 0}, mma64{GemmKernel::kMma, 64, 64, 1, 0};
  check_type<BFloat16>(device, {mma128, mma64});
  check_type<Half>(device, {mma128});
  check_type<float>(device, {mma128, mma64, simt128, simt64});
  check_type<double>(device, {simt64});
  tensor_float_32_allowed = false;
  check_type<float>(device, {});
}

}  // namespace tfmini::cuda
#endif

#include "cuda_main.h"
