// A tensor filled with a value that the host knows.
#pragma once

#include "core/launch.cuh"
#include "core/vec.cuh"

namespace tfmini::cuda {

template <class T>
__global__ void __launch_bounds__(kThreads) fill_value(T* out, int64_t n, T value) {
  const int64_t i = thread_index();
  if (i < n) out[i] = value;
}
template <class T>
void fill(cudaStream_t s, T* out, int64_t n, T value) {
  if (n > 0) launch(&fill_value<T>, blocks_for(n), kThreads, 0, s, out, n, value);
}

}  // namespace tfmini::cuda
