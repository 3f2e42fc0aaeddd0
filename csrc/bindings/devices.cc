// Devices and their memory.
#include "core/devices.h"

#include <pybind11/stl.h>

#include "bindings/module.h"
#include "core/parallel.h"
#include "core/registry.h"
#include "core/tensor_float_32.h"
#include "runtime/recorder.h"

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
  m.def("tensor_float_32", [] { return tensor_float_32_allowed.load(); });
  m.def("set_tensor_float_32", [](bool allowed) { tensor_float_32_allowed = allowed; });
#if defined(TFMINI_WITH_CUDA)
  m.def("check_cuda_parity", &cuda::check_parity, "While on, CPU kernels are compared with their CUDA counterparts.");
  m.def("cuda_parity_counts", [] {
    py::dict out;
    for (const auto& [op, n] : cuda::parity_counts()) out[op.c_str()] = n;
    return out;
  });
#endif
  m.def(
      "cuda_kernels",
      [] {
        py::dict out;
        for (const OpDef* op : Registry::get().all()) {
          py::list dtypes;
          for (DType d : Registry::get().kernel_dtypes(op->name, DeviceKind::kCUDA)) dtypes.append(dtype_name(d));
          if (!dtypes.empty()) out[op->name.c_str()] = dtypes;
        }
        return out;
      },
      "Ops that have CUDA kernels, with their dtypes (\"invalid\": all).");
  m.def("max_threads", &max_threads);
  m.def("bytes_in_use", [] { return cpu_device().bytes_in_use(); });
  m.def("bytes_cached", [] { return cpu_device().bytes_cached(); });
  m.def("trim", [] { cpu_device().trim(); });
  m.def("gpu_count", &gpu_count);
  const auto gpu = [](int index) -> Device& { return device_at(static_cast<uint8_t>(index + 1)); };
  m.def("gpu_synchronize", [=](int index) {
    const py::gil_scoped_release release;
    gpu(index).synchronize();
  });
  m.def("recorder_counts", [] {
    const RecorderCounts n = recorder_counts();
    return py::dict(py::arg("recorded") = n.recorded, py::arg("replayed") = n.replayed, py::arg("stepped") = n.stepped);
  });
  m.def("gpu_total_memory", [=](int index) { return gpu(index).total_memory(); });
  m.def("gpu_bytes_in_use", [=](int index) { return gpu(index).bytes_in_use(); });
  m.def("gpu_bytes_cached", [=](int index) { return gpu(index).bytes_cached(); });
}

}  // namespace tfmini
