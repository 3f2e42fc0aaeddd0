// Which GPUs there are, or why none can be used. The runtime is linked statically, so the module loads on machines
// without a driver; there every call reports what is missing.
#include <cuda_runtime.h>

#include "core/devices.h"
#include "core/error.h"

namespace tfmini::cuda {
namespace {

// The oldest architecture this build has code for (CMakeLists.txt).
constexpr int kOldestMajor = 8;

std::string version(int v) { return detail::concat(v / 1000, ".", v % 1000 / 10); }

std::string find_reason() {
  int found = 0;
  const cudaError_t error = cudaGetDeviceCount(&found);
  cudaGetLastError();
  if (error == cudaErrorInsufficientDriver) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver == 0) return "no NVIDIA driver was found (libcuda.so.1 cannot be loaded); install one";
    return detail::concat("the NVIDIA driver supports CUDA ", version(driver), ", this build needs ",
                          version(CUDART_VERSION), "; install a newer driver");
  }
  if (error == cudaErrorNoDevice || (error == cudaSuccess && found == 0))
    return "the driver reports no CUDA device (is CUDA_VISIBLE_DEVICES set to hide them?)";
  if (error != cudaSuccess) return detail::concat("the CUDA runtime reports: ", cudaGetErrorString(error));
  std::string old;
  for (int i = 0; i < found; ++i) {
    cudaDeviceProp prop;
    if (cudaGetDeviceProperties(&prop, i) != cudaSuccess) continue;
    if (prop.major >= kOldestMajor) return "";
    old += detail::concat(old.empty() ? "" : ", ", prop.name, " (", prop.major, ".", prop.minor, ")");
  }
  return detail::concat("the code in this build is for compute capability ", kOldestMajor, ".0 and newer; found ", old);
}

}  // namespace

std::string status() {
  static const std::string reason = find_reason();
  return reason;
}

int count() {
  if (!status().empty()) return 0;
  int found = 0;
  return cudaGetDeviceCount(&found) == cudaSuccess ? found : 0;
}

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> all;
  for (int i = 0; i < count(); ++i) {
    cudaDeviceProp prop;
    if (cudaGetDeviceProperties(&prop, i) != cudaSuccess) continue;
    DeviceInfo info;
    info.name = detail::concat("/device:GPU:", i);
    info.kind = DeviceKind::kCUDA;
    info.memory = prop.totalGlobalMem;
    info.description = detail::concat(prop.name, ", compute capability ", prop.major, ".", prop.minor);
    all.push_back(std::move(info));
  }
  return all;
}

}  // namespace tfmini::cuda
