// Grids whose blocks wait for each other.
#pragma once

#include "core/launch.cuh"

namespace tfmini::cuda {

// All blocks of a grid that launch_together started meet here. `arrived` is a counter in device memory, 0 before the
// grid starts; `meeting` counts the calls, from 1.
__device__ __forceinline__ void grid_barrier(unsigned* arrived, unsigned meeting) {
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();  // what this block wrote is seen by whoever sees it arrive
    atomicAdd(arrived, 1u);
    while (*const_cast<volatile unsigned*>(arrived) < meeting * gridDim.x) {
    }
    __threadfence();
  }
  __syncthreads();
}

// An element that another block may have written while this grid runs: past the first-level cache, which would not
// notice.
template <class T>
__device__ __forceinline__ T load_shared_between_blocks(const T* p) {
#if defined(TFMINI_CUDA_SIM)
  return *p;
#else
  if constexpr (sizeof(T) == 2) {
    T x;
    x.bits = __ldcg(reinterpret_cast<const unsigned short*>(p));
    return x;
  } else {
    return __ldcg(p);
  }
#endif
}

// Can the current device keep all blocks of a grid going at once, if there are no more than multiprocessors? (The
// simulator cannot.)
inline bool can_launch_together() {
  int device = 0, can = 0;
  check_cuda(cudaGetDevice(&device), "asking for the current device");
  check_cuda(cudaDeviceGetAttribute(&can, cudaDevAttrCooperativeLaunch, device), "asking for cooperative launches");
  return can != 0;
}

// kernel<<<blocks, threads, shared, stream>>>(args...), all blocks at once if `together`.
template <class... Params, class... Args>
void launch_together(bool together, void (*kernel)(Params...), unsigned blocks, unsigned threads, size_t shared,
                     cudaStream_t stream, Args&&... args) {
  cudaLaunchConfig_t config = {};
  config.gridDim = blocks;
  config.blockDim = threads;
  config.dynamicSmemBytes = shared;
  config.stream = stream;
  cudaLaunchAttribute attribute = {};
#if !defined(TFMINI_CUDA_SIM)
  attribute.id = cudaLaunchAttributeCooperative;
  attribute.val.cooperative = 1;
#endif
  config.attrs = &attribute;
  config.numAttrs = together ? 1 : 0;
  if (shared > 48 * 1024)
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared)),
               "asking for shared memory");
  check_cuda(cudaLaunchKernelEx(&config, kernel, std::forward<Args>(args)...), "starting a kernel");
}

}  // namespace tfmini::cuda
