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
#if defined(TFMINI_CUDA_SIM)
      sim::wait_for_others();
#endif
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

// kernel<<<blocks, threads, shared, stream>>>(args...), all blocks at once: no more than there are multiprocessors.
template <class... Params, class... Args>
void launch_together(void (*kernel)(Params...), unsigned blocks, unsigned threads, size_t shared, cudaStream_t stream,
                     Args&&... args) {
  cudaLaunchAttribute together = {};
  together.id = cudaLaunchAttributeCooperative;
  together.val.cooperative = 1;
  launch_with({&together, 1}, kernel, blocks, threads, shared, stream, std::forward<Args>(args)...);
}

}  // namespace tfmini::cuda
