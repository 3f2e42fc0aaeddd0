// Devices and their memory.
#include "core/devices.h"

#include <pybind11/stl.h>

#include "bindings/module.h"
#include "core/parallel.h"

namespace tfmini {

void bind_devices(py::module_& m) {
  m.def("list_devices", [] {
    py::list out;
    for (const DeviceInfo& d : list_devices())
      out.append(py::make_tuple(d.name, d.kind == DeviceKind::kCPU ? "CPU" : "GPU", d.memory, d.description));
    return out;
  });
  m.def("cuda_status", &cuda_status, "Why no GPU can be used; empty if one can.");
  m.def("built_with_cuda", [] {
#if defined(TFMINI_WITH_CUDA)
    return true;
#else
    return false;
#endif
  });
  m.def("max_threads", &max_threads);
  m.def("bytes_in_use", [] { return cpu_device().bytes_in_use(); });
  m.def("bytes_cached", [] { return cpu_device().bytes_cached(); });
  m.def("trim", [] { cpu_device().trim(); });
}

}  // namespace tfmini
