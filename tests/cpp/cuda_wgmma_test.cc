// Matrix products by wgmma, on a GPU or on the simulated one: all transposes, tiles alone and in clusters, more tiles
// than multiprocessors, rounds of the ring, parts of k.
#if defined(TFMINI_WITH_CUDA)
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
          p = split_for(p, s.k);
          check_gemm<T>(device, s, ta, tb, true, &p);
        }
}

}  // namespace

void check_all(Device& device) {
  check_wgmma<BFloat16>(device);
  check_wgmma<Half>(device);
  check_wgmma<float>(device);
}

}  // namespace tfmini::cuda
#endif

#include "cuda_main.h"
