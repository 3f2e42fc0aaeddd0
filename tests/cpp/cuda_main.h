// The main() of a test of CUDA code, to be included last: it runs check_all() on a GPU, or on the simulated one, or
// says why it cannot.
#pragma once

#include <cstdio>

#if defined(TFMINI_WITH_CUDA)
#include "core/devices.h"

namespace tfmini::cuda {
void check_all(Device& device);  // the test's own
}
#endif

int main() {
#if defined(TFMINI_WITH_CUDA)
  if (const std::string reason = tfmini::cuda_status(); reason.empty())
    tfmini::cuda::check_all(tfmini::cuda::device(0));
  else
    std::printf("skipped: %s\n", reason.c_str());
#else
  std::printf("skipped: no CUDA in this build\n");
#endif
  return 0;
}
