// The devices of this machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/device.h"
#include "core/registry.h"

namespace tfmini {

struct DeviceInfo {
  std::string name;  // "/device:GPU:0"
  DeviceKind kind = DeviceKind::kCPU;
  size_t memory = 0;        // bytes; 0 if unknown
  std::string description;  // "NVIDIA H200, compute capability 9.0"
};

std::vector<DeviceInfo> list_devices();
// Why no GPU can be used ("this build has no CUDA support", "no NVIDIA driver was found", ...);
// empty if one can.
std::string cuda_status();

int gpu_count();
// The device with this Device::ordinal(); GPUs are opened at first use.
Device& device_at(uint8_t ordinal);
// The ordinal of the device whose memory `p` points to.
uint8_t device_of(const void* p);
// The GPUs a session may use, which are then /gpu:0, /gpu:1, ...: all of them, or those in a list like "1,0"
// (TensorFlow's visible_device_list), at most `count` if that is not negative. Throws InvalidArgumentError for a list
// that names no GPU.
std::vector<Device*> visible_gpus(const std::string& list, int count);

#if defined(TFMINI_WITH_CUDA)
namespace cuda {               // cuda/core/device.cu
int count();                   // of GPUs that can be used
int device_of(const void* p);  // index of the GPU whose memory it is; -1: none
std::vector<DeviceInfo> list_devices();
std::string status();
// The index-th GPU, opened at first use. Throws InvalidArgumentError if there is none.
Device& device(int index);

// cuda/core/parity.cu: in plans made while this is on, CPU kernels are compared with their CUDA counterparts as they
// run.
void check_parity(bool on);
Kernel with_parity_check(const OpDef& op, const Attrs& attrs, Kernel cpu);
// Ops checked so far, with the number of checks.
std::vector<std::pair<std::string, int64_t>> parity_counts();
}  // namespace cuda
#endif

}  // namespace tfmini
