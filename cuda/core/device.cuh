// What CUDA code knows of a GPU beyond core/device.h.
#pragma once

#include <cuda_runtime.h>

#include "core/device.h"
#include "core/launch.cuh"

namespace tfmini::cuda {

// Where kernels of the calling thread go: the device's one stream, or the graph this thread is recording. Makes the
// device the thread's current one.
//
// One stream per device orders everything: the kernels of one run, runs of other threads and sessions, and memory,
// which is free for the next allocation as soon as its last kernel is queued.
cudaStream_t stream(Device& device);

// "NVIDIA H200, compute capability 9.0", and so on: what kernels choose by.
const cudaDeviceProp& properties(Device& device);

}  // namespace tfmini::cuda
