// Where the work of a kernel goes.
#pragma once

#include <cuda_runtime.h>

#include "core/op.h"

namespace tfmini::cuda {

// The stream of the device this kernel runs on, with that device made the current one.
cudaStream_t stream(const KernelContext& c);

}  // namespace tfmini::cuda
