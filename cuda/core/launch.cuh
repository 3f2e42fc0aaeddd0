// Starting kernels: the one way that nvcc and the simulator (cuda/sim) share.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <span>
#include <utility>

#include "core/error.h"

namespace tfmini::cuda {

// Throws ResourceExhaustedError or InternalError.
void check_cuda(cudaError_t error, const char* what);

// Dynamic shared memory that a kernel gets without asking, and the asking: once per device, for the most it ever
// wanted, since another thread may be about to start it with that much.
inline constexpr size_t kSharedUnasked = 48 * 1024;
void ask_for_shared(const void* kernel, size_t bytes);

// kernel<<<grid, block, dynamic_shared, stream>>>(args...) with these attributes.
template <class... Params, class... Args>
void launch_with(std::span<cudaLaunchAttribute> attributes, void (*kernel)(Params...), dim3 grid, dim3 block,
                 size_t dynamic_shared, cudaStream_t stream, Args&&... args) {
  if (dynamic_shared > kSharedUnasked) ask_for_shared(reinterpret_cast<const void*>(kernel), dynamic_shared);
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = dynamic_shared;
  config.stream = stream;
  config.attrs = attributes.data();
  config.numAttrs = static_cast<unsigned>(attributes.size());
  check_cuda(cudaLaunchKernelEx(&config, kernel, std::forward<Args>(args)...), "starting a kernel");
}
template <class... Params, class... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block, size_t dynamic_shared, cudaStream_t stream,
            Args&&... args) {
  launch_with({}, kernel, grid, block, dynamic_shared, stream, std::forward<Args>(args)...);
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
