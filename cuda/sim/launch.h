// cudaLaunchKernelEx over fibers.
#pragma once

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sim/api.h"
#include "sim/fibers.h"

enum cudaLaunchAttributeID { cudaLaunchAttributeCooperative = 2, cudaLaunchAttributeClusterDimension = 4 };
struct cudaLaunchAttributeValue {
  int cooperative;
  struct {
    unsigned x, y, z;
  } clusterDim;
};
struct cudaLaunchAttribute {
  cudaLaunchAttributeID id;
  cudaLaunchAttributeValue val;
};

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
  cudaLaunchAttribute* attrs = nullptr;
  unsigned numAttrs = 0;
};

namespace tfmini::sim {

cudaError_t enqueue_grid(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> thread);
// In a live allocation, at the end of one, pinned, or null: what a kernel may be given.
bool is_device_accessible(const void* p);

template <class T>
bool accessible(const T& argument) {
  if constexpr (std::is_pointer_v<T> && !std::is_function_v<std::remove_pointer_t<T>>)
    return is_device_accessible(argument);
  else
    return true;
}

}  // namespace tfmini::sim

template <class... Params, class... Args>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Params...), Args&&... args) {
  // By value, as the real thing copies parameters: the caller's variables may be gone when the grid runs.
  std::tuple<std::decay_t<Params>...> copies(static_cast<std::decay_t<Params>>(std::forward<Args>(args))...);
  const bool fine = std::apply([](const auto&... a) { return (tfmini::sim::accessible(a) && ...); }, copies);
  if (!fine) return cudaErrorInvalidDevicePointer;
  return tfmini::sim::enqueue_grid(*config, reinterpret_cast<const void*>(kernel),
                                   [kernel, copies = std::move(copies)] { std::apply(kernel, copies); });
}
