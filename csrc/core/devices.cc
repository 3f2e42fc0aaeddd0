#include "core/devices.h"

#include <unistd.h>

#include "simd/isa.h"

namespace tfmini {
namespace {

DeviceInfo cpu_info() {
  DeviceInfo info;
  info.name = "/device:CPU:0";
  info.memory = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
  info.description = std::string("kernels for ") + isa_name(best_isa());
  return info;
}

}  // namespace

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> all{cpu_info()};
#if defined(TFMINI_WITH_CUDA)
  for (DeviceInfo& gpu : cuda::list_devices()) all.push_back(std::move(gpu));
#endif
  return all;
}

std::string cuda_status() {
#if defined(TFMINI_WITH_CUDA)
  return cuda::status();
#else
  return "this build of tfmini has no CUDA support (no CUDA compiler was found when it was built)";
#endif
}

}  // namespace tfmini
