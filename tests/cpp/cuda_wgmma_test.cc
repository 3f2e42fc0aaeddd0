// Matrix products by wgmma, on a GPU or on the simulated one: all transposes, tiles alone and in clusters, more tiles
// than multiprocessors, rounds of the ring, parts of k.
#include <cstdio>

#if defined(TFMINI_WITH_CUDA)
#include "core/devices.h"
#include "cuda_gemm_check.h"

namespace tfmini::cuda {
namespace {

// The kernel is of sm_90a, and its operands must be aligned.
template <class T>
void check_wgmma(Device& device) {
  if (const Chip chip = place(device).chip; chip.major != 9 || chip.minor != 0) return;
  for (const bool ta : {false, true})
    for (const bool tb : {false, true})
      for (const GemmPlan& plan : {GemmPlan{GemmKernel::kWgmma, 128, 128}, GemmPlan{GemmKernel::kWgmma, 128, 256},
                                   GemmPlan{GemmKernel::kWgmma, 128, 256, 1, 0, 2}})
        for (const Sizes& s : {Sizes{136, 144, 72}, Sizes{520, 272, 264}, Sizes{64, 64, 600, 2}}) {
          GemmPlan p = plan;
          p.splits = s.batch == 2 ? 3 : 1;
          p.split_depth = static_cast<int>((s.k + p.splits * 64 - 1) / (p.splits * 64) * 64);
          check_gemm<T>(device, s, ta, tb, true, &p);
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
  Device& device = cuda::device(0);
  cuda::check_wgmma<BFloat16>(device);
  cuda::check_wgmma<Half>(device);
  cuda::check_wgmma<float>(device);
#else
  std::printf("skipped: no CUDA in this build\n");
#endif
  return 0;
}
