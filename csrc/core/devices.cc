#include "core/devices.h"

#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "core/error.h"
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

// "1,0" as numbers.
std::vector<int> parse_list(const std::string& list) {
  std::vector<int> out;
  std::istringstream in(list);
  for (std::string item; std::getline(in, item, ',');) {
    size_t end = 0;
    int index = -1;
    try {
      index = std::stoi(item, &end);
    } catch (const std::logic_error&) {
      end = 0;
    }
    check(end == item.size() && index >= 0, "visible_device_list is '", list,
          "'; it must be numbers of GPUs separated by commas, such as '0,1'");
    check(std::find(out.begin(), out.end(), index) == out.end(), "visible_device_list is '", list, "': GPU ", index,
          " is named twice");
    out.push_back(index);
  }
  return out;
}

}  // namespace

int gpu_count() {
#if defined(TFMINI_WITH_CUDA)
  return cuda::count();
#else
  return 0;
#endif
}

Device& device_at(uint8_t ordinal) {
#if defined(TFMINI_WITH_CUDA)
  if (ordinal > 0) return cuda::device(ordinal - 1);
#endif
  return cpu_device();
}

uint8_t device_of(const void* p) {
#if defined(TFMINI_WITH_CUDA)
  return static_cast<uint8_t>(cuda::device_of(p) + 1);
#else
  return 0;
#endif
}

std::vector<Device*> visible_gpus(const std::string& list, int count) {
  std::vector<int> indices = parse_list(list);
  if (gpu_count() == 0) return {};  // a program written for a machine with GPUs runs on one without
  for (int index : indices)
    check(index < gpu_count(), "visible_device_list is '", list, "', but GPU ", index, " does not exist; there are ",
          gpu_count(), " (`tfmini devices` lists them)");
  if (list.empty())
    for (int i = 0; i < gpu_count(); ++i) indices.push_back(i);
  if (count >= 0 && indices.size() > static_cast<size_t>(count)) indices.resize(static_cast<size_t>(count));
  std::vector<Device*> out;
  for (int i : indices) out.push_back(&device_at(static_cast<uint8_t>(i + 1)));
  return out;
}

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
