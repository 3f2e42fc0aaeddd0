#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

#include "sim/context.h"
#include "sim/launch.h"
#include "sim/state.h"

namespace tfmini::sim {
namespace {

constexpr size_t kSharedDefault = 48 * 1024, kSharedOptin = 227 * 1024;
constexpr int kMultiprocessors = 3;

thread_local cudaError_t last_error = cudaSuccess;
cudaError_t asynchronous_error = cudaSuccess;

// The largest dynamic shared memory asked for, per device and kernel.
std::map<std::pair<int, const void*>, size_t>& shared_limits() {
  static auto* limits = new std::map<std::pair<int, const void*>, size_t>;
  return *limits;
}

struct Named {
  cudaError_t error;
  const char *name, *text;
};
constexpr Named kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInvalidDevicePointer, "cudaErrorInvalidDevicePointer", "a kernel was given a host pointer"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorSymbolNotFound, "cudaErrorSymbolNotFound", "named symbol not found"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error "
     "during capture"},
};
const Named* find(cudaError_t error) {
  for (const Named& e : kErrors)
    if (e.error == error) return &e;
  return nullptr;
}

}  // namespace

std::recursive_mutex& the_lock() {
  static auto* lock = new std::recursive_mutex;
  return *lock;
}

int& current_device() {
  thread_local int device = 0;
  return device;
}

int num_devices() {
  static const int count = [] {
    const char* value = std::getenv("TFMINI_CUDASIM_DEVICES");
    return value ? std::atoi(value) : 2;
  }();
  return count;
}

cudaError_t result(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

void fail_asynchronously(cudaError_t error, const char* message) {
  std::fprintf(stderr, "simulated CUDA device: %s\n", message);
  asynchronous_error = error;
}
cudaError_t take_asynchronous_error() { return result(std::exchange(asynchronous_error, cudaSuccess)); }

namespace {

// Blocks of a launch that run at the same time, or 0 if the device could not do that.
uint64_t gang_of(const cudaLaunchConfig_t& c) {
  const uint64_t blocks = uint64_t{c.gridDim.x} * c.gridDim.y * c.gridDim.z;
  const uint64_t threads = uint64_t{c.blockDim.x} * c.blockDim.y * c.blockDim.z;
  uint64_t gang = 1;
  for (unsigned i = 0; i < c.numAttrs; ++i) {
    const cudaLaunchAttributeValue& value = c.attrs[i].val;
    if (c.attrs[i].id == cudaLaunchAttributeCooperative && value.cooperative) {
      const uint64_t per_chip = std::min<uint64_t>(2048 / threads, (kSharedOptin + 1024) / (c.dynamicSmemBytes + 1024));
      gang = blocks <= kMultiprocessors * per_chip ? blocks : 0;
    } else if (c.attrs[i].id == cudaLaunchAttributeClusterDimension) {
      gang = uint64_t{value.clusterDim.x} * value.clusterDim.y * value.clusterDim.z;
      // Clusters along x are all that fibers.h numbers.
      if (gang != value.clusterDim.x || gang > 8 || c.gridDim.x % gang) gang = 0;
    }
  }
  return gang;
}

}  // namespace

cudaError_t enqueue_grid(const cudaLaunchConfig_t& c, const void* kernel, std::function<void()> thread) {
  const Lock lock(the_lock());
  const dim3 g = c.gridDim, b = c.blockDim;
  const bool fits = g.x >= 1 && g.y >= 1 && g.z >= 1 && g.x <= 0x7fffffffu && g.y <= 65535 && g.z <= 65535 &&
                    b.x >= 1 && b.y >= 1 && b.z >= 1 && b.z <= 64 && uint64_t{b.x} * b.y * b.z <= kMaxThreads;
  const uint64_t gang = fits ? gang_of(c) : 0;
  if (gang == 0) return result(cudaErrorInvalidConfiguration);
  const auto allowed = shared_limits().find({current_device(), kernel});
  if (c.dynamicSmemBytes > (allowed == shared_limits().end() ? kSharedDefault : allowed->second))
    return result(cudaErrorInvalidValue);
  if (c.stream && c.stream->device != current_device()) return result(cudaErrorInvalidResourceHandle);
  enqueue(c.stream, [g, b, gang, bytes = c.dynamicSmemBytes, thread = std::move(thread)] {
    const DeviceAccess access;
    if (const char* error = run_grid(g, b, gang, bytes, thread)) fail_asynchronously(cudaErrorLaunchFailure, error);
  });
  return cudaSuccess;
}

}  // namespace tfmini::sim

using namespace tfmini::sim;

const char* cudaGetErrorString(cudaError_t error) { return find(error) ? find(error)->text : "unknown error"; }
const char* cudaGetErrorName(cudaError_t error) { return find(error) ? find(error)->name : "cudaErrorUnknown"; }
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last_error; }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = num_devices();
  return result(*count ? cudaSuccess : cudaErrorNoDevice);
}
cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= num_devices()) return result(cudaErrorInvalidDevice);
  current_device() = device;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = current_device();
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int device) {
  if (device < 0 || device >= num_devices()) return result(cudaErrorInvalidDevice);
  *prop = {};
  std::snprintf(prop->name, sizeof(prop->name), "simulated CUDA device");
  size_t free = 0;
  cudaMemGetInfo(&free, &prop->totalGlobalMem);
  prop->sharedMemPerBlock = kSharedDefault;
  prop->sharedMemPerBlockOptin = kSharedOptin;
  prop->sharedMemPerMultiprocessor = 228 * 1024;
  prop->major = 9;  // sim/ptx.h and sim/hopper.h have the tensor core instructions of Hopper
  // Few, so that loops over a grid smaller than the work are taken.
  prop->multiProcessorCount = kMultiprocessors;
  prop->maxThreadsPerBlock = kMaxThreads;
  prop->maxThreadsPerMultiProcessor = 2048;
  prop->warpSize = 32;
  prop->l2CacheSize = 1 << 20;
  prop->regsPerBlock = 65536;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp prop;
  if (const cudaError_t error = cudaGetDeviceProperties(&prop, device)) return error;
  switch (attribute) {
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(prop.sharedMemPerBlock);
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(prop.sharedMemPerBlockOptin);
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = prop.multiProcessorCount;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = prop.maxThreadsPerMultiProcessor;
      break;
    case cudaDevAttrL2CacheSize:
      *value = prop.l2CacheSize;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = prop.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = prop.minor;
      break;
    case cudaDevAttrCooperativeLaunch:
      *value = 1;
      break;
    case cudaDevAttrMemoryPoolsSupported:
      *value = 1;
      break;
    default:
      return result(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  *can = device != peer;
  return cudaSuccess;
}
cudaError_t cudaDeviceEnablePeerAccess(int, unsigned) { return cudaSuccess; }

cudaError_t cudaFuncSetAttributeOf(const void* function, int attribute, int value) {
  const Lock lock(the_lock());
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || static_cast<size_t>(value) > kSharedOptin) return result(cudaErrorInvalidValue);
  shared_limits()[{current_device(), function}] = static_cast<size_t>(value);
  return cudaSuccess;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char*, void** function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* found) {
  *function = nullptr;
  if (found) *found = cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}
