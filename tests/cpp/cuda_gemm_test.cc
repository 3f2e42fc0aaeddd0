// Matrix products on a GPU, or on the simulated one: every kernel but wgmma's (cuda_wgmma_test.cc), all transposes,
// sizes that fill no tile, addresses that allow no vectors, batches, parts of k, epilogues.
#include <cstdio>

#if defined(TFMINI_WITH_CUDA)
#include "core/devices.h"
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
          GemmPlan p = plan;
          p.split_depth = static_cast<int>((s.k + p.splits * 64 - 1) / (p.splits * 64) * 64);
          check_gemm<T>(device, s, ta, tb, true, &p);
        }
    }
}

}  // namespace
}  // namespace tfmini::cuda
#endif

int main() {
#if defined(TFMINI_WITH_CUDA)
  using namespace tfmini;
  if (const std::string reason = cuda_status(); !reason.empty()) {
    std::printf("skipped: %s\n", reason.c_str());
    return 0;
  }
  using cuda::GemmKernel, cuda::GemmPlan;
  Device& device = cuda::device(0);
  const GemmPlan simt128{GemmKernel::kSimt, 128, 128, 1, 0}, simt64{GemmKernel::kSimt, 64, 64, 3, 0};
  const GemmPlan mma128{GemmKernel::kMma, 128, 128, 2, 0}, mma64{GemmKernel::kMma, 64, 64, 1, 0};
  cuda::check_type<BFloat16>(device, {mma128, mma64});
  cuda::check_type<Half>(device, {mma128});
  cuda::check_type<float>(device, {mma128, mma64, simt128, simt64});
  cuda::check_type<double>(device, {simt64});
  tensor_float_32_allowed = false;
  cuda::check_type<float>(device, {});
#else
  std::printf("skipped: no CUDA in this build\n");
#endif
  return 0;
}
