// Starting kernels: the one way that nvcc and the simulator (cuda/sim) share.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <utility>

#include "core/error.h"

namespace tfmini::cuda {

// Throws ResourceExhaustedError or InternalError.
void check_cuda(cudaError_t error, const char* what);

// kernel<<<grid, block, dynamic_shared, stream>>>(args...)
template <class... Params, class... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block, size_t dynamic_shared, cudaStream_t stream,
            Args&&... args) {
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = dynamic_shared;
  config.stream = stream;
  check_cuda(cudaLaunchKernelEx(&config, kernel, std::forward<Args>(args)...), "starting a kernel");
}

// The block's dynamic shared memory, aligned as TMA wants it.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
#if defined(TFMINI_CUDA_SIM)
  return static_cast<T*>(sim::dynamic_shared());
#else
  extern __shared__ __align__(1024) unsigned char tfmini_dynamic_shared[];
  return reinterpret_cast<T*>(tfmini_dynamic_shared);
#endif
}

}  // namespace tfmini::cuda
